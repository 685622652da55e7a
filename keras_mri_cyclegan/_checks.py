"""The checks at the library's border: what a person passes in, before anything is done with it.

Every function raises a `ValueError` that names the argument, what was found, what was expected
and the way out; none of them changes a value.
"""

import contextlib
import sys
import warnings
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

# Rounding in a resampled or re-scaled image may leave [-1, 1] by this much without being a mistake.
RANGE_TOLERANCE = 0.01
# By how many millimetres the corners of two scans that are pairs may be apart: affines are rounded.
LARGEST_SHIFT = 0.5
# What a warning is not shown as the place of.
INSIDE = ("keras_mri_cyclegan", "keras", "contextlib")
# What a call has warned of; `None` outside of such a call.
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
        name: The argument's name, for the message; or what it is, in words.
        value: Array of floats, `(batch, [depth,] height, width, channels)`.
        shape: The shape that one image must have, `None` where any size will do. Defaults to any
            image or volume.

    Raises:
        ValueError: Wrong type, dtype, rank or size; no image; NaN or infinity.
    """
    array, called = np.asarray(plain(value)), _called(name)
    if array.dtype.kind in "USO":
        raise ValueError(
            f"{called} must hold floating point numbers in [-1, 1]. Received: dtype {array.dtype}. "
            "For paths of scans or volumes, `keras_mri_cyclegan.data.from_volumes(a, b)` makes "
            "images of them."
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
                    "patient as channels, cut each by itself, on one grid, and pass arrays, "
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
    """Return `value`, of a torch tensor what NumPy can take: without a gradient, on the CPU."""
    return value.detach().cpu() if hasattr(value, "detach") else value


def compare_pairs(names: tuple[str, str], a: Any, b: Any) -> None:
    """Check two sets of images that are taken for pairs, image k of one for image k of the other.

    Sets of scans, `keras_mri_cyclegan.data.VolumeImages`, know whose their images are.

    Args:
        names: What to call the two, as in `images`.
        a: The first set.
        b: The second set.

    Warns:
        UserWarning: The names of the two sets have no patient in common, and may call one patient
            by two names, `lf001` and `hf001`; or their voxels lie at different places.

    Raises:
        ValueError: An image of a patient and an image of another one.
    """
    if not all(hasattr(images, "patient_of_each") for images in (a, b)):
        return
    _same_patients(names, a, b)
    _same_places(names, a, b)


def _same_places(names: tuple[str, str], a: Any, b: Any) -> None:
    """Warn of the first pair of scans whose prepared voxels lie at different places."""
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
                f"{b.scans[k]!s}. Bring one onto the grid of the other first, by registration; if "
                "they match, and an affine is wrong, pass arrays, `np.asarray(images)`."
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
            f"{found} Prepare the scans of the same patients, in one order; if they are, say so by "
            "`from_volumes(..., patient=...)`, or pass arrays, `np.asarray(images)`."
        )
    warn(
        f"{found} That is what the files' names say, and they have no patient in common. If the "
        "scans are of the same patients, say so by `from_volumes(..., patient=...)`."
    )


def same_domains(names: tuple[str, str], a: Any, b: Any) -> None:
    """Check that images of scans are passed as the domain that they were prepared as.

    Args:
        names: What to call the two, as in `images`.
        a: What is passed as images of A; `VolumeImages` know their domain.
        b: What is passed as images of B.

    Raises:
        ValueError: Images that were prepared as B in the place of A, and as A in that of B.
    """
    domains = getattr(a, "domain", None), getattr(b, "domain", None)
    if domains == ("b", "a"):
        raise ValueError(
            f"{_called(names[0])} must be images of A and {_called(names[1])} images of B. "
            "Received: scans prepared as domain 'b' and as domain 'a'. Swap the two; for a model "
            "of the other direction prepare them the other way round, `from_volumes(b, a)`."
        )


def warn(text: str, category: type[Warning] = UserWarning) -> None:
    """Warn as of the line, outside of this library and Keras, that led here."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None:
        if frame.f_globals.get("__name__", "").partition(".")[0] not in INSIDE:
            break
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)


@contextlib.contextmanager
def one_range_warning() -> Iterator[None]:
    """Warn once, of the first images that are not in [-1, 1], of all that are checked inside."""
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
    """Warn of images that are not in [-1, 1], unless this call has done so."""
    told = _told_of_range.get()
    if told:
        return
    if told is not None:
        told.append(text)
    warn(text, RangeWarning)


def seems_from_zero(low: float, high: float) -> bool:
    """Whether images whose values are between these seem to be in [0, 1] and not in [-1, 1]."""
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
