"""The CycleGAN of its paper."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.data import RandomFlip, UnpairedDataset
from keras_mri_cyclegan.networks import patchgan_discriminator, resnet_generator
from keras_mri_cyclegan.recipes.constant_then_linear import ConstantThenLinear
from keras_mri_cyclegan.recipes.recipe import Recipe, checked_epochs, shapes

EPOCHS = 200
RATE = 2e-4
LARGE, LARGE_BLOCKS, SMALL_BLOCKS = 256, 9, 6  # pixels; residual blocks from that size on, below


@_checks.one_range_warning()
def paper(a: Any, b: Any, epochs: int | None = None, filters: int = 64, seed: int = 0) -> Recipe:
    """Make the CycleGAN of its paper: ResNet generators, 70-pixel PatchGANs, least squares.

    Nine residual blocks for images of 256 pixels and more, six below; a cycle weight of 10, the
    identity mapping at half of it, a pool of 50 images, batches of one, flips left and right; Adam
    at 2e-4 for half of the epochs, then down to 0 in a straight line. For tens of slices it has
    far too many weights: see :func:`small_data`.

    Args:
        a: Images of A, floats in [-1, 1], `(images, height, width, channels)` or `(images, depth,
            height, width, channels)`. Each size must be a multiple of 4.
        b: Images of B, of the same rank; another number of images or channels will do.
        epochs: Integer. Defaults to the paper's 200.
        filters: Integer, first filters of all networks. Defaults to 64.
        seed: Integer of at least 0, of the order of the images, the flips and the image pools.

    Returns:
        A :class:`Recipe`: the compiled model, its batches and the number of epochs.

    Raises:
        ValueError: Images that are not as above.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=2, size=32)
        >>> model, train, epochs = kmc.recipes.paper(t1, t2, filters=4)
        >>> epochs, len(train)
        (200, 2)

    References:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", ICCV 2017, https://arxiv.org/abs/1703.10593
    """
    train = UnpairedDataset(a, b, batch_size=1, seed=seed, augment=RandomFlip())
    shape_a, shape_b = shapes(train)
    epochs = checked_epochs(epochs, EPOCHS)
    blocks = LARGE_BLOCKS if min(shape_a[:-1]) >= LARGE else SMALL_BLOCKS

    def generator(shape: tuple, channels: int, name: str) -> keras.Model:
        return resnet_generator(
            shape, blocks=blocks, filters=filters, output_channels=channels, name=name
        )

    model = CycleGAN(
        generator_ab=generator(shape_a, shape_b[-1], "generator_ab"),
        generator_ba=generator(shape_b, shape_a[-1], "generator_ba"),
        discriminator_a=patchgan_discriminator(shape_a, filters=filters, name="discriminator_a"),
        discriminator_b=patchgan_discriminator(shape_b, filters=filters, name="discriminator_b"),
        pool_size=50,
        seed=seed,
    )
    steps = epochs * len(train)
    model.compile(
        generator_optimizer=_adam(steps),
        discriminator_optimizer=_adam(steps),
        adversarial_loss="least_squares",
        cycle_weight=10.0,
        identity_weight=5.0 if shape_a == shape_b else 0.0,
    )
    return Recipe(model, train, epochs)


def _adam(steps: int) -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(ConstantThenLinear(RATE, steps), beta_1=0.5)
