"""Validation of image pairs, masks and data ranges for the metrics."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks


def checked_data_range(data_range: Any) -> float:
    """Validate that `data_range` is a finite number above 0, and return it as a float."""
    is_number = isinstance(data_range, (int, float, np.integer, np.floating))
    if not is_number or isinstance(data_range, bool) or not 0 < data_range < float("inf"):
        raise ValueError(
            "`data_range` must be a finite number above 0, the difference between the largest and "
            "the smallest possible value of an image: 2.0 for images in [-1, 1], 1.0 for [0, 1], "
            f"255 for 8-bit images. Received: {data_range!r}."
        )
    return float(data_range)


def as_float32_pair(y_true: Any, y_pred: Any) -> tuple:
    """Validate that both batches can be compared image by image; return them as float32 tensors.

    Sizes that are unknown while a graph is being traced (`None`) are assumed to match.
    """
    _checks.compare_pairs(("y_true", "y_pred"), y_true, y_pred)
    y_true, y_pred = _as_float32("y_true", y_true), _as_float32("y_pred", y_pred)
    shapes = tuple(y_true.shape), tuple(y_pred.shape)
    if len(shapes[0]) not in (4, 5):
        raise ValueError(
            "`y_true` and `y_pred` must have shape (batch, height, width, channels) or (batch, "
            f"depth, height, width, channels). Received: shape {shapes[0]}. A single image needs a "
            "batch axis (`x[None]`), a grey image a channel axis (`x[..., None]`)."
        )
    differ = len(shapes[0]) != len(shapes[1]) or any(
        None not in (size, other) and size != other for size, other in zip(*shapes, strict=True)
    )
    if differ:
        raise ValueError(
            "`y_true` and `y_pred` must have the same shape. Received: "
            f"{shapes[0]} and {shapes[1]}. Resize or crop one of them first."
        )
    return y_true, y_pred


def _as_float32(name: str, value: Any) -> Any:
    tensor = ops.convert_to_tensor(value)
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if "float" not in dtype and "int" not in dtype:
        raise ValueError(f"`{name}` must hold real numbers. Received: dtype {dtype}.")
    # In half precision, squares would overflow or keep only three digits.
    return ops.cast(tensor, "float32")


def checked_mask(mask: Any, images: Any) -> Any:
    """Validate that `mask` is boolean, one value per pixel of `images`; return it as a tensor."""
    mask = ops.convert_to_tensor(mask)
    dtype = keras.backend.standardize_dtype(mask.dtype)
    if dtype != "bool":
        raise ValueError(
            f"`mask` must be boolean. Received: dtype {dtype}. Convert it first: `mask > 0`."
        )
    expected, shape = (*tuple(images.shape)[:-1], 1), tuple(mask.shape)
    if len(expected) != len(shape) or any(
        None not in (size, other) and size != other
        for size, other in zip(expected, shape, strict=True)
    ):
        raise ValueError(
            f"`mask` must have shape {expected}, one value for each pixel of the images. "
            f"Received: shape {shape}. Add a missing channel axis: `mask[..., None]`."
        )
    return mask


def mean_of_each_image(values: Any, mask: Any) -> Any:
    """Mean over all pixels and channels, or only inside `mask` (NaN for an empty mask)."""
    axes = tuple(range(1, len(values.shape)))
    if mask is None:
        return ops.mean(values, axis=axes)
    # Not a product with the mask: pixels outside may be NaN.
    total = ops.sum(ops.where(mask, values, ops.zeros_like(values)), axis=axes)
    return total / (ops.sum(ops.cast(mask, "float32"), axis=axes) * values.shape[-1])
