"""Background consistency loss: air stays air, head stays head."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.losses.structure.structure_loss import (
    StructureLoss,
    positive,
    spatial_axes,
)

AIR = -1.0

# Scale of the absorption above the threshold, in units of `threshold`: one pixel of twice the
# threshold transmits a fraction of exp(-4) of the light.
OPAQUE_AFTER = 0.5


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class BackgroundConsistency(StructureLoss):
    r"""Background consistency: penalty on signal in air and on air within the head's outline.

    Air has no signal in any contrast: where the source is background the translation must be
    dark, and where the source is head the translation must not be background:

    .. math:: \text{mean}\big[ B_a \, h(b) + (1 - B_a) \, B_b \, d(b) \big]

    :math:`B` **is the background** of source :math:`a` and translation :math:`b`, from 0 to 1:
    the air that is visible from the image's border. Light enters from both ends of every row and
    column (and, in a volume, of every line along the depth), passes through air and is absorbed by
    signal above the threshold; a pixel is background if light reaches the pixel along *each* axis
    from at least one end. For a convex head this covers all air, and nothing inside the head: bone,
    dark fluid and air-filled sinuses are hidden by the scalp, even where the field of view cuts
    through the head at one side. Air in the shadow of the head (under a nose) counts as head, and
    costs nothing, since it is in shadow in the translation as well.

    :math:`h` **is the signal** above air, :math:`\sqrt{(b + 1)^2 + t^2} - t` with the threshold
    :math:`t`: close to 0 below the threshold, linear above.

    :math:`d` **is darkness**, :math:`\max(0, 1 - (b + 1) / 2t)^2`: 1 in air, 0 from twice the
    threshold on.

    In [0, 2]; close to 0 (below 0.01) for a copy and for true pairs of every contrast in which the
    outermost tissue has signal. A negative has a high loss: its air is bright. Contrast inside the
    head does not matter: combine this loss with a loss on the anatomy inside the head. Not from a
    paper.

    Expects air that is darker than the threshold, except for a few pixels. Where noise in air
    exceeds the threshold, everything counts as head and the loss is 0. Skull-stripped images have
    fluid at the rim, which is nearly black in FLAIR: there the loss of true pairs is not 0.

    Args:
        threshold: Largest signal that counts as air, in intensity above -1. Choose more than the
            noise in air and less than half the signal of the outermost tissue. Defaults to 0.1, 5 %
            of the range [-1, 1].

    Raises:
        ValueError: `threshold` is not a finite number above 0, or images that
            :class:`StructureLoss` rejects.

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
        """Return the loss of each image, `(batch,)`."""
        air = self.background(source)
        t = self.threshold
        signal = ops.sqrt(ops.square(translated - AIR) + t**2) - t
        darkness = ops.square(ops.relu(1 - (translated - AIR) / (2 * t)))
        loss = air * signal + (1 - air) * self.background(translated) * darkness
        return ops.mean(loss, axis=(*spatial_axes(loss), -1))

    def background(self, images: Any) -> Any:
        """Return the background of each image, from 0 (head) to 1 (air), per pixel.

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
            # Not the total minus `ahead`: rounding of the head's sum would exceed the air's sum.
            behind = ops.flip(ops.cumsum(ops.flip(absorbed, axis=axis), axis=axis), axis=axis)
            background = background * ops.exp(-ops.minimum(ahead, behind))
        return background

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {"threshold": self.threshold}
