"""Adversarial losses: what a generator and a discriminator want of the discriminator's logits."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


class AdversarialLoss:
    """Base class of the adversarial losses; subclass it for one of your own.

    A discriminator gives logits `(batch, patches down, patches across, 1)`. A generator wants those
    of its translations to look real (`generator`), the discriminator wants to tell real from fake
    (`discriminator`). The discriminator's loss is the mean of its halves on real and on fake
    images, so that it learns half as fast as the generators, as in the CycleGAN paper's code.

    A subclass that is to be saved with a model needs
    `@keras.saving.register_keras_serializable`.

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
        """Return the generator's loss, a scalar, from the logits of its translations."""
        return ops.mean(self.real(fake_logits))

    def discriminator(self, real_logits: Any, fake_logits: Any) -> Any:
        """Return the discriminator's loss, a scalar, from the logits of scans and translations."""
        return (ops.mean(self.real(real_logits)) + ops.mean(self.fake(fake_logits))) / 2

    def real(self, logits: Any) -> Any:
        """Return how far each of `logits` is from calling its patch real."""
        raise TypeError(f"{type(self).__name__} must define `real(logits)`.")

    def fake(self, logits: Any) -> Any:
        """Return how far each of `logits` is from calling its patch fake."""
        raise TypeError(f"{type(self).__name__} must define `fake(logits)`.")

    def says_real(self, logits: Any) -> Any:
        """Return 1 where `logits` call a patch real rather than fake, -1 where they call it fake.

        The boundary is where both are equally far: 0.5 for least squares, whose targets are 1 and
        0, and 0 for cross-entropy and hinge.
        """
        return ops.sign(self.fake(logits) - self.real(logits))

    def get_config(self) -> dict:
        """Return the arguments that make this loss again."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "AdversarialLoss":
        """Make the loss that `get_config` described."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class LeastSquares(AdversarialLoss):
    """Least squares: real patches to 1, fake ones to 0.

    Steadier than cross-entropy, since a patch that is well classified but far from its target still
    gives a gradient. The CycleGAN paper's choice.

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
    """Binary cross-entropy on logits; for the generator in its non-saturating form.

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
    """Hinge: patches beyond the margin of 1 on the right side cost the discriminator nothing.

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
    """Any function `loss(target, logits)`, such as a Keras loss: target 1 is real, 0 is fake."""

    def __init__(self, function: Callable):
        self.function = function

    def real(self, logits: Any) -> Any:
        """Return `function(1, logits)`."""
        return self.function(ops.ones_like(logits), logits)

    def fake(self, logits: Any) -> Any:
        """Return `function(0, logits)`."""
        return self.function(ops.zeros_like(logits), logits)

    def says_real(self, logits: Any) -> Any:
        """Return 1 or -1 for each logit, or one for all if the function gives one number."""
        # A Keras loss object averages; what it averages is its `call`.
        loss = getattr(self.function, "call", self.function)
        to_real = loss(ops.ones_like(logits), logits)
        return ops.sign(loss(ops.zeros_like(logits), logits) - to_real)


NAMED = {
    "least_squares": LeastSquares,
    "binary_crossentropy": BinaryCrossentropy,
    "hinge": Hinge,
}


def get(identifier: Any) -> AdversarialLoss:
    """Return the adversarial loss that a name, an `AdversarialLoss` or a callable stands for.

    Raises:
        ValueError: `identifier` is none of these.
    """
    if isinstance(identifier, str) and identifier in NAMED:
        return NAMED[identifier]()
    if isinstance(identifier, AdversarialLoss):
        return identifier
    if getattr(identifier, "from_logits", True) is False:
        raise ValueError(
            "`adversarial_loss` is given logits, and this loss expects probabilities. Received: "
            f"{identifier!r}. Make it with `from_logits=True`."
        )
    if callable(identifier) and not isinstance(identifier, type):
        return FromCallable(identifier)
    raise ValueError(
        f"`adversarial_loss` must be one of {', '.join(map(repr, NAMED))}, an instance of "
        "`keras_mri_cyclegan.losses.AdversarialLoss`, or a function of (target, logits), such as "
        f"`keras.losses.MeanSquaredError()`. Received: {identifier!r}."
    )
