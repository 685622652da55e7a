"""MIND-SSC loss: difference of self-similarity descriptors of source and translation."""

import itertools
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.losses.structure.structure_loss import (
    StructureLoss,
    positive,
    spatial_axes,
)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class MindSSC(StructureLoss):
    r"""MIND-SSC: mean squared difference of self-similarity descriptors.

    The modality-independent neighbourhood descriptor in its variant with self-similarity context.
    Each pixel has neighbours at a distance of `dilation` along each axis: 4 in an image, 6 in a
    volume. Every two neighbours that are not opposite form a pair: 4 in an image, 12 in a volume.
    The descriptor of a pixel has one number per pair, from the mean squared difference
    :math:`D` of the patches around both neighbours:

    .. math:: \exp\Big(-\frac{D - \min D}{\text{mean}\, D + \text{noise}^2}\Big)

    with minimum and mean over the pairs. The loss is the mean squared difference between the two
    images' descriptors, over the pairs and all pixels for which the patches lie inside the image.

    In [0, 1), in practice below 0.2. 0 for an image and itself, its negative or, up to
    the noise, any other linear change of its intensities. The loss is sensitive to texture as well
    as to edges, and to structure that the translation adds or loses. True pairs of two contrasts do
    not reach 0: edges lie in the same places in both contrasts, but differ in strength.

    Two details differ from the paper: the descriptor is not quantised, since quantisation has no
    gradient; and the variance, in the paper the mean of :math:`D` clipped to a thousandth of its
    average over the image, is the mean of :math:`D` plus `noise` squared, which is smooth and
    prevents the noise in air from counting as structure.

    Args:
        radius: Radius of the patches, which have `2 * radius + 1` pixels along each axis. Defaults
            to 1.
        dilation: Distance of the neighbours in pixels, at least 1. Defaults to 1, which separated
            true pairs from pairs shifted by one pixel better than 2.
        noise: Intensity differences of this size are treated as noise. Defaults to 0.05, 2.5 % of
            the range [-1, 1].

    Raises:
        ValueError: An argument of the wrong type or range, or images that
            :class:`StructureLoss` rejects. Images need at least `2 * (radius + dilation) + 1`
            pixels along each spatial axis, 5 by default.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=4, size=64)
        >>> loss = kmc.losses.MindSSC()
        >>> float(loss(t1, t1))
        0.0
        >>> moved = t2[:, :, [0, 0, *range(62)]]  # two pixels to the right
        >>> bool(loss(t1, t2) < loss(t1, moved))
        True

    References:
        - M. P. Heinrich et al., "Towards Realtime Multimodal Fusion for Image-Guided Interventions
          Using Self-similarities", MICCAI 2013. https://doi.org/10.1007/978-3-642-40811-3_24
        - M. P. Heinrich et al., "MIND: Modality independent neighbourhood descriptor for
          multi-modal deformable registration", Medical Image Analysis 16(7), 2012.
          https://doi.org/10.1016/j.media.2012.05.008
    """

    def __init__(self, radius: int = 1, dilation: int = 1, noise: float = 0.05):
        self.radius = _checks.positive_int("radius", radius, minimum=0)
        self.dilation = _checks.positive_int("dilation", dilation)
        self.noise = positive("noise", noise)
        self.minimum_size = 2 * (self.radius + self.dilation) + 1

    def compare(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image, `(batch,)`."""
        difference = ops.square(self.descriptor(source) - self.descriptor(translated))
        return ops.mean(difference, axis=tuple(range(1, len(difference.shape))))

    def descriptor(self, images: Any) -> Any:
        """Return the descriptor of every pixel whose patches lie inside the image.

        Args:
            images: Float32 tensor `(batch, [depth,] height, width, channels)`.

        Returns:
            Float32 tensor `(batch, [depth,] height, width, pairs, channels)` in (0, 1], smaller
            than `images` by `radius + dilation` pixels on every side.
        """
        rank = len(spatial_axes(images))
        channels = images.shape[-1]
        pairs = neighbour_pairs(rank)
        # Pairs are stacked along the channels, so that a single pooling handles all pairs.
        differences = ops.concatenate(
            [
                ops.square(self._moved(images, first) - self._moved(images, second))
                for first, second in pairs
            ],
            axis=-1,
        )
        # Explicit, because keras.config.image_data_format() may be channels_first.
        distances = ops.average_pool(
            differences,
            pool_size=2 * self.radius + 1,
            strides=1,
            padding="valid",
            data_format="channels_last",
        )
        shape = ops.shape(distances)
        distances = ops.reshape(distances, (*shape[:-1], len(pairs), channels))
        variance = ops.mean(distances, axis=-2, keepdims=True) + self.noise**2
        return ops.exp((ops.min(distances, axis=-2, keepdims=True) - distances) / variance)

    def _moved(self, images: Any, offset: tuple[int, ...]) -> Any:
        """Return each pixel's neighbour at `offset` x dilation, if all neighbours are inside."""
        d = self.dilation
        along = (slice(d + step * d, (step - 1) * d or None) for step in offset)
        return images[(slice(None), *along)]

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {"radius": self.radius, "dilation": self.dilation, "noise": self.noise}


def neighbour_pairs(rank: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the pairs of nearest neighbours that are not opposite, as offsets along the axes."""
    units = np.eye(rank, dtype=int)
    neighbours = [tuple(int(i) for i in sign * unit) for unit in units for sign in (-1, 1)]
    return [
        (first, second)
        for first, second in itertools.combinations(neighbours, 2)
        if sum((i - j) ** 2 for i, j in zip(first, second, strict=True)) == 2
    ]
