"""Unique paths of the weights, which would be equal in two networks of the same kind."""

import keras


def set_paths(name: str, network: keras.Model, names: tuple[str, ...]) -> None:
    """Prefix the paths of a network's weights with the network's name in its `CycleGAN`.

    Otherwise a logger that stores values by `variable.path` would overwrite the values of one
    network by those of the other. Files store the weights by layer, independent of their paths.

    Args:
        name: Name of the network, such as `"generator_ab"`.
        network: A generator or discriminator.
        names: All names of networks. A network that was in another `CycleGAN` already has one of
            them as its prefix, which is replaced.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.cyclegan.weight_paths import set_paths
        >>> network = kmc.patchgan_discriminator((16, 16, 1), layers=1)
        >>> set_paths("discriminator_a", network, ("discriminator_a", "discriminator_b"))
        >>> network.weights[0].path
        'discriminator_a/block_0/kernel'
    """
    for variable in network.variables:
        first, _, rest = variable.path.partition("/")
        own = rest if first in names else variable.path
        variable._path = f"{name}/{own}"  # Keras has no other way to set it
