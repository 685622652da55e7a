"""Augmentation of what the discriminators see, as strong as they know their scans by heart."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers.differentiable_augmentation import DifferentiableAugmentation
from keras_mri_cyclegan.layers.probable_augmentation import ProbableAugmentation

MEMORY = 64  # Over how many images the discriminators' verdicts are averaged.


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class AdaptiveAugmentation(ProbableAugmentation):
    """Augments each image with a probability that follows how much the discriminators overfit.

    A discriminator that calls nearly all patches of its training scans real has learnt them by
    heart. The measure is the mean sign of its verdicts on scans, 1 if all of them are called real
    and 0 if it is undecided: above `target` the probability of augmentation rises, below it falls.
    It begins at 0 and is saved with the model. `CycleGAN` tells the layer of each step's verdicts
    and logs the probability as `augmentation_probability`; the sign is that of
    `AdversarialLoss.says_real`, so it is taken about 0.5 for least squares and about 0 for
    cross-entropy and hinge. Both discriminators share one probability, which follows their mean.

    Each of several augmentations is applied with this probability, each to each image by a draw of
    its own. As long as some images are seen as they are, a generator gains nothing by making
    augmented ones; hence the `limit`.

    Args:
        augmentation: `keras.layers.Layer` that hands gradients back to the images, or a list of
            them. Defaults to `None`: `DifferentiableAugmentation`, shifts and flips, each by
            itself.
        target: The mean sign to aim at, in [0, 1). Defaults to 0.6, as in the paper.
        images: How many images each discriminator is shown while the probability goes from 0 to 1,
            an integer of at least 1. Defaults to 2000, for some dozens of slices; the paper's is
            500,000, for thousands of images.
        limit: The largest probability, in [0, 1]. Defaults to 0.8, below which the paper saw no
            augmentation leak into the generated images.
        seed: Integer or `None`. Defaults to `None`, a random one.
        **kwargs: Those of `keras.layers.Layer`.

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
        >>> for _ in range(50):  # 50 batches of 4 scans, all of whose patches are called real
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
        """Make the probability follow the discriminators' verdicts on a batch of scans.

        Args:
            sign: The mean of 1 for each patch that is called real and -1 for each called fake.
            count: How many scans each discriminator was shown.
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
        """Return the arguments that make this layer again."""
        own = {"target": self.target, "images": self.images, "limit": self.limit}
        return {**super().get_config(), **own}
