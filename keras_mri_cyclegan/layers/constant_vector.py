"""Constant vector for every image of a batch."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ConstantVector(keras.layers.Layer):
    """Return a constant vector for each image, such as the conditions of a translation.

    Args:
        values: Finite numbers, at least one.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        `(batch, ...)`; only the batch size is used.

    Output shape:
        `(batch, len(values))`.

    Raises:
        ValueError: `values` is empty or holds anything but finite numbers.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> vector = kmc.layers.ConstantVector([0.0, 1.0])(np.zeros((2, 8, 8, 1), "float32"))
        >>> np.asarray(vector).tolist()
        [[0.0, 1.0], [0.0, 1.0]]
    """

    def __init__(self, values: Sequence[float] | np.ndarray, **kwargs: Any):
        super().__init__(**kwargs)
        array = np.asarray(values)
        numbers = array.dtype.kind in "biuf" and array.ndim == 1 and array.size
        if not numbers or not np.isfinite(array).all():
            raise ValueError(f"`values` must be a list of finite numbers. Received: {values!r}.")
        self.values = [float(value) for value in array]

    def call(self, inputs: Any) -> Any:
        """Return the vector once for each image."""
        vector = keras.ops.convert_to_tensor([self.values], dtype=self.compute_dtype)
        return keras.ops.repeat(vector, keras.ops.shape(inputs)[0], axis=0)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `(batch, len(values))`."""
        return (input_shape[0], len(self.values))

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {**super().get_config(), "values": self.values}
