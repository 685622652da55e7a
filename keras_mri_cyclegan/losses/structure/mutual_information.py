"""Mutual information loss between the intensities of source and translation."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.losses.structure.structure_loss import StructureLoss

# Parzen window: a Gaussian with a standard deviation of half a bin, close to the cubic B-spline of
# Mattes et al. (0.58 bins).
WINDOW = 0.5

# Added inside the logarithm, whose derivative is infinite at 0. Far below the share of one pixel of
# 256 x 256 in a bin (1.5e-5); the error of the entropy is about 1e-9.
TINY = 1e-12


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class MutualInformation(StructureLoss):
    r"""Negative mutual information of the intensities, or one minus its normalised form.

    .. math:: I = H(a) + H(b) - H(a, b)

    with the entropies :math:`H` of soft histograms: every pixel is distributed over the nearby bins
    by a Gaussian Parzen window with a standard deviation of half a bin, whose weights sum to 1. Any
    one-to-one map of the intensities leaves the statistics unchanged, up to binning.

    Returns :math:`-I` in nats, between :math:`-\log` of the number of bins and 0; or, normalised,
    :math:`1 - 2 I / (H(a) + H(b))` in [0, 1] (the symmetric uncertainty), which does not reward
    a translation for using many intensities. Independent images, such as any image and a constant
    one, have 0, or 1 if normalised. Since the window blurs the joint histogram, an image compared
    with itself does not reach :math:`-H` or 0, but 0.2 to 0.3 if normalised; true pairs have about
    0.5.

    Limits: the loss ignores positions. A translation that maps every intensity of the source
    to an intensity of its own is perfect, even if all these intensities are wrong; the *largest*
    mutual information is reached by a copy, not by the true pair. In training the loss was reported
    to invert contrasts; use a small weight, and a late start.

    Args:
        bins: Number of bins over [-1, 1], at least 2. Values outside [-1, 1] are counted in the
            outermost bins. Defaults to 32.
        normalized: Whether to return the normalised loss. Defaults to `False`.

    Memory: the bin weights are two float32 arrays of pixels × bins per image, kept for the
    gradient: 2 x 2 MiB for an image of 128 x 128, 2 x 32 MiB for a volume of 64³, 32 bins each.

    Raises:
        ValueError: An argument of the wrong type or range, or images that
            :class:`StructureLoss` rejects.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=4, size=64)
        >>> loss = kmc.losses.MutualInformation(normalized=True)
        >>> moved = t2[:, :, [0, 0, *range(62)]]  # two pixels to the right
        >>> bool(0 < loss(t1, t2) < loss(t1, moved) < 1)
        True

    References:
        - P. Viola and W. M. Wells, "Alignment by Maximization of Mutual Information",
          International Journal of Computer Vision 24(2), 1997.
          https://doi.org/10.1023/A:1007958904918
        - D. Mattes et al., "PET-CT Image Registration in the Chest Using Free-form Deformations",
          IEEE Transactions on Medical Imaging 22(1), 2003. https://doi.org/10.1109/TMI.2003.809072
    """

    def __init__(self, bins: int = 32, normalized: bool = False):
        self.bins = _checks.positive_int("bins", bins, minimum=2)
        self.normalized = bool(_checks.one_of("normalized", normalized, (True, False)))

    def compare(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image, `(batch,)`."""
        a, b = self._shares(source), self._shares(translated)
        # (batch, channels, bins, bins), summed over pixels by one matrix product per image.
        joint = ops.matmul(ops.swapaxes(a, -2, -1), b)
        joint = joint / ops.sum(joint, axis=(-2, -1), keepdims=True)
        entropy_a = _entropy(ops.sum(joint, axis=-1), axis=-1)
        entropy_b = _entropy(ops.sum(joint, axis=-2), axis=-1)
        information = entropy_a + entropy_b - _entropy(joint, axis=(-2, -1))
        if not self.normalized:
            return -ops.mean(information, axis=-1)
        # The window spreads even a single intensity over several bins: the entropies are never 0.
        return ops.mean(1 - 2 * information / (entropy_a + entropy_b), axis=-1)

    def _shares(self, images: Any) -> Any:
        """Return the bin weights of every pixel, `(batch, channels, pixels, bins)`."""
        shape = ops.shape(images)
        pixels = ops.reshape(images, (shape[0], -1, images.shape[-1]))
        pixels = ops.expand_dims(ops.swapaxes(pixels, 1, 2), -1)
        width = 2 / self.bins
        centres = -1 + width * (np.arange(self.bins, dtype="float32") + 0.5)
        distance = (pixels - ops.convert_to_tensor(centres)) / (WINDOW * width)
        return ops.softmax(-0.5 * ops.square(distance), axis=-1)

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {"bins": self.bins, "normalized": self.normalized}


def _entropy(p: Any, axis: Any) -> Any:
    """Return the entropy in nats."""
    return -ops.sum(p * ops.log(p + TINY), axis=axis)
