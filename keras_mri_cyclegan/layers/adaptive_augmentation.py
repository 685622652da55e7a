"""Adaptive discriminator augmentation (ADA): stronger as the discriminators overfit."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers.differentiable_augmentation import DifferentiableAugmentation
from keras_mri_cyclegan.layers.probable_augmentation import ProbableAugmentation

MEMORY = 64  # Number of images over which the sign of the discriminators' logits is averaged.


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class AdaptiveAugmentation(ProbableAugmentation):
    """Adaptive discriminator augmentation (ADA): a probability that follows overfitting.

    A discriminator that calls nearly all patches of its real images real has memorised them.
    Overfitting is measured by the mean sign of the discriminator's output on real images: 1 if all
    patches are called real, 0 if the discriminator is undecided. Above `target` the probability of
    augmentation rises, below `target` the probability falls. The probability starts at 0 and is
    saved with the model. `CycleGAN` reports each step's signs to the layer and logs the probability
    as `augmentation_probability`. Signs are those of `AdversarialLoss.says_real`, hence relative to
    0.5 for least squares and to 0 for cross-entropy and hinge. Both discriminators share one
    probability, which follows the mean of their signs.

    With several augmentations, each one is drawn independently for each image. As long as the
    discriminator also sees images without augmentation, a generator gains nothing by generating
    augmented images; hence the `limit`.

    Args:
        augmentation: Differentiable `keras.layers.Layer`, or a list of such layers. Defaults to
            `None`: one `DifferentiableAugmentation` for shifts and one for flips.
        target: Target of the mean sign, in [0, 1). Defaults to 0.6, as in the paper.
        images: Number of images shown to each discriminator while the probability rises from 0 to
            1, an integer of at least 1. Defaults to 2000, which suits some dozens of slices; the
            paper uses 500,000 for thousands of images.
        limit: Largest probability, in [0, 1]. Defaults to 0.8; below it the paper saw no
            augmentation leak into the generated images.
        seed: Integer or `None`. Defaults to `None`, a random seed.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, depth, height, width, channels)`, in
        [-1, 1].

    Output shape:
        The same.

    Raises:
        ValueError: An argument of the wrong type or range.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> layer = kmc.layers.AdaptiveAugmentation(images=1000, seed=0)
        >>> for _ in range(50):  # 50 batches of 4 real images, all patches called real
        ...     layer.adjust(1.0, 4)
        >>> 0.1 < float(layer.probability) < 0.2
        True

    References:
        - Karras et al., "Training Generative Adversarial Networks with Limited Data", NeurIPS 2020,
          https://arxiv.org/abs/2006.06676
    """

    def __init__(
        self,
        augmentation: keras.layers.Layer | Sequence | None = None,
        target: float = 0.6,
        images: int = 2000,
        limit: float = 0.8,
        seed: int | None = None,
        **kwargs: Any,
    ):
        if augmentation is None:
            augmentation = [
                DifferentiableAugmentation(flip=False, seed=seed),
                DifferentiableAugmentation(shift=0.0, seed=seed),
            ]
        super().__init__(augmentation, seed, **kwargs)
        self.target = _checks.fraction("target", target)
        self.images = _checks.positive_int("images", images)
        self.limit = _checks.weight("limit", limit)
        if self.limit > 1:
            raise ValueError(f"`limit` must be between 0 and 1. Received: {limit!r}.")
        self.confidence = self._state_weight("confidence")

    def adjust(self, sign: Any, count: Any) -> None:
        """Update the probability from the discriminators' signs on a batch of real images.

        Args:
            sign: Mean over the patches, 1 for each patch called real, -1 for each called fake.
            count: Number of real images shown to each discriminator.
        """
        sign = ops.stop_gradient(ops.cast(sign, "float32"))
        count = ops.cast(count, "float32")
        share = ops.minimum(count / MEMORY, 1.0)
        confidence = (1 - share) * self.confidence + share * sign
        step = ops.sign(confidence - self.target) * count / self.images
        self.confidence.assign(confidence)
        self.probability.assign(ops.clip(self.probability + step, 0.0, self.limit))

    def _state(self) -> dict[str, keras.Variable]:
        return {**super()._state(), "confidence": self.confidence}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        own = {"target": self.target, "images": self.images, "limit": self.limit}
        return {**super().get_config(), **own}
