"""Checks shared by all readers: the claimed size before allocation, the voxels after reading."""

import math
import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

# Compressed scans store 2 to 10 voxels per byte; deflate can reach 1000. Volumes of up to 2**25
# voxels (512 x 512 x 128) are never rejected on this ground.
VOXELS_PER_BYTE = 16
HARMLESS_VOXELS = 2**25
FLOAT32_MAX = float(np.finfo("float32").max)


def claimed(
    shape: Sequence[int], path: str, max_voxels: int, file_size: int | None = None
) -> tuple[int, ...]:
    """Check the shape that a file's header claims, before anything of that size is allocated.

    Args:
        shape: The array's shape according to the header.
        path: The file, for the message.
        max_voxels: Maximum number of voxels.
        file_size: The bytes of a compressed file, which must be plausible for so many voxels.
            Defaults to `None`: not compressed, the reader compares the sizes itself.

    Returns:
        The two or three relevant sizes: trailing axes of length 1 beyond the third are dropped.

    Raises:
        VolumeError: Not a shape, one or more than three axes, an axis of length 0, or more voxels
            than `max_voxels` or than `file_size` bytes can be meant to hold.

    Example:
        >>> from keras_mri_cyclegan.volumes.validate import claimed
        >>> claimed((240, 240, 155, 1), "t1.nii.gz", max_voxels=2**28)
        (240, 240, 155)
    """
    try:
        sizes = tuple(operator.index(size) for size in shape)
    except TypeError:
        raise VolumeError(path, f"a shape of {shape!r}. Expected whole numbers.") from None
    if any(size < 1 for size in sizes):
        raise VolumeError(
            path,
            f"a shape of {sizes}, so it holds no voxel. Expected sizes of at least 1. The file is "
            "damaged or was never filled: write it again.",
        )
    while len(sizes) > 3 and sizes[-1] == 1:
        sizes = sizes[:-1]
    if len(sizes) not in (2, 3):
        raise VolumeError(
            path,
            f"a shape of {tuple(shape)}. Expected a volume of three axes or a slice of two. Take "
            "a series, channels or echoes apart and write one volume a file.",
        )
    voxels = math.prod(sizes)
    if voxels > max_voxels:
        raise VolumeError(
            path,
            f"its header claims {voxels} voxels {sizes}. Expected at most {max_voxels}. If it is "
            f"sound and fits in memory, give `max_voxels={voxels}`.",
        )
    if file_size is not None and voxels > max(HARMLESS_VOXELS, VOXELS_PER_BYTE * file_size):
        raise VolumeError(
            path,
            f"its header claims {voxels} voxels {sizes} in {file_size} bytes. Expected at most "
            f"{VOXELS_PER_BYTE} voxels a byte: more is nearly constant, or made to fill the "
            "memory. If it is sound, store it without compression.",
        )
    return sizes


def checked_fill(fill_nan: Any) -> float | None:
    """Return `fill_nan` if it is `None` or a finite number that float32 can hold.

    Raises:
        ValueError: Anything else.
    """
    if fill_nan is None:
        return None
    number = isinstance(fill_nan, (int, float, np.integer, np.floating))
    if not number or isinstance(fill_nan, bool) or not abs(fill_nan) <= FLOAT32_MAX:
        raise ValueError(
            "`fill_nan` must be a finite number that float32 can hold, or None to make NaN an "
            f"error. Received: {fill_nan!r}."
        )
    return float(fill_nan)


def reading_options(
    fill_nan: float | None = None, slice_tolerance: float | None = None
) -> dict[str, Any]:
    """Validate options of `read_volume` and return those that are not `None`.

    Raises:
        ValueError: One that is out of its range.
    """
    options = {"fill_nan": checked_fill(fill_nan)}
    if slice_tolerance is not None:
        options["slice_tolerance"] = _checks.weight("slice_tolerance", slice_tolerance)
    return {name: value for name, value in options.items() if value is not None}


def finished(
    array: np.ndarray,
    affine: np.ndarray,
    header: SourceHeader | None,
    path: str,
    fill_nan: float | None = None,
) -> Volume:
    """Validate the voxels and return them as a volume.

    Args:
        array: Voxels `(i, j, k)`, in physical units (slope and intercept applied).
        affine: Array `(4, 4)` to RAS+ millimetres.
        header: What the file said.
        path: The file, as it was passed in.
        fill_nan: Replacement of NaN and infinite values. Defaults to `None`: an error.

    Returns:
        The volume.

    Raises:
        VolumeError: As `Volume` does, a number too large for float32, or one value everywhere.
        ValueError: `fill_nan` is not a finite number.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes.validate import finished
        >>> array = np.array([[[np.nan, 1.0, 2.0]]])
        >>> finished(array, np.eye(4), None, "t1.npy", fill_nan=0.0).array.tolist()
        [[[0.0, 1.0, 2.0]]]
    """
    fill_nan = checked_fill(fill_nan)
    if array.dtype.kind == "f":
        array = as_float32(array, path)
        if fill_nan is not None:
            array = np.where(np.isfinite(array), array, np.float32(fill_nan))
    volume = Volume(array, affine, header, path)
    low, high = volume.array.min(), volume.array.max()
    if low == high:
        raise VolumeError(
            path,
            f"every voxel has the value {low:g}. Expected a scan, which has more than one. Look "
            "whether it is a mask, an empty export, or the wrong file.",
        )
    return volume


def as_float32(array: np.ndarray, path: str) -> np.ndarray:
    """Convert floating point numbers to float32; an overflow is an error.

    Args:
        array: Floating point numbers; NaN and infinity stay what they are.
        path: The file, for the message.

    Raises:
        VolumeError: A finite number too large for float32.
    """
    with np.errstate(over="ignore"):
        converted = array.astype("float32", copy=False)
    if array.dtype.itemsize > 4:
        large = np.count_nonzero(np.isinf(converted)) - np.count_nonzero(np.isinf(array))
        if large:
            raise VolumeError(
                path,
                f"{large} of {array.size} values are beyond +-{FLOAT32_MAX:.3g}, the "
                "largest number that float32 holds. Scale them before writing the file.",
            )
    return converted
