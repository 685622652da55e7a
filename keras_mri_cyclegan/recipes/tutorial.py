"""The CycleGAN of TensorFlow's tutorial, with the U-Net of pix2pix."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.data import RandomFlip, RandomTranslation, UnpairedDataset
from keras_mri_cyclegan.networks import patchgan_discriminator, unet_generator
from keras_mri_cyclegan.recipes.recipe import Recipe, checked_epochs, shapes

EPOCHS = 40
RATE = 2e-4
JITTER = 15 / 256  # from 286 pixels to a crop of 256: up to 15 pixels to each side


@_checks.one_range_warning()
def tutorial(a: Any, b: Any, epochs: int | None = None, filters: int = 64, seed: int = 0) -> Recipe:
    """Make the CycleGAN of TensorFlow's tutorial: pix2pix' U-Nets, cross-entropy, no image pool.

    What most notebooks on the matter do, to compare with and to start from where old code has to be
    carried over: U-Nets as deep as the image allows, with dropout; 70-pixel PatchGANs; binary
    cross-entropy; a cycle weight of 10 and an identity weight of 5; Adam at 2e-4 throughout;
    batches of one, flipped and moved. On tens of slices it ends in noise: see :func:`small_data`.

    Args:
        a: Images of A, floats in [-1, 1], `(images, height, width, channels)` or `(images, depth,
            height, width, channels)`, of sizes that :func:`keras_mri_cyclegan.unet_generator`
            takes without a `depth`.
        b: Images of B, of the same rank; another number of images or channels will do.
        epochs: Integer. Defaults to the tutorial's 40.
        filters: Integer, first filters of all networks. Defaults to 64.
        seed: Integer of at least 0, of the order of the images and of their augmentation.

    Returns:
        A :class:`Recipe`: the compiled model, its batches and the number of epochs.

    Raises:
        ValueError: Images that are not as above.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=2, size=32)
        >>> model, train, epochs = kmc.recipes.tutorial(t1, t2, filters=4)
        >>> epochs, len(train)
        (40, 2)

    References:
        - TensorFlow, "CycleGAN", https://www.tensorflow.org/tutorials/generative/cyclegan
        - Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
          CVPR 2017, https://arxiv.org/abs/1611.07004
    """
    augment: list[Any] = [RandomFlip(), RandomTranslation(JITTER)]
    train = UnpairedDataset(a, b, batch_size=1, seed=seed, augment=augment)
    shape_a, shape_b = shapes(train)
    epochs = checked_epochs(epochs, EPOCHS)

    def generator(shape: tuple, channels: int, name: str) -> keras.Model:
        return unet_generator(shape, filters=filters, output_channels=channels, name=name)

    model = CycleGAN(
        generator_ab=generator(shape_a, shape_b[-1], "generator_ab"),
        generator_ba=generator(shape_b, shape_a[-1], "generator_ba"),
        discriminator_a=patchgan_discriminator(shape_a, filters=filters, name="discriminator_a"),
        discriminator_b=patchgan_discriminator(shape_b, filters=filters, name="discriminator_b"),
        pool_size=0,
        seed=seed,
    )
    model.compile(
        generator_optimizer=keras.optimizers.Adam(RATE, beta_1=0.5),
        discriminator_optimizer=keras.optimizers.Adam(RATE, beta_1=0.5),
        adversarial_loss="binary_crossentropy",
        cycle_weight=10.0,
        identity_weight=5.0 if shape_a == shape_b else 0.0,
    )
    return Recipe(model, train, epochs)
