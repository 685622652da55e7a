"""Volumes from files without geometry, read as a stack of axial slices.

The array is `(slices, rows, columns)`, or `(rows, columns)` for one slice. The slices run from feet
to head, with row 0 at the front and column 0 at the patient's right, as displayed.
"""

import dataclasses
import warnings

import numpy as np

from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning
from keras_mri_cyclegan.volumes.validate import finished
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

# Columns to the patient's left and rows to the back, both against RAS+; 1 mm.
AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])

# Rounding to a whole number errs by half a step: over 500 steps, by a thousandth of the range. The
# types of 8 bits have only 256 steps; over 200, it is a 400th.
STEPS, STEPS_8_BIT = 500, 200
# Keep integers only if at least this share of the source's range survives. Formats that can fall
# back to float32 use the stricter share.
SHARE_OR_FLOAT, SHARE_OR_ERROR = 1 / 2, 1 / 4
FEWEST_STEPS = 32  # no scan has a smaller range
ON_STEP = 0.01  # largest distance from an integer, in steps, that counts as rounding


def from_slices(
    stored: np.ndarray, header: SourceHeader, path: str, fill_nan: float | None = None
) -> Volume:
    """Return a volume of an array `([slices,] rows, columns)`.

    Args:
        stored: Real numbers, `([slices,] rows, columns)`; trailing axes of length 1 are dropped.
        header: The header of the file.
        path: The file, as it was passed in.
        fill_nan: Replacement of NaN and infinite values. Defaults to `None`: an error.

    Returns:
        The volume `(columns, rows, slices)`.

    Raises:
        VolumeError: As `validate.finished`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import SourceHeader
        >>> from keras_mri_cyclegan.volumes.axial_slices import from_slices
        >>> stored = np.arange(24.0).reshape(2, 3, 4)
        >>> header = SourceHeader("npy", stored.dtype, stored.shape, has_geometry=False)
        >>> volume = from_slices(stored, header, "t1.npy")
        >>> volume.shape, volume.orientation
        ((4, 3, 2), 'LPS')
    """
    while stored.ndim > 3:
        stored = stored[..., 0]
    if stored.ndim == 2:
        stored = stored[None]
    if header.dtype.kind in "iu" and stored.size:
        header = dataclasses.replace(header, span=float(stored.max()) - float(stored.min()))
    return finished(stored.transpose(2, 1, 0), AFFINE, header, path, fill_nan)


def to_slices(volume: Volume, path: str) -> np.ndarray:
    """Return a volume as an array `([slices,] rows, columns)`.

    Args:
        volume: The volume. If it comes from a file with geometry, its axes are turned to the
            nearest of these slices', and a warning says what the new file cannot keep.
        path: The file to write, for messages.

    Returns:
        float32 array `(slices, rows, columns)`, or of the shape in the source's header if its
        sizes are the same.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> from keras_mri_cyclegan.volumes.axial_slices import AFFINE, to_slices
        >>> to_slices(Volume(np.zeros((4, 3, 2)), AFFINE), "t1.npy").shape
        (2, 3, 4)
    """
    from nibabel.orientations import (
        apply_orientation,
        axcodes2ornt,
        io_orientation,
        ornt_transform,
    )

    turn = ornt_transform(io_orientation(volume.affine), axcodes2ornt("LPS"))
    stored = apply_orientation(volume.array, turn).transpose(2, 1, 0)
    if not np.allclose(volume.affine, AFFINE, atol=1e-6):
        warnings.warn(
            f"`{path}` cannot keep where the voxels are: it will be read as axial slices with a "
            f"spacing of 1 mm, and this volume is {volume.orientation} with a spacing of "
            f"{tuple(round(size, 4) for size in volume.spacing)} mm. Write `.nii.gz` to keep it.",
            VolumeWarning,
            stacklevel=4,
        )
    header = volume.header
    if header is not None and not header.has_geometry and _same_sizes(header.shape, stored.shape):
        stored = stored.reshape(header.shape)
    return np.ascontiguousarray(stored)


