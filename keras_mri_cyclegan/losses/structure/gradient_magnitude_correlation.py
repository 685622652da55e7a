"""Gradient magnitude correlation loss: strong edges of source and translation coincide."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.losses.structure._gradient import image_gradient
from keras_mri_cyclegan.losses.structure.structure_loss import (
    StructureLoss,
    positive,
    spatial_axes,
)

# Added to the variances of the magnitudes, in (intensity per pixel)²: an image whose edges vary
# by less than 0.001, 0.05 % of the range, has no structure to correlate with.
VARIANCE_FLOOR = 1e-6


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class GradientMagnitudeCorrelation(StructureLoss):
    r"""Gradient magnitude correlation: one minus the correlation of edge strengths.

    .. math:: 1 - \text{corr}\big(\sqrt{|\nabla a|^2 + \epsilon^2},
        \sqrt{|\nabla b|^2 + \epsilon^2}\big)

    with Pearson's correlation over all pixels of one image.

    In [0, 2]: 0 for an image and itself, its negative, or any other linear change of its
    intensities; 1 for unrelated edges, and for a constant image; above 1 where edges of the
    translation avoid those of the source. Unlike the normalised gradient field, this loss
    penalises edges that the translation adds where the source is flat.

    The loss compares the *strengths* of edges, which differ between contrasts: true pairs of T1
    and T2 score 0.2 to 0.5. The loss therefore pulls the translation towards the source's
    contrast. Keep its weight low.

    Args:
        epsilon: Smoothing of the magnitude near 0, where a square root has no derivative, in
            intensity per pixel. Choose less than the noise's standard deviation. Defaults to 0.01.

    Raises:
        ValueError: `epsilon` is not a finite number above 0, or images that :class:`StructureLoss`
            rejects. Images need at least 2 pixels along each spatial axis.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=4, size=64)
        >>> loss = kmc.losses.GradientMagnitudeCorrelation()
        >>> round(float(loss(t1, -t1)), 3)
        0.0
        >>> bool(loss(t1, t2) < 1)
        True

    References:
        J. B. A. Maintz, P. A. van den Elsen and M. A. Viergever, "Comparison of edge-based and
        ridge-based registration of CT and MR brain images", Medical Image Analysis 1(2), 1996.
    """

    minimum_size = 2

    def __init__(self, epsilon: float = 0.01):
        self.epsilon = positive("epsilon", epsilon)

    def compare(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image, `(batch,)`."""
        a, b = self._centred_magnitude(source), self._centred_magnitude(translated)
        axes = spatial_axes(a)
        variances = [ops.mean(ops.square(x), axis=axes) + VARIANCE_FLOOR for x in (a, b)]
        # Two roots, not the root of the product, which is 1e-12 for constant images.
        correlation = ops.mean(a * b, axis=axes) * ops.rsqrt(variances[0]) * ops.rsqrt(variances[1])
        return 1 - ops.mean(correlation, axis=-1)

    def _centred_magnitude(self, images: Any) -> Any:
        squared = sum(ops.square(x) for x in image_gradient(images))
        magnitude = ops.sqrt(squared + self.epsilon**2)
        return magnitude - ops.mean(magnitude, axis=spatial_axes(magnitude), keepdims=True)

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {"epsilon": self.epsilon}
