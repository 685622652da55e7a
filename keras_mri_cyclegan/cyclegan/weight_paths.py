"""A path for each weight: those of two networks of one kind are alike by themselves."""

import keras


def set_paths(name: str, network: keras.Model, names: tuple[str, ...]) -> None:
    """Let the paths of a network's weights begin with what the network is in its `CycleGAN`.

    A logger that keeps values by `variable.path` would otherwise keep one network of two. Files
    have the weights by layer, whatever their paths are.

    Args:
        name: What the network is, such as `"generator_ab"`.
        network: A generator or discriminator.
        names: What networks can be: one that was in another `CycleGAN` begins with one of them.

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