def to_dtype(
    array: np.ndarray,
    dtype: np.dtype,
    path: str,
    span: float | None = None,
    or_float: bool = False,
) -> np.ndarray:
    """Convert voxels to the dtype of a file, without overflow or visible rounding.

    Integers and booleans take the nearest whole number, if little is lost: the values are whole
    numbers already (but for float32's rounding), or they spread over 500 steps or more (200 for
    types of 8 bits), or over nearly as many as the source's did: half of its span with `or_float`,
    else a quarter, and at least 32.

    Args:
        array: float32 voxels.
        dtype: The dtype of the file.
        path: The file to write, for messages.
        span: The source's `SourceHeader.span`. Defaults to `None`: not known.
        or_float: Whether to return float32 if integers would round the values too coarsely.
            Defaults to `False`: an error.

    Returns:
        The array in `dtype`, or in float32.

    Raises:
        VolumeError: Values that `dtype` cannot hold, or would round too coarsely.

    Warns:
        VolumeWarning: float32 is returned although `dtype` is an integer type.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes.axial_slices import to_dtype
        >>> to_dtype(np.array([0.4, 254.6]), np.dtype("uint8"), "t2.npy").tolist()
        [0, 255]
    """
    share = SHARE_OR_FLOAT if or_float else SHARE_OR_ERROR
    if dtype.kind != "f" and _too_coarse(array, dtype, span, share):
        steps = int(np.rint(float(array.max())) - np.rint(float(array.min()))) + 1
        found = f"values from {array.min():g} to {array.max():g} would be rounded to {steps} steps"
        if not or_float:
            raise VolumeError(
                path,
                f"{found} of {dtype}, the type of the source file. Expected whole numbers, or "
                "values spread over many: write `.nii.gz` or `.npy`, or keep the source's "
                "intensities (`intensities='source'` in a translation).",
            )
        warnings.warn(
            f"`{path}` holds float32, not {dtype} as the source file: {found}.",
            VolumeWarning,
            stacklevel=4,
        )
        dtype = np.dtype("float32")
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            converted = array.astype(dtype)
        sound = np.isfinite(converted)
        low, high = -float(np.finfo(dtype).max), float(np.finfo(dtype).max)
    else:
        # float64: as float32 the largest 32-bit integer would round up, out of its own range.
        rounded = np.rint(array, dtype="float64")
        low, high = (0, 1) if dtype.kind == "b" else _limits(dtype)
        # `high + 1` is a power of two, so exact in float64 where `high` itself is not.
        sound = (rounded >= low) & (rounded < high + 1)
        converted = np.where(sound, rounded, 0).astype(dtype)
    if not sound.all():
        raise VolumeError(
            path,
            f"{array.size - np.count_nonzero(sound)} of {array.size} values do not fit into "
            f"{dtype}, the type of the source file: they lie in [{array.min():g}, "
            f"{array.max():g}], and it holds {low:g} to {high:g}. Scale them, or write floating "
            "point numbers: `volume.replace(header=None)` to `.nii.gz`, `.npy` or `.h5`.",
        )
    return converted


def _too_coarse(array: np.ndarray, dtype: np.dtype, span: float | None, share: float) -> bool:
    low, high = float(array.min()), float(array.max())
    enough = float(STEPS_8_BIT if dtype.itemsize == 1 else STEPS)
    if span is not None:
        enough = min(enough, max(FEWEST_STEPS, share * span))
    if high - low >= enough:
        return False
    # float32 itself may be off by more than a hundredth of a step, where the values are large.
    rounding = 4 * float(np.finfo("float32").eps) * max(abs(low), abs(high))
    # The whole range may be below a hundredth of a step: 0 to 0.009, for example.
    allowed = max(min(ON_STEP, (high - low) / 1000), min(rounding, 0.5))
    return float(np.abs(array - np.rint(array)).max()) > allowed


def _limits(dtype: np.dtype) -> tuple[int, int]:
    limits = np.iinfo(dtype)
    return int(limits.min), int(limits.max)


def _same_sizes(source: tuple[int, ...], stored: tuple[int, ...]) -> bool:
    shape = tuple(source)
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    return (1, *shape)[-3:] == stored
