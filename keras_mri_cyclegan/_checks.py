"""Checks of the arguments of public functions.

Every function raises a `ValueError` that names the argument, the expected and the received value
and the way out; no function changes a value.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

# Values of a resampled or rescaled image may exceed [-1, 1] by this much, from rounding errors.
RANGE_TOLERANCE = 0.01
# Largest distance in mm between the corners of two paired scans, whose affines are rounded.
LARGEST_SHIFT = 0.5
# Packages that a warning does not name as its origin.
INSIDE = ("keras_mri_cyclegan", "keras", "contextlib")
# Range warnings of the current call; `None` outside of `one_range_warning`.
_told_of_range: ContextVar[list[str] | None] = ContextVar("told_of_range", default=None)


class RangeWarning(UserWarning):
    """Images that are not in [-1, 1]."""


def positive_int(name: str, value: Any, minimum: int = 1) -> int:
    """Return `value` if it is an integer of at least `minimum`."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < minimum:
        raise ValueError(f"`{name}` must be an integer of at least {minimum}. Received: {value!r}.")
    return int(value)


def one_of(name: str, value: Any, choices: tuple) -> Any:
    """Return `value` if it is among `choices`."""
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices)
        raise ValueError(f"`{name}` must be one of {listed}. Received: {value!r}.")
    return value


