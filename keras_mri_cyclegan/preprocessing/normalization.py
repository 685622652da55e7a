"""Base classes and shared functions of the intensity normalisations."""

from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np

from keras_mri_cyclegan.preprocessing.background import without_air
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError


class Normalization(Step):
    """Base class of the transforms that normalise a scan's intensities to [-1, 1].

    `Preprocessing.restore` inverts transforms of this class with the scan's own record
    (`intensities="source"`), with the record of a typical scan of the target domain (`"target"`),
    or not at all (`"normalized"`).
    """

    has_state = True
    changes_grid = False

    def typical(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the record that `apply` would return for a typical scan of the fitted domain."""
        raise TypeError(f"{type(self).__name__} must define `typical`.")


class LinearNormalization(Normalization):
    """Base class of the linear normalisations, which map one value to -1 and another to 1.

    Subclasses define these two values in `limits`. The record is `{"low", "high", "clipped"}`: the
    values mapped to -1 and to 1, and the share of clipped voxels. The state is `{"low", "high"}`,
    the medians over the training scans.

    Args:
        clip: Whether to clip values to [-1, 1]. Clipping cannot be undone. If `False`, values may
            lie outside [-1, 1], and `invert` is exact to float32 rounding.
    """

    def __init__(self, clip: bool = True):
        if not isinstance(clip, bool):
            raise ValueError(f"`clip` must be True or False. Received: {clip!r}.")
        self.clip = clip

    def limits(self, volume: Volume) -> tuple[float, float]:
        """Return the values of this scan that are mapped to -1 and 1."""
        raise TypeError(f"{type(self).__name__} must define `limits`.")

    def summarize(self, volume: Volume) -> dict[str, Any]:
        """Return the values of one training scan that are mapped to -1 and 1."""
        low, high = self._checked_limits(volume)
        return {"low": low, "high": high}

    def fit(self, summaries: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the medians of the training scans' values that are mapped to -1 and 1."""
        return {name: float(np.median([s[name] for s in summaries])) for name in ("low", "high")}

    def check_state(self, state: dict[str, Any]) -> None:
        """Raise a `ValueError` if `state` is not what `fit` returns."""
        low, high = state.get("low"), state.get("high")
        if (
            set(state) != {"low", "high"}
            or not is_number(low)
            or not is_number(high)
            or not float(low) < float(high)
            or max(abs(float(low)), abs(float(high))) > np.finfo("float32").max
        ):
            raise ValueError(
                f"{type(self).__name__} has a state of {short(state)}. Expected two finite "
                "float32 numbers, 'low' below 'high'."
            )

    def typical(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the record of a typical scan of the fitted domain."""
        return {"low": state["low"], "high": state["high"], "clipped": 0.0}

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the normalised volume, and the record `{"low", "high", "clipped"}`."""
        low, high = self._checked_limits(volume)
        array = by_slabs(volume.array, lambda slab: (slab - low) * (2 / (high - low)) - 1)
        array, clipped = clipped_to_range(array) if self.clip else (array, 0.0)
        return volume.replace(array=array), {"low": low, "high": high, "clipped": clipped}

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Map -1 and 1 back to the record's `low` and `high`."""
        low, high = record["low"], record["high"]
        array = by_slabs(volume.array, lambda slab: (slab + 1) * ((high - low) / 2) + low)
        return volume.replace(array=array)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"clip": self.clip}

    def _checked_limits(self, volume: Volume) -> tuple[float, float]:
        low, high = (float(value) for value in self.limits(volume))
        # A difference below float32 resolution would turn rounding errors into contrast.
        with np.errstate(over="ignore"):
            apart = np.float32(high) > np.float32(low)
        if not np.isfinite([low, high]).all() or not apart:
            raise VolumeError(
                volume.path,
                f"no contrast to normalise: {self!r} would map {low:g} to -1, {high:g} to 1. "
                "Expected two different values. Leave this scan out, or use a mask or percentiles "
                "that include more than one tissue.",
            )
        return low, high


def foreground(volume: Volume, with_air: bool = False) -> np.ndarray:
    """Return the foreground values of a volume, `(n,)`.

    Args:
        volume: The volume.
        with_air: Whether all voxels count as foreground if the volume has no mask. Defaults to
            `False`: all that are not air. With a mask, the voxels inside it.

    Raises:
        VolumeError: The foreground is empty.
    """
    if volume.mask is not None:
        values, where = volume.array[volume.mask], "is inside its mask"
    elif not with_air:
        values, where = volume.array[without_air(volume)], "differs from air"
    else:
        return volume.array.ravel()
    if not values.size:
        raise VolumeError(
            volume.path,
            f"an empty foreground: no voxel {where}. Expected at least one. Leave this scan out, "
            "or use another mask (`ForegroundMask`, `MaskFromFiles`).",
        )
    return values


def by_slabs(array: np.ndarray, function: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Apply `function` in float64, one plane at a time to save memory; return float32."""
    result = np.empty(array.shape, "float32")
    for index, plane in enumerate(array):
        result[index] = function(plane.astype("float64"))
    return result


def clipped_to_range(array: np.ndarray) -> tuple[np.ndarray, float]:
    """Return `array` clipped to [-1, 1], and the share of values that were clipped."""
    outside = int(np.count_nonzero(array < -1)) + int(np.count_nonzero(array > 1))
    return np.clip(array, -1, 1), outside / array.size


def is_number(value: Any) -> TypeGuard[float]:
    """Whether `value`, from a JSON file, is a finite number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return bool(np.isfinite(float(value)))
    except OverflowError:  # an integer of hundreds of digits
        return False


def short(value: Any) -> str:
    """Return `repr(value)`, truncated to 120 characters."""
    text = repr(value)
    return text if len(text) <= 120 else text[:117] + "..."
