"""Spectral normalisation that gives the same result on every backend."""

from typing import Any

import keras


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class SpectralNormalization(keras.layers.SpectralNormalization):
    """Divide the kernel of a layer by its largest singular value.

    Unlike Keras' own layer, this layer does not overwrite the kernel. Keras replaces the kernel by
    the normalised one in each training call, which torch cannot differentiate when a network is
    called twice in a step, as a discriminator is, and which JAX discards. Here the division is
    part of the computation, as in the paper, and gradients flow through the division.

    Args:
        layer: Layer to wrap, with a `kernel`: a convolution or `Dense`.
        power_iterations: Integer, power iterations per call that estimate the singular value.
            Defaults to 1.
        **kwargs: Arguments of `keras.layers.Layer`.

    Example:
        >>> import numpy as np
        >>> import keras
        >>> import keras_mri_cyclegan as kmc
        >>> layer = kmc.layers.SpectralNormalization(keras.layers.Conv2D(4, 3))
        >>> layer(np.zeros((1, 8, 8, 1), "float32")).shape[-1]
        4

    References:
        - Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018,
          https://arxiv.org/abs/1802.05957
    """

    def call(self, inputs: Any, training: bool | None = None) -> Any:
        """Call the layer with its normalised kernel; in training, update the estimate."""
        vector_u, kernel = self.normalized_weights()
        if training:
            self.vector_u.assign(vector_u)
        outputs, _ = self.layer.stateless_call(
            self._values(self.layer.trainable_variables, kernel),
            self._values(self.layer.non_trainable_variables, kernel),
            inputs,
        )
        return outputs

    def _values(self, variables: list, kernel: Any) -> list:
        return [kernel if variable is self.kernel else variable.value for variable in variables]
