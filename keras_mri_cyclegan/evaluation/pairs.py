"""Checked pairs, on which translations are scored."""

import dataclasses
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.metrics._image_pair import checked_data_range


@dataclasses.dataclass(frozen=True)
class Pairs:
    """Paired images of both domains: image k of A and image k of B show the same slice."""

    a: np.ndarray
    b: np.ndarray
    mask: np.ndarray | None
    groups: np.ndarray | None
    data_range: float

    def from_to(self, direction: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the inputs and the truths of a direction."""
        return (self.a, self.b) if direction == "ab" else (self.b, self.a)

    @property
    def regions(self) -> dict[str, np.ndarray | None]:
        """The mask of each region."""
        return {"whole": None} if self.mask is None else {"whole": None, "mask": self.mask}


def checked_pairs(a: Any, b: Any, mask: Any, groups: Any, data_range: Any) -> Pairs:
    """Validate the images as pairs, and return them.

    Warns:
        UserWarning: The images of a patient are in several groups.

    Raises:
        ValueError: The arrays cannot be pairs, the mask or the groups do not fit them, or their
            values exceed `data_range`.
    """
    data_range = checked_data_range(data_range)
    _checks.compare_pairs(("a", "b"), a, b)
    known = [images for images in (a, b) if hasattr(images, "comparable_patients")]
    a, b = _checks.images("a", a), _checks.images("b", b)
    if a.shape[:-1] != b.shape[:-1]:
        raise ValueError(
            "`a` and `b` must be pairs: as many images, of the same height and width. Received: "
            f"{a.shape} and {b.shape}. Without pairs there is no truth to score against: see "
            "`keras_mri_cyclegan.metrics.displacement`, `histogram_distance` and `kid`."
        )
    _check_range(a, b, data_range)
    groups = _groups(groups, len(a))
    if groups is not None:
        _compare_groups(groups, known)
    return Pairs(a, b, _mask(mask, a), groups, data_range)


def checked_curve_pairs(curve_pairs: Any, a: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Validate `curve_pairs`, and return them."""
    if curve_pairs is None:
        return None
    if not isinstance(curve_pairs, (tuple, list)) or len(curve_pairs) != 2:
        raise ValueError(
            "`curve_pairs` must be `(a, b)`, two arrays of pairs. Received: a "
            f"{type(curve_pairs).__name__}."
        )
    _checks.compare_pairs(("curve_pairs[0]", "curve_pairs[1]"), *curve_pairs)
    first, second = (
        _checks.images(f"curve_pairs[{index}]", images) for index, images in enumerate(curve_pairs)
    )
    if first.shape != second.shape or first.shape[-1] != a.shape[-1]:
        raise ValueError(
            f"`curve_pairs` must be two arrays of one shape, with {a.shape[-1]} channel(s) as `a`. "
            f"Received: {first.shape} and {second.shape}."
        )
    return first, second


def checked_names(names: Any) -> tuple[str, str]:
    """Return the names of the domains if they are two strings."""
    is_pair = isinstance(names, (tuple, list)) and len(names) == 2
    if not is_pair or not all(isinstance(name, str) for name in names):
        raise ValueError(f"`names` must be two strings, for A and for B. Received: {names!r}.")
    return names[0], names[1]


def _check_range(a: np.ndarray, b: np.ndarray, data_range: float) -> None:
    low, high = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
    if high - low > data_range * (1 + _checks.RANGE_TOLERANCE):
        raise ValueError(
            f"`data_range` is {data_range:g}, and `a` and `b` have values in [{low:g}, {high:g}]. "
            "Pass the distance from the smallest to the largest value that an image can have, or "
            "scale the images to [-1, 1]."
        )
    if data_range == 2 and _checks.seems_from_zero(low, high):
        _checks.tell_of_range(
            f"`a` and `b` have values in [{low:g}, {high:g}], and `data_range` is 2, which is that "
            "of [-1, 1]. If they are in [0, 1], pass `data_range=1.0`: PSNR is 6 dB too high "
            "otherwise.",
        )


def _mask(mask: Any, a: np.ndarray) -> np.ndarray | None:
    if mask is None:
        return None
    array, expected = np.asarray(mask), (*a.shape[:-1], 1)
    if array.dtype != bool or array.shape != expected:
        raise ValueError(
            f"`mask` must be boolean, of shape {expected}. Received: dtype {array.dtype}, shape "
            f"{array.shape}. Convert it to boolean, `mask > 0`; add a missing channel axis, "
            "`mask[..., None]`."
        )
    if not array.any():
        raise ValueError("`mask` is empty: it has no pixel inside in any image.")
    return array


def _groups(groups: Any, count: int) -> np.ndarray | None:
    if groups is None:
        return None
    array = np.asarray(groups)
    if array.shape != (count,) or array.dtype.kind not in "iuUS":
        raise ValueError(
            f"`groups` must name the patient of each of the {count} images, as {count} integers or "
            f"strings. Received: dtype {array.dtype}, shape {array.shape}."
        )
    return array


def _compare_groups(groups: np.ndarray, known: list[Any]) -> None:
    """Warn of a patient in several groups; several patients in one group (a family) are valid."""
    for images in known:
        first: dict[str, int] = {}
        for k, patient in enumerate(images.comparable_patients):
            before = first.setdefault(patient, k)
            if patient is not None and groups[k] != groups[before]:
                _checks.warn(
                    f"`groups` must have all images of a patient in one group. Received: image "
                    f"{before} in group {groups[before]!s}, image {k} in group {groups[k]!s}, and "
                    f"both are of {images.patient_of_each[k]!r}: the intervals are too narrow. "
                    "Pass the patient of each image, `groups=[str(p) for p in a.patient_of_each]`, "
                    "in the order of the images."
                )
                return
