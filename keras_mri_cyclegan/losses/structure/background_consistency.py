"""Air stays air: the outline of the head is known without pairs."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.losses.structure.structure_loss import (
    StructureLoss,
    positive,
    spatial_axes,
)

AIR = -1.0

# How fast an image becomes opaque above the threshold, in units of `threshold`: one pixel of twice
# the threshold hides all behind it but a fraction of exp(-4).
OPAQUE_AFTER = 0.5


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class BackgroundConsistency(StructureLoss):
    r"""Background consistency: is air still air, and the head still there to its rim?

    Air has no signal in any contrast, so where the source is background the translation must be
    dark, and where the source is head the translation must not be background:

    .. math:: \text{mean}\big[ B_a \, h(b) + (1 - B_a) \, B_b \, d(b) \big]

    :math:`B` **is the background** of source :math:`a` and translation :math:`b`, from 0 to 1:
    the air that is seen from the image's border. Light comes in from both ends of every row and
    column (and, in a volume, of every line along the depth), goes through air and is absorbed by
    signal above the threshold; a pixel is background if it is lit along *each* axis from at least
    one end. For a head without dents that is all air, and nothing inside: bone, dark fluid and
    air-filled sinuses lie behind the scalp, also where the field of view cuts through the head
    at one side. Air that is shaded (under a nose) counts as head, and costs nothing, since it is
    shaded in the translation as well.

    :math:`h` **is the signal** above air, :math:`\sqrt{(b + 1)^2 + t^2} - t` with the threshold
    :math:`t`: next to nothing below the threshold, linear above.

    :math:`d` **is darkness**, :math:`\max(0, 1 - (b + 1) / 2t)^2`: 1 in air, 0 from twice the
    threshold on.

    In [0, 2]; next to 0 (below 0.01) for a copy and for true pairs of every contrast in which the
    outermost tissue has signal. A negative is wrong to it: its air is bright. Any contrast
    inside the head is as good as any other: combine it with a loss that looks there.
    There is no paper behind this one.

    Expects air that is darker than the threshold, up to a few brighter pixels. Where noise in
    air exceeds it, everything counts as head and the loss is 0. Images that are stripped of the
    skull have fluid at the rim, which FLAIR shows nearly black: there true pairs are not 0.

    Args:
        threshold: Signal up to which a pixel passes for air, in intensity above -1. More than the
            noise in air, less than half the signal of the outermost tissue. Defaults to 0.1, 5 %
            of the range [-1, 1].

    Raises:
        ValueError: `threshold` is not a finite number above 0, or the images are unfit: see
            :class:`StructureLoss`.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=4, size=64)
        >>> loss = kmc.losses.BackgroundConsistency()
        >>> bool(loss(t1, t2) < 0.005)
        True
        >>> moved = t2[:, :, [0, 0, *range(62)]]  # two pixels to the right
        >>> bool(loss(t1, moved) > 0.01)
        True
    """

    def __init__(self, threshold: float = 0.1):
        self.threshold = positive("threshold", threshold)

    def compare(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image."""
        air = self.background(source)
        t = self.threshold
        signal = ops.sqrt(ops.square(translated - AIR) + t**2) - t
        darkness = ops.square(ops.relu(1 - (translated - AIR) / (2 * t)))
        loss = air * signal + (1 - air) * self.background(translated) * darkness
        return ops.mean(loss, axis=(*spatial_axes(loss), -1))

    def background(self, images: Any) -> Any:
        """Return how much each pixel is background, from 0 to 1.

        Args:
            images: Float32 tensor `(batch, [depth,] height, width, channels)`.

        Returns:
            Float32 tensor of the same shape.
        """
        excess = ops.relu(images - AIR - self.threshold) / (OPAQUE_AFTER * self.threshold)
        absorbed = ops.square(excess)
        background = 1.0
        for axis in spatial_axes(images):
            ahead = ops.cumsum(absorbed, axis=axis)
            # Summed anew, not taken from the total: the head's sum would drown that of the air.
            behind = ops.flip(ops.cumsum(ops.flip(absorbed, axis=axis), axis=axis), axis=axis)
            background = background * ops.exp(-ops.minimum(ahead, behind))
        return background

    def get_config(self) -> dict:
        """Return the arguments that make this loss again."""
        return {"threshold": self.threshold}
