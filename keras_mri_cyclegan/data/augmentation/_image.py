"""Checks and conversions of images, shared by all augmentations."""

from typing import Any

import numpy as np

from keras_mri_cyclegan._checks import RANGE_TOLERANCE


def check_image(image: Any) -> None:
    """Raise a `ValueError` unless `image` is one image or volume of floats."""
    if (
        not isinstance(image, np.ndarray)
        or image.ndim not in (3, 4)
        or not np.issubdtype(image.dtype, np.floating)
    ):
        found = f"{getattr(image, 'dtype', type(image).__name__)}, shape {np.shape(image)}"
        raise ValueError(
            "`image` must be one image (height, width, channels) or volume (depth, height, width, "
            f"channels) of floats, without the batch axis. Received: {found}."
        )


def check_fill(fill: Any) -> float:
    """Return `fill` as a float if it is in `[-1, 1]`."""
    if not isinstance(fill, (int, float, np.integer, np.floating)) or not -1 <= fill <= 1:
        raise ValueError(f"`fill` must be a number in [-1, 1]. Received: {fill!r}.")
    return float(fill)


def magnitude(image: Any) -> np.ndarray:
    """Return an image in `[-1, 1]` as a scanner's magnitude in `[0, 1]`, 0 in air.

    Values outside by rounding errors only are clipped.

    Raises:
        ValueError: `image` is not one image, or has values outside `[-1, 1]`.
    """
    check_image(image)
    low, high = float(image.min()), float(image.max())
    if not (low >= -1 - RANGE_TOLERANCE and high <= 1 + RANGE_TOLERANCE):
        raise ValueError(
            f"`image` must have values in [-1, 1], -1 in air. Received: values in [{low:g}, "
            f"{high:g}]. For 8-bit images use `x / 127.5 - 1`."
        )
    half = np.float32(0.5)
    return np.clip(image.astype("float32", copy=False) * half + half, 0, 1)


def image_of(magnitude: np.ndarray) -> np.ndarray:
    """Return the image in `[-1, 1]` of a magnitude in `[0, 1]`, computed in place."""
    magnitude *= 2
    magnitude -= 1
    return magnitude
