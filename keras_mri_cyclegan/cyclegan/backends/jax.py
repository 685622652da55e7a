"""Training and test steps on JAX, pure functions that Keras calls: `step(state, data)`."""

from collections.abc import Callable
from typing import Any

import jax
import keras

from keras_mri_cyclegan.cyclegan.backends import jax_transposed_convolution, small_images
from keras_mri_cyclegan.cyclegan.objective import objective

NESTED = (tuple, list)
SEVERAL_DEVICES = (
    "For several devices call `keras.distribution.set_distribution(keras.distribution."
    "DataParallel())` before anything is built."
)
KERAS_COMPILES = True


def prepare(network: keras.Model) -> None:
    """Speed up a network's transposed convolutions and, on a CPU, convolutions of small images."""
    jax_transposed_convolution.install(network)
    if jax.default_backend() == "cpu":
        small_images.install(network, patches=16 * 16, pixels=16 * 16)


def prepare_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Do nothing: JAX needs no change to an optimizer."""


def own_values(network: keras.Model) -> None:
    """Copy the value of each weight, so that no two weights share an array.

    After `keras.callbacks.SwapEMAWeights`, a weight and its moving average share an array.
    `predict` donates the network's arrays, which would delete the array of the average.
    """
    for weight in network.weights:
        weight.assign(keras.ops.copy(weight.value))


def train_step(model: Any, state: tuple, data: Any) -> tuple[dict[str, Any], tuple]:
    """Return the running means of the terms, and the state after one update of every network."""
    trainable, non_trainable, optimizer, metrics = state
    real_a, real_b = model.unpack(data)
    pairs = model.unpack_pairs(data)

    def scaled_loss(trainable: list, non_trainable: list) -> tuple[Any, tuple]:
        variables = model.trainable_variables + model.non_trainable_variables
        # With the optimizer's variables: a weight schedule may depend on the count of steps.
        with _scope(
            variables + model.optimizer.variables, trainable + non_trainable + optimizer
        ) as scope:
            loss, terms = objective(model, real_a, real_b, pairs, input_gradient)
            scaled = model.optimizer.scale_loss(loss)
        return scaled, (loss, terms, _values(scope, model.non_trainable_variables, non_trainable))

    gradients, (loss, terms, non_trainable) = jax.grad(scaled_loss, has_aux=True)(
        trainable, non_trainable
    )
    trainable, optimizer = model.optimizer.stateless_apply(optimizer, gradients, trainable)
    with _scope(model.metrics_variables, metrics) as scope:
        logs = model.progress.update_terms(loss, terms, real_a)
    metrics = _values(scope, model.metrics_variables, metrics)
    return logs, (trainable, non_trainable, optimizer, metrics)


def processes_that_exchange_nothing() -> int:
    """Return the number of processes, or 1 where a distribution of Keras connects them."""
    return jax.process_count() if keras.distribution.distribution() is None else 1


def skip_step(steps: int, logs: dict, state: tuple, iterator: Any) -> tuple[dict, tuple]:
    """Drop the batches of one call of Keras' `train_function`, and train on none of them."""
    for _ in range(steps):
        next(iterator)
    return logs, state


def input_gradient(function: Callable, images: Any) -> Any:
    """Return the gradient of a scalar function at `images`, which can itself be differentiated."""
    return jax.grad(function)(images)


def test_step(model: Any, state: tuple, data: Any) -> tuple[dict[str, Any], tuple]:
    """Return the running means of the scores over pairs, and the state."""
    trainable, non_trainable, metrics = state
    variables = model.trainable_variables + model.non_trainable_variables + model.metrics_variables
    with _scope(variables, trainable + non_trainable + metrics) as scope:
        logs = model.score(*model.unpack(data))
    non_trainable = _values(scope, model.non_trainable_variables, non_trainable)
    return logs, (trainable, non_trainable, _values(scope, model.metrics_variables, metrics))


def _scope(variables: list, values: list) -> keras.StatelessScope:
    return keras.StatelessScope(state_mapping=list(zip(variables, values, strict=True)))


def _values(scope: keras.StatelessScope, variables: list, before: list) -> list:
    """Return the values of the variables at the end of the scope."""
    after = [scope.get_current_value(variable) for variable in variables]
    return [old if new is None else new for old, new in zip(before, after, strict=True)]
