"""Several batches through a network as one, which takes less time than one after another."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# Layers whose result for an image never depends on the other images of its batch: Keras' own, but
# for these, and this library's.
KNOWN = ("keras.src.layers.", "keras_mri_cyclegan.")
MIXING = (
    keras.layers.BatchNormalization,
    keras.layers.Lambda,
    keras.layers.UnitNormalization,
    keras.layers.Softmax,
    keras.layers.Reshape,
)


def in_training(network: keras.Model, images: Any, frozen: bool = False) -> Any:
    """Return what a network makes of images in training.

    Args:
        network: A generator or discriminator.
        images: `(batch, height, width, channels)`.
        frozen: Boolean, whether the weights get no gradient, and the call leaves no trace in the
            network. Defaults to `False`.
    """
    if not frozen:
        return network(images, training=True)
    weights = [ops.stop_gradient(v.value) for v in network.trainable_variables]
    state = [v.value for v in network.non_trainable_variables]
    return network.stateless_call(weights, state, images, training=True)[0]


def together(
    network: keras.Model, first: Any, second: Any, call: Callable = in_training
) -> tuple[Any, Any]:
    """Return what a network makes, in training, of two batches.

    They go through it as one batch, so that its kernels are read once and get one gradient, if the
    network takes each image by itself and keeps no state, and images of both are of one known size;
    else one after the other.

    Args:
        network: A generator or discriminator.
        first: Images, `(batch, height, width, channels)`.
        second: More of them, in a batch of any size.
        call: Function of (network, images) that calls it. Defaults to `in_training`.

    Returns:
        The network's outputs for `first` and for `second`.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.cyclegan.together import together
        >>> generator = kmc.resnet_generator((16, 16, 1), blocks=1, filters=4)
        >>> one, two = together(generator, np.zeros((1, 16, 16, 1)), np.zeros((3, 16, 16, 1)))
        >>> len(one), len(two)
        (1, 3)
    """
    if not can_go_together(network, first, second):
        return call(network, first), call(network, second)
    count = ops.shape(first)[0]
    made = call(network, ops.concatenate([first, second], axis=0))
    return made[:count], made[count:]


def can_go_together(network: keras.Model, first: Any, second: Any) -> bool:
    """Whether `together` makes one batch of two.

    Args:
        network: As in `together`.
        first: As in `together`.
        second: As in `together`.
    """
    shape = tuple(first.shape[1:])
    same_size = None not in shape and shape == tuple(second.shape[1:])
    return same_size and takes_each_by_itself(network)


def takes_each_by_itself(network: keras.Model) -> bool:
    """Whether a network is known to treat every image of a batch as if it were alone.

    Batch normalisation does not, nor need a layer that is not known here, or an operation on
    tensors in place of a layer. Spectral normalisation, which counts its calls, has state.

    Args:
        network: A `keras.Model`.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.cyclegan.together import takes_each_by_itself
        >>> shape = (16, 16, 1)
        >>> takes_each_by_itself(kmc.patchgan_discriminator(shape, layers=1))
        True
        >>> takes_each_by_itself(kmc.patchgan_discriminator(shape, layers=1, normalization="batch"))
        False
    """
    sequential = isinstance(network, keras.Sequential)
    operations = network.layers if sequential else getattr(network, "operations", None)
    if operations is None or any(not isinstance(o, keras.layers.Layer) for o in operations):
        return False
    for layer in network._flatten_layers(include_self=False):
        known = isinstance(layer, keras.Model) or type(layer).__module__.startswith(KNOWN)
        seeds = {id(g.state) for g in layer._seed_generators}
        has_state = any(id(v) not in seeds for v in layer._non_trainable_variables)
        if not known or isinstance(layer, MIXING) or has_state:
            return False
        if isinstance(layer, keras.Model) and not takes_each_by_itself(layer):
            return False
    return True
