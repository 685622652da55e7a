"""Conversion of float32 voxels to the integers of a DICOM file."""

import dataclasses

import numpy as np

from keras_mri_cyclegan.volumes.errors import VolumeError

# A number that is not on the source's grid may be rounded to it if it moves by less than this
# part of the volume's range; otherwise the file gets a finer grid of its own.
COARSEST = 1 / 1000


@dataclasses.dataclass(frozen=True, eq=False)
class Stored:
    """Integers, slopes and intercepts to write.

    Args:
        array: Integers, `(slices, rows, columns)`.
        slopes: RescaleSlope of each slice.
        intercepts: RescaleIntercept of each slice.
        kept: Whether slopes and intercepts are those of the source.
    """

    array: np.ndarray
    slopes: list[float]
    intercepts: list[float]
    kept: bool


def stored(
    path: str,
    array: np.ndarray,
    dtype: np.dtype,
    slopes: list[float],
    intercepts: list[float],
) -> Stored:
    """Return the integers, slopes and intercepts that represent `array`.

    The source's own are kept if all values fit its type and are on its grid, or the grid's step
    is at most a thousandth of the range of the values. Otherwise one new slope and intercept
    spread the range over the 16 bits.

    Args:
        path: The file to write, for the message.
        array: Float32 values `(columns, rows, slices)`.
        dtype: The source's type of a stored number, of 8 or 16 bits.
        slopes: RescaleSlope of each slice of the source.
        intercepts: RescaleIntercept of each slice of the source.

    Raises:
        VolumeError: A range too narrow, for its offset, for the digits of an attribute.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes.dicom.rescale import stored
        >>> array = np.array([[[-1.0], [0.25], [1.0]]], "float32")
        >>> found = stored("t2", array, np.dtype("int16"), [1.0], [0.0])
        >>> found.array.ravel().tolist(), found.kept
        ([-32767, 8191, 32766], False)
    """
    kept = _on_source_grid(array, dtype, slopes, intercepts)
    if kept is not None:
        return Stored(kept, list(slopes), list(intercepts), kept=True)
    if dtype.itemsize == 1:  # 256 steps are too coarse
        dtype = np.dtype(f"{dtype.kind}2")
    info = np.iinfo(dtype)
    low, high = float(array.min()), float(array.max())
    # A step is left free at each end, for what rounding to an attribute's 16 characters does.
    slope = as_decimal((high - low) / (info.max - info.min - 2) or 1.0)
    intercept = as_decimal(low - (info.min + 1) * slope)
    result = np.empty(array.shape[::-1], dtype)
    for index in range(len(result)):
        numbers = np.rint((array[:, :, index].T.astype("float64") - intercept) / slope)
        if numbers.min() < info.min or numbers.max() > info.max:
            raise VolumeError(
                path,
                f"values from {low!r} to {high!r}: too narrow a range so far from 0 for the 16 "
                "characters of RescaleIntercept. Subtract their mean, or write NIfTI.",
            )
        result[index] = numbers
    return Stored(result, [slope] * len(result), [intercept] * len(result), kept=False)


def as_decimal(value: float) -> float:
    """Return the nearest number that a decimal string of 16 characters can represent.

    Example:
        >>> from keras_mri_cyclegan.volumes.dicom.rescale import as_decimal
        >>> as_decimal(-1 / 3)
        -0.3333333333
    """
    return float(decimal_string(value))


def decimal_string(value: float) -> str:
    """Return a number as a decimal string of at most 16 characters.

    Example:
        >>> from keras_mri_cyclegan.volumes.dicom.rescale import decimal_string
        >>> decimal_string(1.0), decimal_string(-1 / 3), decimal_string(1e-7 / 3)
        ('1', '-0.3333333333', '3.333333333e-08')
    """
    return f"{value:.10g}"  # a sign, a point, an exponent of four: 16


def _on_source_grid(
    array: np.ndarray, dtype: np.dtype, slopes: list[float], intercepts: list[float]
) -> np.ndarray | None:
    info = np.iinfo(dtype)
    coarsest = COARSEST * (float(array.max()) - float(array.min()))
    result = np.empty(array.shape[::-1], dtype)
    for index, (slope, intercept) in enumerate(zip(slopes, intercepts, strict=True)):
        values = array[:, :, index].T.astype("float64")
        numbers = np.rint((values - intercept) / slope)
        if numbers.min() < info.min or numbers.max() > info.max:
            return None
        if abs(slope) > coarsest:
            rounding = 4 * np.finfo("float32").eps * (np.abs(values) + abs(intercept))
            if (np.abs(numbers * slope + intercept - values) > rounding).any():
                return None
        result[index] = numbers
    return result
