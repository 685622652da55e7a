"""The recipe for hundreds of patients and a GPU, slices or volumes."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.data import RandomFlip, UnpairedDataset
from keras_mri_cyclegan.layers import DifferentiableAugmentation
from keras_mri_cyclegan.losses import BackgroundConsistency, NormalizedGradientField
from keras_mri_cyclegan.networks import patchgan_discriminator, unet_generator
from keras_mri_cyclegan.recipes.constant_then_linear import ConstantThenLinear
from keras_mri_cyclegan.recipes.recipe import Recipe, checked_epochs, epochs_for, shapes

STEPS = 100_000
RATE = 2e-4
R1_WEIGHT = 1.0


@_checks.one_range_warning()
def large(
    a: Any,
    b: Any,
    epochs: int | None = None,
    filters: int = 64,
    batch_size: int = 1,
    seed: int = 0,
) -> Recipe:
    """Build and compile a CycleGAN for hundreds of patients and a GPU.

    U-Nets of full width with upsampling by resizing and a level at full resolution; PatchGANs with
    an R1 penalty, whose inputs are shifted by up to a sixteenth of the image; least squares; the
    two structure losses of :func:`small_data` where A and B have the same number of channels; a
    cycle weight of 10 and no identity term; a moving average of the weights at the end. Accepts
    volumes, several channels, and :class:`keras_mri_cyclegan.data.VolumeImages` that do not fit
    into memory.

    The parts and short trainings are tested; a training of full length has not been measured. Use
    it as a starting point.

    Args:
        a: Images of A, floats in [-1, 1] with air at -1, `(images, height, width, channels)` or
            `(images, depth, height, width, channels)`, of sizes that
            :func:`keras_mri_cyclegan.unet_generator` takes without a `depth`.
        b: Images of B, of the same rank; another number of images or channels will do.
        epochs: Integer. Defaults to as many as make 100,000 steps.
        filters: Integer, first filters of all networks. Defaults to 64.
        batch_size: Integer, images of each side in a step. Defaults to 1.
        seed: Integer of at least 0, for the order of the images, the flips, the discriminators'
            augmentation and the image pools.

    Returns:
        A :class:`Recipe`: the compiled model, its batches and the number of epochs.

    Raises:
        ValueError: Images that are not as above.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=2, size=32)
        >>> model, train, epochs = kmc.recipes.large(t1, t2, filters=4)
        >>> epochs * len(train)
        100000

    References:
        Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018,
        https://arxiv.org/abs/1801.04406
    """
    train = UnpairedDataset(a, b, batch_size=batch_size, seed=seed, augment=RandomFlip())
    shape_a, shape_b = shapes(train)
    epochs = checked_epochs(epochs, epochs_for(STEPS, train))

    def generator(shape: tuple, channels: int, name: str) -> keras.Model:
        return unet_generator(
            shape,
            filters=filters,
            output_channels=channels,
            dropout=0.0,
            upsampling="resize",
            full_resolution=True,
            name=name,
        )

    model = CycleGAN(
        generator_ab=generator(shape_a, shape_b[-1], "generator_ab"),
        generator_ba=generator(shape_b, shape_a[-1], "generator_ba"),
        discriminator_a=patchgan_discriminator(shape_a, filters=filters, name="discriminator_a"),
        discriminator_b=patchgan_discriminator(shape_b, filters=filters, name="discriminator_b"),
        pool_size=50,
        augmentation=DifferentiableAugmentation(shift=1 / 16, seed=seed),
        seed=seed,
    )
    comparable = shape_a == shape_b
    steps = epochs * len(train)
    model.compile(
        generator_optimizer=_adam(steps, use_ema=True, ema_momentum=0.999),
        discriminator_optimizer=_adam(steps),
        adversarial_loss="least_squares",
        cycle_weight=10.0,
        identity_weight=0.0,
        structure_loss=[NormalizedGradientField(), BackgroundConsistency()] if comparable else None,
        structure_weight=[0.3, 10.0] if comparable else 1.0,
        r1_weight=R1_WEIGHT,
    )
    return Recipe(model, train, epochs)


def _adam(steps: int, **averaging: Any) -> keras.optimizers.Optimizer:
    rate = ConstantThenLinear(RATE, steps)
    return keras.optimizers.Adam(rate, beta_1=0.5, beta_2=0.99, **averaging)
