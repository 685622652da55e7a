"""Slope and intercept that store real numbers as integers in a NIfTI file."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.volume import Volume

STEPS = 1000  # a range of this many integer steps is fine enough for a scan
FLOAT32_STEPS = 2**24  # integers that float32 represents exactly
ON_STEP = 0.01  # largest distance from an integer, in steps, that counts as rounding
SLAB = 2**20  # voxels


def set_scaling(header: Any, volume: Volume, path: str) -> tuple[float, float]:
    """Set slope and intercept in the header, and return them as stored there."""
    slope, inter = _scaling(header)
    dtype = header.get_data_dtype()
    if dtype.kind == "f":
        if (slope, inter) != (1.0, 0.0):
            header["scl_slope"], header["scl_inter"] = 1, 0
        return 1.0, 0.0
    if serves(volume.array, dtype, slope, inter):
        return slope, inter
    with np.errstate(all="ignore"):  # checked below
        slope, inter = _fitted(volume.array, dtype, header["scl_slope"].dtype)
        header["scl_slope"], header["scl_inter"] = slope, inter
    slope, inter = _scaling(header)
    if not _fits(volume.array, dtype, slope, inter):
        low, high = volume.array.min(), volume.array.max()
        raise VolumeError(
            path,
            f"values from {low:g} to {high:g}, which {dtype.name} with a slope and an intercept "
            "cannot hold. Expected values of a scan: write them as float32, "
            "`dataclasses.replace(volume.header, dtype=np.dtype('float32'))`.",
        )
    return slope, inter


def serves(array: np.ndarray, dtype: np.dtype, slope: float, inter: float) -> bool:
    """Return whether slope and intercept represent all values exactly or in fine enough steps."""
    if not _fits(array, dtype, slope, inter):
        return False
    low, high = float(array.min()), float(array.max())
    if abs(slope) * STEPS <= high - low:
        return True
    # float32 itself may be off by more, even by steps, where the intercept is large.
    rounding = 4 * np.finfo("float32").eps * max(abs(low), abs(high)) / abs(slope)
    # The whole range may be below a hundredth of a step: 0 to 0.009 in steps of 1.
    part = min(ON_STEP, (high - low) / STEPS / abs(slope))
    allowed = max(part, min(rounding, 0.5))
    for slab in slabs(array):
        steps = (slab.astype("float64") - inter) / slope
        if np.abs(steps - np.rint(steps)).max() > allowed:
            return False
    return True


def _fits(array: np.ndarray, dtype: np.dtype, slope: float, inter: float) -> bool:
    if not slope or not np.isfinite([slope, inter]).all():
        return False
    ends = [(float(end) - inter) / slope for end in (array.min(), array.max())]
    # As Python's integers: 2**63 - 1 is no float.
    least, most = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return all(math.isfinite(end) and least <= int(np.rint(end)) <= most for end in ends)


def _fitted(array: np.ndarray, dtype: np.dtype, stored: np.dtype) -> tuple[float, float]:
    """Return the slope and the intercept that spread the values over the type's range."""
    low, high = float(array.min()), float(array.max())
    span = high - low
    if not span:
        return 1.0, low  # stored as 0
    rounding = 4 * float(np.finfo("float32").eps) * max(abs(low), abs(high))
    least = max(int(np.iinfo(dtype).min), -FLOAT32_STEPS)
    most = min(int(np.iinfo(dtype).max), FLOAT32_STEPS)
    # Without an intercept 0 stays 0; with one the steps are finer.
    below = low / least if least else (math.inf if low < 0 else 0.0)
    plain = max(high / most, below)
    # A little more than the range, for what is lost when the intercept is rounded to float32.
    full = (span + rounding) / (most - least)
    with_zero = plain <= max(span / STEPS, 1.01 * full)
    wanted = plain if with_zero else full
    slope = stored.type(wanted)
    if float(slope) < wanted:
        slope = np.nextafter(slope, stored.type(math.inf))
    inter = 0.0 if with_zero else (low + high) / 2 - float(slope) * (least + most) / 2
    return float(slope), inter


def _scaling(header: Any) -> tuple[float, float]:
    slope, inter = header.get_slope_inter()
    return (1.0, 0.0) if slope is None else (slope, inter)


def slabs(array: np.ndarray) -> Iterator[np.ndarray]:
    """Yield views of whole slices `(i, j, few)`, so that float64 copies of them stay small."""
    depth = max(1, SLAB // (array.shape[0] * array.shape[1]))
    for start in range(0, array.shape[2], depth):
        yield array[:, :, start : start + depth]
