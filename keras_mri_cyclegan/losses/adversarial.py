"""Adversarial losses of generators and discriminators: least squares, cross-entropy, hinge."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


class AdversarialLoss:
    """Base class of adversarial losses; subclass it for a custom loss.

    A discriminator outputs logits `(batch, patches down, patches across, 1)`. The generator's loss
    (`generator`) is low where the logits of generated images say real; the discriminator's loss
    (`discriminator`) is low where real and generated images are told apart. The discriminator's
    loss is the mean, not the sum, of its losses on real and on generated images, which halves the
    discriminator's learning rate relative to the generators', as in the CycleGAN paper's code.

    To be saved with a model, a subclass needs `@keras.saving.register_keras_serializable`.

    Example:
        >>> from keras import ops
        >>> import keras_mri_cyclegan as kmc
        >>> loss = kmc.losses.LeastSquares()
        >>> float(loss.generator(ops.ones((1, 30, 30, 1))))
        0.0
        >>> float(loss.discriminator(ops.ones((1, 30, 30, 1)), ops.ones((1, 30, 30, 1))))
        0.5
    """

    def generator(self, fake_logits: Any) -> Any:
        """Return the generator's loss, a scalar, from the logits of generated images."""
        return ops.mean(self.real(fake_logits))

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """Return the discriminator's loss, a scalar, from logits of real and generated images."""
        return (ops.mean(self.real(real_logits)) + ops.mean(self.fake(fake_logits))) / 2

    def real(self, logits: Any) -> Any:
        """Return the loss of each logit for the target "real"."""
        raise TypeError(f"{type(self).__name__} must define `real(logits)`.")

    def fake(self, logits: Any) -> Any:
        """Return the loss of each logit for the target "fake"."""
        raise TypeError(f"{type(self).__name__} must define `fake(logits)`.")

    def says_real(self, logits: Any) -> Any:
        """Return 1 for each logit that classifies its patch as real, -1 for each as fake.

        The decision boundary is where `real` equals `fake`: 0.5 for least squares, whose targets
        are 1 and 0, and 0 for cross-entropy and hinge.
        """
        return ops.sign(self.fake(logits) - self.real(logits))

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "AdversarialLoss":
        """Build the loss from the result of `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class LeastSquares(AdversarialLoss):
    """Least squares (LSGAN) with targets 1 for real and 0 for fake patches.

    More stable than cross-entropy, since a patch that is correctly classified but far from its
    target still contributes a gradient. The CycleGAN paper's choice.

    References:
        - Mao et al., "Least Squares Generative Adversarial Networks", ICCV 2017,
          https://arxiv.org/abs/1611.04076
    """

    def real(self, logits: Any) -> Any:
        """Return `(logits - 1)²`."""
        return ops.square(logits - 1)

    def fake(self, logits: Any) -> Any:
        """Return `logits²`."""
        return ops.square(logits)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class BinaryCrossentropy(AdversarialLoss):
    """Binary cross-entropy on logits, in the non-saturating form for the generator.

    References:
        - Goodfellow et al., "Generative Adversarial Networks", NeurIPS 2014,
          https://arxiv.org/abs/1406.2661
    """

    def real(self, logits: Any) -> Any:
        """Return `-log(sigmoid(logits))`."""
        return ops.softplus(-logits)

    def fake(self, logits: Any) -> Any:
        """Return `-log(1 - sigmoid(logits))`."""
        return ops.softplus(logits)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Hinge(AdversarialLoss):
    """Hinge loss: patches correctly classified by a margin of 1 cost the discriminator nothing.

    References:
        - Lim and Ye, "Geometric GAN", 2017, https://arxiv.org/abs/1705.02894
    """

    def generator(self, fake_logits: Any) -> Any:
        """Return `-mean(logits)`: the generator has no margin."""
        return -ops.mean(fake_logits)

    def real(self, logits: Any) -> Any:
        """Return `max(0, 1 - logits)`."""
        return ops.relu(1 - logits)

    def fake(self, logits: Any) -> Any:
        """Return `max(0, 1 + logits)`."""
        return ops.relu(1 + logits)


class FromCallable(AdversarialLoss):
    """Adapter for a function `loss(target, logits)`, such as a Keras loss (1 real, 0 fake)."""

    def __init__(self, function: Callable):
        self.function = function

    def real(self, logits: Any) -> Any:
        """Return `function(1, logits)`."""
        return self.function(ops.ones_like(logits), logits)

    def fake(self, logits: Any) -> Any:
        """Return `function(0, logits)`."""
        return self.function(ops.zeros_like(logits), logits)

    def says_real(self, logits: Any) -> Any:
        """Return 1 or -1 for each logit, or a single one if the function returns a scalar."""
        # Calling a Keras loss object averages; its `call` method returns the terms of the average.
        loss = getattr(self.function, "call", self.function)
        to_real = loss(ops.ones_like(logits), logits)
        return ops.sign(loss(ops.zeros_like(logits), logits) - to_real)


NAMED = {
    "least_squares": LeastSquares,
    "binary_crossentropy": BinaryCrossentropy,
    "hinge": Hinge,
}


def get(identifier: Any) -> AdversarialLoss:
    """Return the adversarial loss for a name, an `AdversarialLoss` or a callable.

    Raises:
        ValueError: `identifier` is none of these.
    """
    if isinstance(identifier, str) and identifier in NAMED:
        return NAMED[identifier]()
    if isinstance(identifier, AdversarialLoss):
        return identifier
    if getattr(identifier, "from_logits", True) is False:
        raise ValueError(
            "`adversarial_loss` must accept logits, but this loss expects probabilities. Received: "
            f"{identifier!r}. Create it with `from_logits=True`."
        )
    if callable(identifier) and not isinstance(identifier, type):
        return FromCallable(identifier)
    raise ValueError(
        f"`adversarial_loss` must be one of {', '.join(map(repr, NAMED))}, an instance of "
        "`keras_mri_cyclegan.losses.AdversarialLoss`, or a function of (target, logits), such as "
        f"`keras.losses.MeanSquaredError()`. Received: {identifier!r}."
    )
