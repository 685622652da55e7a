"""Feature-wise linear modulation (FiLM): scale and shift depend on a condition."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class FeatureModulation(keras.layers.Layer):
    """Scale and shift every channel by amounts that depend on a condition (FiLM).

    `features * (1 + condition @ scale + scale_bias) + condition @ shift + shift_bias`. With a
    one-hot condition each class has a gain and an offset; after an instance normalisation the
    layer yields conditional instance normalisation. All weights are initialised to zero, hence the
    layer starts as the identity.

    Args:
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        A list of features `(batch, [depth,] height, width, channels)` and conditions
        `(batch, conditions)`.

    Output shape:
        The shape of the features.

    Raises:
        ValueError: The input is not a list of features and conditions.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> layer = kmc.layers.FeatureModulation()
        >>> features = np.ones((2, 8, 8, 3), "float32")
        >>> tuple(layer([features, np.eye(2, dtype="float32")]).shape)
        (2, 8, 8, 3)

    References:
        - Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018,
          https://arxiv.org/abs/1709.07871
        - Dumoulin et al., "A Learned Representation For Artistic Style", ICLR 2017,
          https://arxiv.org/abs/1610.07629
    """

    def build(self, input_shape: Any) -> None:
        """Create the weights."""
        shapes = [shape if isinstance(shape, (tuple, list)) else () for shape in input_shape]
        if len(shapes) != 2 or len(shapes[0]) < 3 or len(shapes[1]) != 2:
            raise ValueError(
                "FeatureModulation takes a list of features, (batch, [depth,] height, width, "
                f"channels), and conditions, (batch, conditions). Received: {input_shape!r}."
            )
        channels, conditions = input_shape[0][-1], input_shape[1][-1]
        self.scale = self.add_weight(
            shape=(conditions, channels), initializer="zeros", name="scale"
        )
        self.scale_bias = self.add_weight(shape=(channels,), initializer="zeros", name="scale_bias")
        self.shift = self.add_weight(
            shape=(conditions, channels), initializer="zeros", name="shift"
        )
        self.shift_bias = self.add_weight(shape=(channels,), initializer="zeros", name="shift_bias")

    def call(self, inputs: Any) -> Any:
        """Return the modulated features."""
        features, conditions = inputs
        conditions = keras.ops.cast(conditions, self.compute_dtype)
        ones = [1] * (len(features.shape) - 2)
        scale = 1 + keras.ops.matmul(conditions, self.scale) + self.scale_bias
        shift = keras.ops.matmul(conditions, self.shift) + self.shift_bias
        scale = keras.ops.reshape(scale, (-1, *ones, features.shape[-1]))
        shift = keras.ops.reshape(shift, (-1, *ones, features.shape[-1]))
        return features * scale + shift

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the features."""
        return tuple(input_shape[0])
