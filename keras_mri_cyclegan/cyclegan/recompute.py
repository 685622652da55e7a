"""A network that forgets its activations and computes them again for the gradient."""

from typing import Any

import keras
from keras import ops


def recomputed(network: keras.Model, images: Any) -> Any:
    """Return what a network makes of images in training, and keep none of its activations.

    For the gradient they are computed once more, with the same dropout. It takes a third more work
    and the memory of one call where all calls' activations would have been held.

    Args:
        network: A generator.
        images: `(batch, height, width, channels)`.

    References:
        - Chen et al., "Training Deep Nets with Sublinear Memory Cost", 2016,
          https://arxiv.org/abs/1604.06174
    """
    # Copies: on torch a later call changes the state in place, before this one is made again.
    before = [ops.copy(v.value) for v in network.non_trainable_variables]

    def call(images: Any, *weights: Any) -> tuple[Any, list]:
        return network.stateless_call(list(weights), before, images, training=True)

    weights = [v.value for v in network.trainable_variables]
    made, after = keras.remat(call)(images, *weights)
    for variable, value in zip(network.non_trainable_variables, after, strict=True):
        variable.assign(value)
    return made
