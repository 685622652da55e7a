"""Joint calls: two batches through a network as one batch, faster than two calls."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

# Layers whose output for an image never depends on the other images of its batch: this library's
# (`KNOWN`) and Keras' own, except those of `MIXING`.
KNOWN = ("keras.src.layers.", "keras_mri_cyclegan.")
MIXING = (
    keras.layers.BatchNormalization,
    keras.layers.Lambda,
    keras.layers.UnitNormalization,
    keras.layers.Softmax,
    keras.layers.Reshape,
)


def in_training(network: keras.Model, images: Any, frozen: bool = False) -> Any:
    """Return a network's output for images in training.

    Args:
        network: A generator or discriminator.
        images: `(batch, height, width, channels)`.
        frozen: Boolean, whether the weights get no gradient and the network's state is not
            changed. Defaults to `False`.
    """
    if not frozen:
        return network(images, training=True)
    weights = [ops.stop_gradient(v.value) for v in network.trainable_variables]
    state = [v.value for v in network.non_trainable_variables]
    return network.stateless_call(weights, state, images, training=True)[0]


def together(
    network: keras.Model, first: Any, second: Any, call: Callable = in_training
) -> tuple[Any, Any]:
    """Return a network's outputs for two batches in training.

    The batches are concatenated, so that the kernels are read once and get one gradient, if the
    network treats the images of a batch independently and has no state, and the images of both
    batches have the same known size. Otherwise the network is called once for each batch.

    Args:
        network: A generator or discriminator.
        first: Images, `(batch, height, width, channels)`.
        second: Further images, in a batch of any size.
        call: Function of (network, images) that calls the network. Defaults to `in_training`.

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
    """Whether `together` concatenates the two batches.

    Args:
        network: As in `together`.
        first: As in `together`.
        second: As in `together`.
    """
    shape = tuple(first.shape[1:])
    same_size = None not in shape and shape == tuple(second.shape[1:])
    return same_size and takes_each_by_itself(network)


def takes_each_by_itself(network: keras.Model) -> bool:
    """Whether a network is known to treat the images of a batch independently, without state.

    Excluded are batch normalisation, layers of other libraries, and operations on tensors in place
    of layers, which may mix images, as well as spectral normalisation, which counts its calls.

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
