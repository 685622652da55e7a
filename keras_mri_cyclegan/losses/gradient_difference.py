"""Gradient difference loss for pairs: absolute error of an image and of its gradients."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class GradientDifference(keras.losses.Loss):
    """Mean absolute error of the intensities and of the differences between neighbouring pixels.

    The mean absolute error hardly penalises blur: a blurred edge is wrong in few pixels. The
    gradient of the edge is wrong in all of these pixels.

    Args:
        gradient_weight: Number of at least 0, weight of the gradient error along each axis relative
            to the intensity error. Defaults to 0.5.
        reduction: As in every Keras loss. Defaults to `"sum_over_batch_size"`.
        name: Name of the loss. Defaults to `"gradient_difference"`.
        **kwargs: `dtype`, as in every Keras loss.

    Raises:
        ValueError: `gradient_weight` is negative or not finite.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> truth = np.zeros((1, 4, 4, 1), "float32")
        >>> loss = kmc.losses.GradientDifference(gradient_weight=1.0)
        >>> float(loss(truth, truth + 0.5))  # all gradients are equal
        0.5

    References:
        - Mathieu et al., "Deep multi-scale video prediction beyond mean square error", ICLR 2016,
          https://arxiv.org/abs/1511.05440
        - Nie et al., "Medical Image Synthesis with Context-Aware Generative Adversarial Networks",
          MICCAI 2017, https://arxiv.org/abs/1612.05362
    """

    def __init__(
        self,
        gradient_weight: float = 0.5,
        reduction: str = "sum_over_batch_size",
        name: str = "gradient_difference",
        **kwargs: Any,
    ):
        super().__init__(name=name, reduction=reduction, **kwargs)
        self.gradient_weight = _checks.weight("gradient_weight", gradient_weight)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Return the error of each pixel, `(batch, [depth,] height, width)`."""
        error = y_pred - y_true
        total = keras.ops.abs(error)
        rank = len(error.shape)
        for axis in range(1, rank - 1):
            after, before = [slice(None)] * rank, [slice(None)] * rank
            after[axis], before[axis] = slice(1, None), slice(None, -1)
            step = keras.ops.abs(error[tuple(after)] - error[tuple(before)])
            padding = [(0, 1) if k == axis else (0, 0) for k in range(rank)]
            total = total + self.gradient_weight * keras.ops.pad(step, padding)
        return keras.ops.mean(total, axis=-1)

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {**super().get_config(), "gradient_weight": self.gradient_weight}
