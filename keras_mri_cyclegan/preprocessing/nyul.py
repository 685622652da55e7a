"""Nyúl and Udupa's histogram landmark normalisation."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.preprocessing.normalization import (
    Normalization,
    by_slabs,
    clipped_to_range,
    foreground,
    is_number,
    short,
)
from keras_mri_cyclegan.preprocessing.white_stripe import Image
from keras_mri_cyclegan.volumes import Volume, VolumeError


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Nyul(Normalization):
    """Normalise a scan by mapping its histogram landmarks to a standard scale in [-1, 1].

    Landmarks are percentiles of a scan's foreground. They are mapped to the standard scale, the
    mean landmarks of the training scans, with linear interpolation between landmarks (Nyúl and
    Udupa, 1999). `intensity-normalization` (the extra `preprocessing`) learns a standard scale for
    each domain, so this transform must be fitted before it can be applied. The foreground is the
    volume's mask, or, without a mask, all that is not air (see `ZScore`). By default **values
    beyond the outer landmarks are clipped** if they leave [-1, 1].

    Args:
        low: The percentile mapped to -1, in `(0, 10)`. Defaults to 1.0.
        high: The percentile mapped to 1, in `(90, 100)`. Defaults to 99.0. Between the two,
            every tenth percentile is a landmark.
        clip: Whether to clip values to [-1, 1]. The record's `"clipped"` is the clipped share of
            all voxels. If `False`, `invert` is exact to rounding. Defaults to `True`.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: The foreground of a scan is empty or has a single value.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Nyul, Preprocessing
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> rng = np.random.default_rng(0)
        >>> scans = [Volume(rng.gamma(4, 50 * n, (16, 16, 16)), np.eye(4)) for n in (1, 2, 3)]
        >>> preprocessing = Preprocessing([Nyul()]).fit(scans, verbose=0)
        >>> medians = [np.median(preprocessing.prepare(scan).volume.array) for scan in scans]
        >>> bool(np.ptp(medians) < 0.01)  # they were 184, 367 and 551
        True
    """

    needs_fit = True

    def __init__(self, low: float = 1.0, high: float = 99.0, clip: bool = True):
        self.low, self.high = _checks.weight("low", low), _checks.weight("high", high)
        if not 0 < self.low < 10 or not 90 < self.high < 100:
            raise ValueError(
                "`low` must be a percentile above 0 and below 10, `high` above 90 and below 100. "
                f"Received: low={low!r}, high={high!r}."
            )
        if not isinstance(clip, bool):
            raise ValueError(f"`clip` must be True or False. Received: {clip!r}.")
        self.clip = clip

    def summarize(self, volume: Volume) -> dict[str, Any]:
        """Return the scan's landmarks, and the landmarks scaled linearly to [-1, 1]."""
        values, landmarks = self._landmarks(volume)
        fitted = self._normalizer().fit_population([Image(values)], [Image(np.ones(values.shape))])
        return {"landmarks": landmarks.tolist(), "scale": fitted.standard_scale.tolist()}

    def fit(self, summaries: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the standard scale (mean over scans) and the medians of the landmarks."""
        return {
            "scale": np.mean([s["scale"] for s in summaries], axis=0).tolist(),
            "landmarks": np.median([s["landmarks"] for s in summaries], axis=0).tolist(),
        }

    def check_state(self, state: dict[str, Any]) -> None:
        """Raise a `ValueError` if `state` is not what `fit` returns."""
        count = 11
        for name in ("scale", "landmarks"):
            values = state.get(name)
            if (
                set(state) != {"scale", "landmarks"}
                or not isinstance(values, list)
                or len(values) != count
                or not all(is_number(value) for value in values)
                or sorted(values) != values
                or not values[0] < values[-1]
            ):
                raise ValueError(
                    f"Nyul has a state of {short(state)}. Expected a 'scale' and 'landmarks' of "
                    f"{count} finite numbers each, in ascending order."
                )

    def typical(self, state: dict[str, Any]) -> dict[str, Any]:
        """Return the record of a scan with the median of the training scans' landmarks."""
        return {"landmarks": state["landmarks"], "scale": state["scale"], "clipped": 0.0}

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the volume in [-1, 1], and a record of its landmarks and the standard scale."""
        landmarks = self._landmarks(volume)[1].tolist()
        array = _moved(volume.array, landmarks, state["scale"])
        array, clipped = clipped_to_range(array) if self.clip else (array, 0.0)
        record = {"landmarks": landmarks, "scale": state["scale"], "clipped": clipped}
        return volume.replace(array=array), record

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Map the standard scale back to the landmarks of the record."""
        return volume.replace(array=_moved(volume.array, record["scale"], record["landmarks"]))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"low": self.low, "high": self.high, "clip": self.clip}

    def _normalizer(self) -> Any:
        module = require("intensity_normalization.normalizers.population.nyul", "preprocessing")
        return module.NyulNormalizer(
            output_min_value=-1.0,
            output_max_value=1.0,
            min_percentile=self.low,
            max_percentile=self.high,
        )

    def _landmarks(self, volume: Volume) -> tuple[np.ndarray, np.ndarray]:
        values = foreground(volume).astype("float64")
        landmarks = np.percentile(values, self._normalizer().percentiles)
        if not landmarks[0] < landmarks[-1]:
            raise VolumeError(
                volume.path,
                f"no contrast to normalise: {landmarks[0]:g} is both percentile {self.low:g} and "
                f"{self.high:g} of the foreground. Expected two different values. Leave this scan "
                "out, or check its mask.",
            )
        return values, landmarks


def _moved(array: np.ndarray, start: list[float], end: list[float]) -> np.ndarray:
    """Map values by linear interpolation from `start` to `end`, with linear extrapolation."""
    knots = [(start[0], end[0])]
    for knot in zip(start[1:], end[1:], strict=True):
        # In a scan of few grey levels landmarks may coincide: no line is defined between them.
        if knot[0] > knots[-1][0] and knot[1] > knots[-1][1]:
            knots.append(knot)
    if knots[-1] != (start[-1], end[-1]):
        knots[-1] = (start[-1], end[-1])
    x, y = np.array(knots).T
    slopes = np.diff(y) / np.diff(x)

    def move(plane: np.ndarray) -> np.ndarray:
        line = np.clip(np.searchsorted(x, plane) - 1, 0, len(slopes) - 1)
        return y[line] + (plane - x[line]) * slopes[line]

    return by_slabs(array, move)
