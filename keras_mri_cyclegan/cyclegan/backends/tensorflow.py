"""The steps on TensorFlow, where Keras calls `step(data) -> logs`."""

import math
from collections.abc import Callable
from typing import Any

import keras
import tensorflow as tf

from keras_mri_cyclegan.cyclegan.backends import small_images
from keras_mri_cyclegan.cyclegan.composite_optimizer import CompositeOptimizer
from keras_mri_cyclegan.cyclegan.objective import objective

SEVERAL_DEVICES = ""
NESTED = (tuple,)  # tf.data takes a list for a tensor
KERAS_COMPILES = True
LARGE = 2**22  # weights that do not fit into a processor's cache, beside their moments


def prepare(network: keras.Model) -> None:
    """Let a network convolve small images in the way that is fast on a CPU."""
    if not tf.config.list_physical_devices("GPU"):
        small_images.install(network, patches=4 * 4, pixels=8 * 8)


def prepare_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Leave an optimizer as it is."""


def own_values(network: keras.Model) -> None:
    """Leave a network as it is: no two weights share a value."""


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Update every network once and return the terms' running means."""
    real_a, real_b = model.unpack(data)
    pairs = model.unpack_pairs(data)
    cond = _compute_both if model.jit_compile and not model.run_eagerly else tf.cond
    with tf.GradientTape() as tape:
        loss, terms = objective(model, real_a, real_b, pairs, input_gradient, cond)
        # The optimizers add up the gradients of all replicas of a `tf.distribute` strategy.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scaled = model.optimizer.scale_loss(loss / replicas)
    variables = model.trainable_variables
    _update(model, tape.gradient(scaled, variables), variables)
    return model.progress.update_terms(loss, terms, real_a)


def _update(model: Any, gradients: list, variables: list) -> None:
    """Let the optimizer change the weights, of large networks on a CPU in a single pass.

    TensorFlow goes through the memory of each weight and moment once for each operation of Adam's
    formula; XLA once in all. Where all of a step is compiled, so is this; for small networks it is
    not worth the time to compile. A strategy's replicas and a scaled loss need what XLA has not.
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
    """Return 1: a `tf.distribute` strategy adds up the gradients of its replicas."""
    return 1


def skip_step(steps: int, logs: dict, iterator: Any) -> dict[str, Any]:
    """Drop the batches of a step, in place of Keras' `train_function`."""
    for _ in range(steps):
        next(iterator)
    return logs


def input_gradient(function: Callable, images: Any) -> Any:
    """Return the gradient of a scalar function in the images, itself open to differentiation."""
    with tf.GradientTape() as tape:
        tape.watch(images)
        value = function(images)
    return tape.gradient(value, images, unconnected_gradients=tf.UnconnectedGradients.ZERO)


def _compute_both(condition: Any, function: Callable, otherwise: Callable) -> list:
    """Choose between two lists of results, as `tf.cond` does, with no branch in the graph.

    XLA cannot build the second derivative of a branch whose batch size is not known ("An explicit
    broadcast sequence requires the broadcasted dimensions to be trivial", TensorFlow 2.21).
    """
    pairs = zip(function(), otherwise(), strict=True)
    return [tf.where(condition, one, other) for one, other in pairs]


def test_step(model: Any, data: Any) -> dict[str, Any]:
    """Score the translations of a batch of pairs and return the running means."""
    return model.score(*model.unpack(data))
