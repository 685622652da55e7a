"""Activation recomputation (gradient checkpointing): less memory, more computation."""

from typing import Any

import keras
from keras import ops


def recomputed(network: keras.Model, images: Any) -> Any:
    """Return a network's output for images in training, without storing its activations.

    The activations are recomputed for the gradient, with the same dropout. This takes a third more
    computation, and the memory of the activations of one call instead of all calls.

    Args:
        network: A generator.
        images: `(batch, height, width, channels)`.

    References:
        - Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016,
          https://arxiv.org/abs/1604.06174
    """
    # Copies: on torch a later call changes the state in place, before this call is recomputed.
    before = [ops.copy(v.value) for v in network.non_trainable_variables]

    def call(images: Any, *weights: Any) -> tuple[Any, list]:
        return network.stateless_call(list(weights), before, images, training=True)

    weights = [v.value for v in network.trainable_variables]
    made, after = keras.remat(call)(images, *weights)
    for variable, value in zip(network.non_trainable_variables, after, strict=True):
        variable.assign(value)
    return made
