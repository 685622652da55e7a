"""Where an image shows the head, as a layer."""

from typing import Any

import keras

from keras_mri_cyclegan.losses.structure.background_consistency import BackgroundConsistency


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Foreground(keras.layers.Layer):
    """Tell how much each pixel belongs to the head, from 0 to 1.

    One minus the background of :class:`keras_mri_cyclegan.losses.BackgroundConsistency`: air that
    is seen from the image's border is 0; tissue, and all that lies behind it, is 1. Multiplied with
    what a network adds to an image it leaves the air alone. Computed in float32 under every policy.

    Args:
        threshold: Signal up to which a pixel passes for air, above -1. Defaults to 0.1.
        **kwargs: What every `keras.layers.Layer` takes, such as `name`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, depth, height, width, channels)`, floats in
        [-1, 1] with air at -1.

    Output shape:
        The input's, float32.

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
        """Return how much each pixel belongs to the head.

        Args:
            inputs: Images or volumes in [-1, 1].
        """
        return 1.0 - self._loss.background(keras.ops.cast(inputs, "float32"))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "threshold": self.threshold}
