"""Training and test steps on TensorFlow, which Keras calls: `step(data) -> logs`."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_mri_cyclegan.cyclegan.backends import small_images
from keras_mri_cyclegan.cyclegan.composite_optimizer import CompositeOptimizer
from keras_mri_cyclegan.cyclegan.objective import objective

SEVERAL_DEVICES = ""
NESTED = (tuple,)  # tf.data converts a list to a tensor
KERAS_COMPILES = True
LARGE = 2**22  # weights that, with their moments, do not fit into a CPU's cache


def prepare(network: keras.Model) -> None:
    """Speed up a network's convolutions of small feature maps on a CPU."""
    if not tf.config.list_physical_devices("GPU"):
        small_images.install(network, patches=4 * 4, pixels=8 * 8)


def prepare_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Do nothing: TensorFlow needs no change to an optimizer."""


def own_values(network: keras.Model) -> None:
    """Do nothing: on TensorFlow no two weights share an array."""


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Update every network once and return the running means of the terms."""
    real_a, real_b = model.unpack(data)
    pairs = model.unpack_pairs(data)
    cond = _compute_both if model.jit_compile and not model.run_eagerly else tf.cond
    with tf.GradientTape() as tape:
        loss, terms = objective(model, real_a, real_b, pairs, input_gradient, cond)
        # The optimizers sum the gradients of all replicas of a `tf.distribute` strategy.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scaled = model.optimizer.scale_loss(loss / replicas)
    variables = model.trainable_variables
    _update(model, tape.gradient(scaled, variables), variables)
    return model.progress.update_terms(loss, terms, real_a)


def _update(model: Any, gradients: list, variables: list) -> None:
    """Update the weights by the optimizer, compiled by XLA for large networks on a CPU.

    TensorFlow reads each weight and moment once for each operation of Adam's formula; XLA reads
    them only once. With `jit_compile` the update is compiled with the rest of the step. For small
    networks the update is not worth the compilation. XLA does not support the replicas of a
    strategy or a scaled loss.
    """

    def apply(gradients: list) -> None:
        model.optimizer.apply(gradients, variables)

    worth_it = sum(math.prod(v.shape) for v in variables) >= LARGE
    plain = isinstance(model.optimizer, CompositeOptimizer)
    if tf.executing_eagerly() or tf.distribute.has_strategy() or model.jit_compile:
        worth_it = False
    if worth_it and plain and not tf.config.list_physical_devices("GPU"):
        apply = tf.function(apply, jit_compile=True)
    apply(gradients)


def processes_that_exchange_nothing() -> int:
    """Return 1: a `tf.distribute` strategy sums the gradients of its replicas."""
    return 1


def skip_step(steps: int, logs: dict, iterator: Any) -> dict[str, Any]:
    """Drop the batches of one call of Keras' `train_function`, and train on none of them."""
    for _ in range(steps):
        next(iterator)
    return logs


def input_gradient(function: Callable, images: Any) -> Any:
    """Return the gradient of a scalar function at `images`, which can itself be differentiated."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = function(images)
    return tape.gradient(value, images, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _compute_both(condition: Any, function: Callable, otherwise: Callable) -> list:
    """Select between two lists of results as `tf.cond` does, but compute both, without a branch.

    XLA cannot build the second derivative of a branch with an unknown batch size ("An explicit
    broadcast sequence requires the broadcasted dimensions to be trivial", TensorFlow 2.21).
    """
    pairs = zip(function(), otherwise(), strict=True)
    return [tf.where(condition, one, other) for one, other in pairs]


def test_step(model: Any, data: Any) -> dict[str, Any]:
    """Score the translations of a batch of pairs and return the running means of the scores."""
    return model.score(*model.unpack(data))
