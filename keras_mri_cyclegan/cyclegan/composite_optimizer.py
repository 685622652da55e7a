"""One optimizer made of two: one for the generators, one for the discriminators."""

from typing import Any

import keras
from keras import ops


class CompositeOptimizer(keras.optimizers.Optimizer):
    """Hands each gradient to the optimizer that its variable belongs to.

    Keras saves, restores and (on JAX) carries through a compiled step the variables of
    `model.optimizer` alone, so the two optimizers of a GAN have to be one. Each keeps its own
    settings: schedule, clipping, gradient accumulation, exponential moving average.

    Args:
        generator_optimizer: `keras.optimizers.Optimizer` of the generators, or `None` for the
            CycleGAN paper's, `Adam(2e-4, beta_1=0.5)`.
        discriminator_optimizer: The same for the discriminators.
        discriminator_variables: List of the variables that go to `discriminator_optimizer`; all
            others go to `generator_optimizer`.

    Raises:
        ValueError: An optimizer that is already in use, or that scales the loss by itself.
    """

    def __init__(
        self,
        generator_optimizer: keras.optimizers.Optimizer | None,
        discriminator_optimizer: keras.optimizers.Optimizer | None,
        discriminator_variables: list,
    ):
        super().__init__(learning_rate=0.0, name="composite_optimizer")
        self.generator_optimizer = _part("generator_optimizer", generator_optimizer)
        self.discriminator_optimizer = _part("discriminator_optimizer", discriminator_optimizer)
        if self.generator_optimizer is self.discriminator_optimizer:
            raise ValueError(
                "`generator_optimizer` and `discriminator_optimizer` must be two optimizers. "
                "Received the same object for both; make one for each."
            )
        self.generator_optimizer.name = "generator"
        self.discriminator_optimizer.name = "discriminator"
        self._discriminator_ids = frozenset(id(v) for v in discriminator_variables)

    def build(self, variables: list) -> None:
        """Make the variables of both optimizers."""
        if self.built:
            return
        for optimizer, indices in self._route(variables):
            optimizer.build([variables[i] for i in indices])
        super().build(variables)

    @property
    def optimizers(self) -> list[keras.optimizers.Optimizer]:
        """Both optimizers, as Keras' callbacks look for them.

        `LearningRateScheduler` and `ReduceLROnPlateau` set the rate of each by itself and log it as
        `learning_rate_generator` and `learning_rate_discriminator`.
        """
        return [self.generator_optimizer, self.discriminator_optimizer]

    @property
    def variables(self) -> list:
        """The variables of both optimizers; the composite has none of its own."""
        return self.generator_optimizer.variables + self.discriminator_optimizer.variables

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """Update each variable by its own optimizer."""
        variables = (
            self._trainable_variables if trainable_variables is None else trainable_variables
        )
        variables = list(variables)
        grads = list(grads)
        if not self.built:
            self.build(variables)
        for optimizer, indices in self._route(variables):
            optimizer.apply([grads[i] for i in indices], [variables[i] for i in indices])

    def finalize_variable_values(self, var_list: list) -> None:
        """Let each optimizer put its moving averages in place of its variables, if it keeps any."""
        var_list = list(var_list)
        for optimizer, indices in self._route(var_list):
            optimizer.finalize_variable_values([var_list[i] for i in indices])
            if optimizer.use_ema:
                # Weight and average would share one buffer, which JAX may then donate only once.
                for i in indices:
                    var_list[i].assign(ops.copy(var_list[i].value))

    @property
    def iterations(self) -> Any:
        """The number of updates of the generators."""
        return self.generator_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The generators' learning rate.

        Setting it sets the discriminators' in proportion, so that the ratio of the two stays.
        """
        return self.generator_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        generator = float(self.generator_optimizer.learning_rate)
        discriminator = float(self.discriminator_optimizer.learning_rate)
        if generator > 0:
            self._rate_ratio = discriminator / generator
        self.generator_optimizer.learning_rate = value
        self.discriminator_optimizer.learning_rate = value * getattr(self, "_rate_ratio", 1.0)

    def save_own_variables(self, store: Any) -> None:
        """Save nothing: Keras saves the two optimizers themselves, each under its name."""

    def load_own_variables(self, store: Any) -> None:
        """Load nothing: Keras loads the two optimizers themselves."""

    def get_config(self) -> dict:
        """Return the two optimizers."""
        return {
            "generator_optimizer": self.generator_optimizer,
            "discriminator_optimizer": self.discriminator_optimizer,
        }

    def _route(self, variables: list) -> list[tuple[keras.optimizers.Optimizer, list[int]]]:
        generators: list[int] = []
        discriminators: list[int] = []
        for index, variable in enumerate(variables):
            found = id(variable) in self._discriminator_ids
            (discriminators if found else generators).append(index)
        return list(zip(self.optimizers, (generators, discriminators), strict=True))


def portable(config: dict) -> dict:
    """Return a config of `serialize_keras_object` whose optimizers every backend can open.

    On torch Keras names its own class of an optimizer, which no other backend has.
    """
    for name in ("generator_optimizer", "discriminator_optimizer"):
        if config[name]["module"].startswith("keras."):
            config[name].update(module="keras.optimizers", registered_name=None)
    return config


def _part(name: str, optimizer: Any) -> keras.optimizers.Optimizer:
    """Return the paper's optimizer for `None`, or `optimizer` if a composite can drive it."""
    if optimizer is None:
        return keras.optimizers.Adam(2e-4, beta_1=0.5)
    optimizer = keras.optimizers.get(optimizer)
    scaling = optimizer.loss_scale_factor is not None
    if scaling or isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise ValueError(
            f"`{name}` must not scale the loss by itself: the four networks share one loss, which "
            "is scaled as a whole under the policy 'mixed_float16' (`auto_scale_loss=True`). "
            f"Received: {optimizer!r}."
        )
    if optimizer.built:
        raise ValueError(
            f"`{name}` must be a new optimizer. Received one that already holds the state of "
            "other variables; make another with the same arguments."
        )
    return optimizer
