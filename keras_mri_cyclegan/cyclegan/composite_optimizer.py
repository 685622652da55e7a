"""Composite optimizer: one optimizer for the generators, one for the discriminators."""

from typing import Any

import keras
from keras import ops


class CompositeOptimizer(keras.optimizers.Optimizer):
    """Optimizer that updates each variable by the generators' or the discriminators' optimizer.

    Keras saves, restores and (on JAX) carries through a compiled step only the variables of
    `model.optimizer`, so the two optimizers of a GAN have to form one. Each keeps its own
    settings: schedule, clipping, gradient accumulation, exponential moving average.

    Args:
        generator_optimizer: `keras.optimizers.Optimizer` of the generators, or `None` for that of
            the CycleGAN paper, `Adam(2e-4, beta_1=0.5)`.
        discriminator_optimizer: The same for the discriminators.
        discriminator_variables: List of the variables that `discriminator_optimizer` updates;
            `generator_optimizer` updates all others.

    Raises:
        ValueError: An optimizer is already in use, or scales the loss itself.
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
                "Received: the same object for both. Create one for each."
            )
        self.generator_optimizer.name = "generator"
        self.discriminator_optimizer.name = "discriminator"
        self._discriminator_ids = frozenset(id(v) for v in discriminator_variables)

    def build(self, variables: list) -> None:
        """Create the variables of both optimizers."""
        if self.built:
            return
        for optimizer, indices in self._route(variables):
            optimizer.build([variables[i] for i in indices])
        super().build(variables)

    @property
    def optimizers(self) -> list[keras.optimizers.Optimizer]:
        """Both optimizers, under the name that Keras' callbacks expect.

        `LearningRateScheduler` and `ReduceLROnPlateau` set the learning rate of each separately and
        log it as `learning_rate_generator` and `learning_rate_discriminator`.
        """
        return [self.generator_optimizer, self.discriminator_optimizer]

    @property
    def variables(self) -> list:
        """Variables of both optimizers; the composite has none of its own."""
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
        """Replace the variables by their moving averages, for each optimizer with `use_ema`."""
        var_list = list(var_list)
        for optimizer, indices in self._route(var_list):
            optimizer.finalize_variable_values([var_list[i] for i in indices])
            if optimizer.use_ema:
                # Otherwise weight and average share one buffer, which JAX can donate only once.
                for i in indices:
                    var_list[i].assign(ops.copy(var_list[i].value))

    @property
    def iterations(self) -> Any:
        """Number of updates of the generators."""
        return self.generator_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """Learning rate of the generators.

        Setting it scales the discriminators' learning rate too, so that their ratio stays constant.
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
        """Save nothing: Keras saves the two inner optimizers, each under its name."""

    def load_own_variables(self, store: Any) -> None:
        """Load nothing: Keras loads the two inner optimizers."""

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
    """Return a config of `serialize_keras_object` whose optimizers every backend can load.

    On torch, Keras saves the name of a torch-specific optimizer class, which no other backend has.
    """
    for name in ("generator_optimizer", "discriminator_optimizer"):
        if config[name]["module"].startswith("keras."):
            config[name].update(module="keras.optimizers", registered_name=None)
    return config


def _part(name: str, optimizer: Any) -> keras.optimizers.Optimizer:
    """Return the validated optimizer, or the CycleGAN paper's for `None`."""
    if optimizer is None:
        return keras.optimizers.Adam(2e-4, beta_1=0.5)
    optimizer = keras.optimizers.get(optimizer)
    scaling = optimizer.loss_scale_factor is not None
    if scaling or isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        raise ValueError(
            f"`{name}` must not scale the loss itself: the four networks share one loss, which "
            "is scaled as a whole under the policy 'mixed_float16' (`auto_scale_loss=True`). "
            f"Received: {optimizer!r}."
        )
    if optimizer.built:
        raise ValueError(
            f"`{name}` must be a new optimizer. Received: an optimizer that already holds the "
            "state of other variables. Create another one with the same arguments."
        )
    return optimizer
