"""One optimizer made of two: one for the generators, one for the discriminators."""

from typing import Any

import keras


class CompositeOptimizer(keras.optimizers.Optimizer):
    """Hands each gradient to the optimizer that its variable belongs to.

    Keras saves, restores and (on JAX) carries through a compiled step the variables of
    `model.optimizer` alone, so the two optimizers of a GAN have to be one. Each keeps its own
    settings: schedule, clipping, gradient accumulation, exponential moving average.

    Args:
        generator_optimizer: `keras.optimizers.Optimizer` of the generators.
        discriminator_optimizer: `keras.optimizers.Optimizer` of the discriminators.
        discriminator_variables: List of the variables that go to `discriminator_optimizer`; all
            others go to `generator_optimizer`.
    """

    def __init__(
        self,
        generator_optimizer: keras.optimizers.Optimizer,
        discriminator_optimizer: keras.optimizers.Optimizer,
        discriminator_variables: list,
    ):
        super().__init__(learning_rate=0.0, name="composite_optimizer")
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self._discriminator_ids = frozenset(id(v) for v in discriminator_variables)

    def build(self, variables: list) -> None:
        """Make the variables of both optimizers."""
        if self.built:
            return
        for optimizer, indices in self._route(variables):
            optimizer.build([variables[i] for i in indices])
        super().build(variables)

    @property
    def variables(self) -> list:
        """The variables of both optimizers; the composite has none of its own."""
        return self.generator_optimizer.variables + self.discriminator_optimizer.variables

    def apply(self, grads: list, trainable_variables: list | None = None) -> None:
        """Update each variable by its own optimizer."""
        variables = self._trainable_variables if trainable_variables is None else trainable_variables
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

    @property
    def iterations(self) -> Any:
        """The number of updates of the generators."""
        return self.generator_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The generators' learning rate.

        Setting it, as `LearningRateScheduler` and `ReduceLROnPlateau` do, sets the discriminators'
        in proportion, so that the ratio of the two stays as it is.
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
        mine: list[int] = []
        theirs: list[int] = []
        for index, variable in enumerate(variables):
            (theirs if id(variable) in self._discriminator_ids else mine).append(index)
        return [(self.generator_optimizer, mine), (self.discriminator_optimizer, theirs)]
