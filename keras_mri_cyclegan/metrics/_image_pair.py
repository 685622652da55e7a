"""What every metric here asks of the two batches of images that it compares."""

from typing import Any

import keras
import numpy as np
from keras import ops


def checked_data_range(data_range: Any) -> float:
    """Return `data_range` as a float if it is a finite number above 0."""
    is_number = isinstance(data_range, (int, float, np.integer, np.floating))
    if not is_number or isinstance(data_range, bool) or not 0 < data_range < float("inf"):
        raise ValueError(
            "`data_range` must be a finite number above 0, the distance between the smallest and "
            "the largest value that an image can have: 2.0 for images in [-1, 1], 1.0 for [0, 1], "
            f"255 for 8-bit images. Received: {data_range!r}."
        )
    return float(data_range)


def as_float32_pair(y_true: Any, y_pred: Any) -> tuple:
    """Return both batches as float32 tensors if they can be compared image by image.

    Sizes that are unknown while a graph is being traced (`None`) are taken to be right.
    """
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
    # Squares of half-precision images would overflow or lose all but three digits.
    return ops.cast(tensor, "float32")
