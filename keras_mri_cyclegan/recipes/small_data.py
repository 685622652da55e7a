"""The recipe for tens of slices: unpaired intensity curves, refined by small networks."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.data import RandomFlip, UnpairedDataset
from keras_mri_cyclegan.layers import DifferentiableAugmentation, ScheduledAugmentation
from keras_mri_cyclegan.losses import BackgroundConsistency, NormalizedGradientField, WarmUp
from keras_mri_cyclegan.networks import curve_generator, patchgan_discriminator
from keras_mri_cyclegan.recipes.recipe import Recipe, checked_epochs, epochs_for
from keras_mri_cyclegan.unpaired_curves import CurvePair, fit_curves

STEPS = 2500
ALONE = 1 / 4  # of the steps, in which discriminators see images as they are
RATE, DISCRIMINATOR_RATE = 1e-3, 5e-4
LAST_RATE = 1 / 50  # of the first


@_checks.one_range_warning()
def small_data(
    a: Any,
    b: Any,
    epochs: int | None = None,
    filters: int = 16,
    curves: CurvePair | None = None,
    seed: int = 0,
    verbose: int = 1,
) -> Recipe:
    """Build and compile a CycleGAN for tens of slices.

    With so few images, discriminators overfit, and generators then answer with noise or displaced
    anatomy. Against both:

    * each generator begins as an intensity curve, fitted without pairs
      (:func:`keras_mri_cyclegan.unpaired_curves.fit_curves`); a small residual U-Net refines it
      (:func:`keras_mri_cyclegan.curve_generator`);
    * the discriminators' inputs are shifted by up to an eighth of the image, more often from a
      quarter of the steps on and always from two fifths on
      (:class:`keras_mri_cyclegan.layers.ScheduledAugmentation`); training images are flipped;
    * air stays air (:class:`keras_mri_cyclegan.losses.BackgroundConsistency`, weight 10), and edges
      stay in place (:class:`keras_mri_cyclegan.losses.NormalizedGradientField`, 0.3);
    * the cycle weight is 2 in place of the paper's 10, and there is no identity term: both keep
      a generator near its start;
    * both learning rates fall linearly to a fiftieth.

    The study in the documentation has the scores.

    Args:
        a: Images of A, `(images, height, width, 1)`, floats in [-1, 1] with air at -1. Each size
            must be a multiple of 4.
        b: Images of B, of the same size; other people, other slices, another number of them.
        epochs: Integer. Defaults to as many as make 2500 steps of two images of each side.
        filters: Integer, first filters of the generators and the discriminators. Defaults to 16.
        curves: The result of :func:`keras_mri_cyclegan.unpaired_curves.fit_curves` for A and B, to
            save the time of the search. Defaults to `None`: the curves are fitted here.
        seed: Integer of at least 0, for the curves, the order of the images, the flips, the
            discriminators' augmentation and the image pools. Initial weights come from Keras'
            global seed: `keras.utils.set_random_seed(seed)` before this call makes a training
            repeatable.
        verbose: Whether to show a progress bar of the search for the curves. Defaults to 1, yes.

    Returns:
        A :class:`Recipe`: the compiled model, its batches and the number of epochs.

    Raises:
        ValueError: Images that are not as above.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, _ = kmc.datasets.load_phantom(slices=4, size=32, subjects=[0])
        >>> _, t2 = kmc.datasets.load_phantom(slices=4, size=32, subjects=[1])
        >>> model, train, epochs = kmc.recipes.small_data(t1, t2, verbose=0)
        >>> history = model.fit(train, epochs=1, verbose=0)  # epochs=epochs for the whole training
        >>> epochs * len(train)
        2500
    """
    train = UnpairedDataset(a, b, batch_size=2, seed=seed, augment=RandomFlip())
    shape = _same_shape(train)
    epochs = checked_epochs(epochs, epochs_for(STEPS, train))
    if curves is None:
        curves = fit_curves(train.a[:], train.b[:], seed=seed, verbose=verbose)

    steps = epochs * len(train)
    moved = WarmUp(1.0, steps=max(1, round(0.15 * steps)), start=round(ALONE * steps))
    model = CycleGAN(
        generator_ab=curve_generator(shape, curves.ab, filters=filters, name="generator_ab"),
        generator_ba=curve_generator(shape, curves.ba, filters=filters, name="generator_ba"),
        discriminator_a=patchgan_discriminator(shape, filters=filters, name="discriminator_a"),
        discriminator_b=patchgan_discriminator(shape, filters=filters, name="discriminator_b"),
        pool_size=50,
        augmentation=ScheduledAugmentation(
            moved, DifferentiableAugmentation(shift=0.125, seed=seed), seed=seed
        ),
        seed=seed,
    )
    model.compile(
        generator_optimizer=_adam(RATE, steps),
        discriminator_optimizer=_adam(DISCRIMINATOR_RATE, steps),
        adversarial_loss="least_squares",
        cycle_weight=2.0,
        identity_weight=0.0,
        structure_loss=[NormalizedGradientField(), BackgroundConsistency()],
        structure_weight=[0.3, 10.0],
    )
    return Recipe(model, train, epochs)


def _adam(rate: float, steps: int) -> keras.optimizers.Optimizer:
    decay = keras.optimizers.schedules.PolynomialDecay(rate, steps, rate * LAST_RATE)
    return keras.optimizers.Adam(decay, beta_1=0.5, beta_2=0.99)


def _same_shape(train: UnpairedDataset) -> tuple:
    shape, other = tuple(train.a.shape[1:]), tuple(train.b.shape[1:])
    if shape != other or len(shape) != 3 or shape[-1] != 1:
        raise ValueError(
            "`a` and `b` must be slices of one size with one channel, (images, height, width, 1). "
            f"Received: {train.a.shape} and {train.b.shape}. For volumes or several channels use "
            "`keras_mri_cyclegan.recipes.large`."
        )
    return shape
