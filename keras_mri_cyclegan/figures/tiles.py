"""Tile of one image: the displayed plane as grey levels."""

from typing import Any

import numpy as np


def plane_of(name: str, image: Any) -> np.ndarray:
    """Return the displayed plane of an image, `(height, width)`.

    The middle slice of a volume, and the middle one of several channels.

    Args:
        name: Name of the argument, for the error message.
        image: `(height, width)`, `(height, width, channels)` or `(depth, height, width, channels)`.

    Raises:
        ValueError: Another shape, or values that are not real numbers.
    """
    array = np.asarray(image)
    if array.ndim not in (2, 3, 4) or array.size == 0:
        raise ValueError(
            f"`{name}` must hold images of shape (height, width), (height, width, channels) or "
            f"(depth, height, width, channels). Received: shape {array.shape}."
        )
    if array.dtype.kind not in "fiu":
        raise ValueError(f"`{name}` must hold real numbers. Received: dtype {array.dtype}.")
    if array.ndim == 4:
        array = array[array.shape[0] // 2]
    if array.ndim == 3:
        array = array[..., array.shape[-1] // 2]
    return array


def grey_tile(name: str, image: Any, low: float, high: float) -> np.ndarray:
    """Return an image as uint8 `(height, width)`: `low` and below black, `high` and above white.

    Raises:
        ValueError: An image that :func:`plane_of` rejects, or integers outside the range.
    """
    array = np.asarray(image)
    integers = array.dtype.kind in "iu" and array.size
    if integers and (array.min() < low or array.max() > high):
        raise ValueError(
            f"`{name}` must be inside `value_range` ({low:g}, {high:g}). Received: integers in "
            f"[{array.min()}, {array.max()}]. For 8-bit images pass value_range=(0, 255)."
        )
    share = (plane_of(name, array).astype("float64") - low) / (high - low)
    share = np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(255 * np.clip(share, 0, 1)).astype("uint8")


def checked_value_range(value_range: Any) -> tuple[float, float]:
    """Validate `value_range`, two numbers (low, high), and return them as floats."""
    try:
        low, high = (float(value) for value in value_range)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(
            "`value_range` must be two numbers (low, high) with low < high. "
            f"Received: {value_range!r}."
        )
    return low, high
