"""Correlation of gradient magnitudes: strong edges where strong edges were."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.losses.structure._gradient import image_gradient
from keras_mri_cyclegan.losses.structure.structure_loss import (
    StructureLoss,
    positive,
    spatial_axes,
)

# Added to the variances of the magnitudes, (intensity per pixel)²: an image of which the edges
# vary by less than 0.001, 0.05 % of the range, has no structure to correlate with.
VARIANCE_FLOOR = 1e-6


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class GradientMagnitudeCorrelation(StructureLoss):
    r"""Gradient magnitude correlation: are edges strong where they were strong?

    .. math:: 1 - \text{corr}\big(\sqrt{|\nabla a|^2 + \epsilon^2},
        \sqrt{|\nabla b|^2 + \epsilon^2}\big)

    with Pearson's correlation over all pixels of one image.

    In [0, 2]: 0 for an image and itself, its negative, or any other linear change of its
    intensities; 1 where the edges have nothing to do with each other, and for a constant image;
    above 1 where edges are where there were none. Other than the normalised gradient field it
    does count edges that the translation adds where the source is flat.

    It ties the *strengths* of edges, which differ between contrasts: between T1 and T2 true pairs
    score 0.2 to 0.5, so it pulls towards the source's look. Keep its weight low.

    Args:
        epsilon: Smooths the magnitude around 0, where a square root has no derivative, in intensity
            per pixel. Below the noise's standard deviation. Defaults to 0.01.

    Raises:
        ValueError: `epsilon` is not a finite number above 0, or the images are unfit: see
            :class:`StructureLoss`. They need at least 2 pixels along each spatial axis.

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
        """Return the loss of each image."""
        a, b = self._centred_magnitude(source), self._centred_magnitude(translated)
        axes = spatial_axes(a)
        variances = [ops.mean(ops.square(x), axis=axes) + VARIANCE_FLOOR for x in (a, b)]
        # Two roots, not one of the product, which is 1e-12 for constant images.
        correlation = ops.mean(a * b, axis=axes) * ops.rsqrt(variances[0]) * ops.rsqrt(variances[1])
        return 1 - ops.mean(correlation, axis=-1)

    def _centred_magnitude(self, images: Any) -> Any:
        squared = sum(ops.square(x) for x in image_gradient(images))
        magnitude = ops.sqrt(squared + self.epsilon**2)
        return magnitude - ops.mean(magnitude, axis=spatial_axes(magnitude), keepdims=True)

    def get_config(self) -> dict:
        """Return the arguments that make this loss again."""
        return {"epsilon": self.epsilon}