def weight(name: str, value: Any) -> float:
    """Return `value` as a float if it is a finite number of at least 0."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or isinstance(value, bool):
        raise ValueError(f"`{name}` must be a number of at least 0. Received: {value!r}.")
    if not np.isfinite(value) or value < 0:
        raise ValueError(f"`{name}` must be finite and at least 0. Received: {value!r}.")
    return float(value)


def fraction(name: str, value: Any) -> float:
    """Return `value` as a float if it is a number in [0, 1)."""
    if weight(name, value) >= 1:
        raise ValueError(f"`{name}` must be at least 0 and below 1. Received: {value!r}.")
    return float(value)


def input_shape(value: Any) -> tuple:
    """Return `value` as a tuple if it is the shape of a 2-D or 3-D image, channels last.

    `(height, width, channels)` or `(depth, height, width, channels)`; a spatial size may be
    `None` (any size), the number of channels may not.
    """
    try:
        shape = tuple(value)
    except TypeError:
        shape = ()
    if len(shape) not in (3, 4):
        raise ValueError(
            "`input_shape` must be (height, width, channels) for images or (depth, height, width, "
            f"channels) for volumes, without the batch axis. Received: {value!r}."
        )
    for size in shape[:-1]:
        if size is not None:
            positive_int("input_shape", size)
    positive_int("input_shape", shape[-1])
    return shape


def images(name: str, value: Any, shape: tuple | None = None) -> np.ndarray:
    """Return `value` as a float32 array if it is a batch of images that a network can take.

    Args:
        name: Name of the argument, or a description of it, for the message.
        value: Array of floats, `(batch, [depth,] height, width, channels)`.
        shape: Required shape of one image, with `None` for an axis of any size. Defaults to any
            image or volume.

    Raises:
        ValueError: Type, dtype, rank or size are wrong; there is no image; or values are NaN or
            infinite.
    """
    array, called = np.asarray(plain(value)), _called(name)
    if array.dtype.kind in "USO":
        raise ValueError(
            f"{called} must hold floating point numbers in [-1, 1]. Received: dtype {array.dtype}. "
            "For paths of scans or volumes, `keras_mri_cyclegan.data.from_volumes(a, b)` returns "
            "their images."
        )
    if not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"{called} must hold floating point numbers in [-1, 1]. Received: dtype {array.dtype}"
            f"{_found_range(array)}. Convert it first, for example `x.astype('float32') / 127.5 - "
            "1` for 8-bit images, or read the files with "
            "`keras_mri_cyclegan.datasets.load_image_folder`."
        )
    if array.ndim not in (4, 5):
        raise ValueError(
            f"{called} must have shape (batch, height, width, channels) or (batch, depth, height, "
            f"width, channels). Received: shape {array.shape}. A single image needs a batch axis "
            "(`x[None]`), a grey image a channel axis (`x[..., None]`)."
        )
    if array.size == 0:
        raise ValueError(f"{called} holds no image. Received: shape {array.shape}.")
    if shape is not None:
        found = array.shape[1:]
        if not _fits(found, shape):
            way_out = "Resize or pad the images, or build the network for their shape."
            if _fits((*found[1:], found[0]), shape):
                way_out = "The channels come first: put them last, `np.moveaxis(x, 1, -1)`."
            elif _fits(found[:-1], shape[:-1]):
                way_out = (
                    f"Build the network for {found[-1]} channel(s). Or, for several contrasts of a "
                    "patient as channels, cut each separately, on one grid, and pass arrays, "
                    "`np.concatenate([t1, flair], axis=-1)`."
                )
            raise ValueError(
                f"{called} holds images of shape {found}, and the network takes {tuple(shape)}. "
                f"{way_out}"
            )
    if not np.isfinite(array).all():
        bad = int(np.size(array) - np.isfinite(array).sum())
        raise ValueError(
            f"{called} holds {bad} values that are NaN or infinite (first in image "
            f"{int(np.argwhere(~np.isfinite(array))[0][0])}). Remove or fill them first."
        )
    return array.astype("float32", copy=False)


def plain(value: Any) -> Any:
    """Return `value`; a torch tensor is detached and moved to the CPU, as NumPy requires."""
    return value.detach().cpu() if hasattr(value, "detach") else value


def compare_pairs(names: tuple[str, str], a: Any, b: Any) -> None:
    """Check that two sets of images can be pairs: image k of one and image k of the other.

    Only sets of scans, `keras_mri_cyclegan.data.VolumeImages`, know the patients of their images.

    Args:
        names: Names of the two sets for messages, as in `images`.
        a: The first set.
        b: The second set.

    Warns:
        UserWarning: The two sets have no patient name in common, perhaps because a patient has two
            names, `lf001` and `hf001`; or their voxels are at different positions.

    Raises:
        ValueError: Two images of a pair are of different patients.
    """
    if not all(hasattr(images, "patient_of_each") for images in (a, b)):
        return
    _same_patients(names, a, b)
    _same_places(names, a, b)


def _same_places(names: tuple[str, str], a: Any, b: Any) -> None:
    """Warn of the first pair of scans whose prepared voxels are at different positions."""
    for k, counts in enumerate(zip(a.counts, b.counts, strict=False)):
        if counts[0] != counts[1]:
            return
        one, other = a.corners.get(k), b.corners.get(k)
        if one is None or other is None:
            continue
        far = float(np.linalg.norm(one - other, axis=-1).max())
        if far > LARGEST_SHIFT:
            warn(
                f"{_called(names[0])} and {_called(names[1])} must be pairs, pixel by pixel. "
                f"Received: by their files, the voxels of scan {k} of the second are up to "
                f"{far:.3g} mm from those of scan {k} of the first, {a.scans[k]!s} and "
                f"{b.scans[k]!s}. Register one to the grid of the other first; if the images match "
                "and only an affine is wrong, pass arrays, `np.asarray(images)`."
            )
            return


def _same_patients(names: tuple[str, str], a: Any, b: Any) -> None:
    pairs = zip(a.comparable_patients, b.comparable_patients, strict=False)
    different = (k for k, pair in enumerate(pairs) if None not in pair and pair[0] != pair[1])
    k = next(different, None)
    if k is None:
        return
    found = (
        f"{_called(names[0])} and {_called(names[1])} must be pairs, image k of one the same slice "
        f"of the same patient as image k of the other. Received: image {k} is of "
        f"{a.patient_of_each[k]!r} in the first and of {b.patient_of_each[k]!r} in the second."
    )
    known = set(a.comparable_patients) & set(b.comparable_patients) - {None}
    if known or (a.patients_are_certain and b.patients_are_certain):
        raise ValueError(
            f"{found} Prepare the scans of the same patients, in one order. If they are of the "
            "same patients, pass `from_volumes(..., patient=...)`, or arrays, `np.asarray(images)`."
        )
    warn(
        f"{found} The patients are taken from the file names, which have no patient in common. If "
        "the scans are of the same patients, pass `from_volumes(..., patient=...)`."
    )


def same_domains(names: tuple[str, str], a: Any, b: Any) -> None:
    """Check that images of scans are passed as the domain for which they were prepared.

    Args:
        names: Names of the two sets for messages, as in `images`.
        a: Images of A; only `VolumeImages` know their domain.
        b: Images of B.

    Raises:
        ValueError: The images of A were prepared as B, and the images of B as A.
    """
    domains = getattr(a, "domain", None), getattr(b, "domain", None)
    if domains == ("b", "a"):
        raise ValueError(
            f"{_called(names[0])} must be images of A and {_called(names[1])} images of B. "
            "Received: scans prepared as domain 'b' and as domain 'a'. Swap the two; for a model "
            "with exchanged domains, prepare them as `from_volumes(b, a)`."
        )


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the calling line outside this library and Keras."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in INSIDE:
            break
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


@contextlib.contextmanager
def one_range_warning() -> Iterator[None]:
    """Context that warns only of the first images that are not in [-1, 1]."""
    token = _told_of_range.set([] if (told := _told_of_range.get()) is None else told)
    try:
        yield
    finally:
        _told_of_range.reset(token)


def warn_range(name: str, array: np.ndarray) -> None:
    """Warn if `array` leaves [-1, 1], or seems to be in [0, 1]."""
    low, high = float(array.min()), float(array.max())
    outside = low < -1 - RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE
    if not outside and not seems_from_zero(low, high):
        return
    what = "For 8-bit images use `x / 127.5 - 1`."
    if not outside:
        what = "If 0 is their darkest value, use `2 * x - 1`: air is -1."
    tell_of_range(
        f"{_called(name)} has values in [{low:g}, {high:g}], and the networks expect [-1, 1] "
        f"(their output is a tanh). {what}"
    )


def tell_of_range(text: str) -> None:
    """Warn of images that are not in [-1, 1], unless the current call has already warned."""
    told = _told_of_range.get()
    if told:
        return
    if told is not None:
        told.append(text)
    warn(text, RangeWarning)


def seems_from_zero(low: float, high: float) -> bool:
    """Whether images with this range of values seem to be in [0, 1] instead of [-1, 1]."""
    return abs(low) <= RANGE_TOLERANCE and low < high <= 1 + RANGE_TOLERANCE


def _fits(found: tuple, shape: tuple) -> bool:
    return len(found) == len(shape) and all(
        expected is None or expected == size for expected, size in zip(shape, found, strict=True)
    )


def _called(name: str) -> str:
    return name[0].upper() + name[1:] if " " in name else f"`{name}`"


def _found_range(array: np.ndarray) -> str:
    if array.size and np.issubdtype(array.dtype, np.integer):
        return f" with values in [{array.min()}, {array.max()}]"
    return ""
