"""Soft foreground mask of the head, as a layer."""

from typing import Any

import keras

from keras_mri_cyclegan.losses.structure.background_consistency import BackgroundConsistency


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Foreground(keras.layers.Layer):
    """Soft foreground mask: the degree to which each pixel belongs to the head, from 0 to 1.

    One minus the background of :class:`keras_mri_cyclegan.losses.BackgroundConsistency`: air that
    is reached from the image's border along every axis is 0; tissue, and everything that tissue
    encloses, is 1. A network's correction multiplied by this mask leaves the air unchanged.
    Computed in float32 under every dtype policy.

    Args:
        threshold: Largest signal, in intensity above -1, that counts as air. Defaults to 0.1.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, depth, height, width, channels)`, floats in
        [-1, 1] with air at -1.

    Output shape:
        The input's shape, float32.

    Raises:
        ValueError: `threshold` is not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> row = np.array([-1.0, 0.5, -1.0, 0.5, -1.0]).reshape((1, 1, 5, 1))
        >>> image = np.repeat(row, 5, axis=1)
        >>> [int(value) for value in kmc.layers.Foreground()(image)[0, 2, :, 0]]
        [0, 1, 1, 1, 0]
    """

    def __init__(self, threshold: float = 0.1, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self._loss = BackgroundConsistency(threshold)
        self.threshold = self._loss.threshold

    def call(self, inputs: Any) -> Any:
        """Return the foreground mask."""
        return 1.0 - self._loss.background(keras.ops.cast(inputs, "float32"))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {**super().get_config(), "threshold": self.threshold}
