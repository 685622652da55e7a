"""The recipe for two contrasts of the head: the taught start, adapted to unpaired scans."""

import warnings
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.data import RandomFlip, UnpairedDataset
from keras_mri_cyclegan.losses import BackgroundConsistency, GradientDifference
from keras_mri_cyclegan.networks import (
    HEAD_CONTRASTS,
    contrast_generator,
    patchgan_discriminator,
    tissue_segmenter,
)
from keras_mri_cyclegan.recipes.match_tissues import match_tissues
from keras_mri_cyclegan.recipes.measure_contrast import measure_contrast
from keras_mri_cyclegan.recipes.nearest_contrast import nearest_contrast
from keras_mri_cyclegan.recipes.recipe import Recipe, checked_epochs, epochs_for
from keras_mri_cyclegan.simulation import TISSUES, HeadMaps, SimulatedHeads

STEPS = 600
CLEARLY = 0.02  # of how sure the tissue network is
RATE = 1e-4
OUTSIDE = [TISSUES.index(name) for name in ("fat", "skin", "muscle", "bone", "marrow")]
WITH_SKULL = 0.25  # of the head; 0.12 to 0.15 were found in stripped scans, 0.35 to 0.42 in others


@_checks.one_range_warning()
def heads(
    a: Any,
    b: Any,
    source: str | None,
    target: str | None,
    maps: HeadMaps,
    pixel: float,
    epochs: int | None = None,
    pairs: int = 600,
    weights: Any = "heads",
    seed: int = 0,
) -> Recipe:
    """Build and compile the CycleGAN that adapts the taught start to your own unpaired scans.

    * Both generators begin as :func:`keras_mri_cyclegan.contrast_generator`, with tissues as bright
      as in your scans (:func:`match_tissues`).
    * Each tissue's intensity is measured in both contrasts (:func:`measure_contrast`), and pairs
      with these intensities are simulated from label maps. Some are in every batch (weight 10): the
      anchor that keeps anatomy and order of the tissues.
    * Short adversarial training (weight 6) with the cycle (weight 10) makes translations as sharp
      as the scans.

    Args:
        a: Images of the source contrast, `(images, height, width, 1)` in [-1, 1], air -1, axial,
            the front on top. Each size must be a multiple of 16.
        b: Images of the target contrast, of the same size; other people, another number.
        source: The name of the contrast of `a`, as in `contrast_generator`, or `None` for one
            without a name (SWI, T2*, after gadolinium): the start is then the nearest named
            contrast's (:func:`nearest_contrast`), and intensities are those that are measured.
        target: The name of the contrast of `b`, or `None`.
        maps: Tissue maps of label maps, of `keras_mri_cyclegan.simulation.draw_head_maps`.
        pixel: Side of a pixel of `a` and `b` in mm.
        epochs: Integer, passes over what there is most of, images of a side or pairs. Defaults to
            as many as make 600 steps of two images of each side and two pairs.
        pairs: Simulated pairs. Defaults to 600.
        weights: As of `contrast_generator`. Defaults to `"heads"`.
        seed: Integer of at least 0. Defaults to 0.

    Returns:
        A :class:`Recipe`: the compiled model, its batches and the number of epochs.

    Raises:
        ValueError: Images or arguments that are not as above.

    Warns:
        UserWarning: Scans look like another named contrast than the one that is given.
    """
    images = UnpairedDataset(a, b, batch_size=2, seed=seed)
    shape = tuple(images.a.shape[1:])
    if shape != tuple(images.b.shape[1:]) or len(shape) != 3 or shape[-1] != 1:
        raise ValueError(
            "`a` and `b` must be slices of one size with one channel. Received: "
            f"{images.a.shape} and {images.b.shape}."
        )
    pairs = _checks.positive_int("pairs", pairs)
    checked_epochs(epochs, 1)
    if not isinstance(maps, HeadMaps):
        raise ValueError(
            f"`maps` must be `HeadMaps`, of `draw_head_maps`. Received: {type(maps).__name__}."
        )
    if not _checks.weight("pixel", pixel):
        raise ValueError("`pixel` must be above 0 (in mm). Received: 0.")
    if weights is None:
        raise ValueError("`weights` must be taught ones: a start is what this recipe begins at.")
    a, b = images.a[:], images.b[:]
    named = (
        _told_or_nearest("source", source, a, weights),
        _told_or_nearest("target", target, b, weights),
    )
    finder_a, finder_b = (tissue_segmenter(name, weights=weights) for name in named)
    generators = {}
    for way, given, wanted, names, finder in (
        ("ab", a, b, named, finder_b),
        ("ba", b, a, named[::-1], finder_a),
    ):
        generators[way] = contrast_generator(
            *names, shape, weights, tissue_offsets=True, name=f"generator_{way}"
        )
        match_tissues(generators[way], given, wanted, segmenter=finder)

    simulated = SimulatedHeads(
        maps,
        {
            "a": measure_contrast(a, source, finder_a),
            "b": measure_contrast(b, target, finder_b),
        },
        size=shape[:2],
        pixel=pixel,
        texture=(1.0, 1.0),
        strip=0.0 if has_skull(finder_a, a) else 1.0,
        seed=seed,
    )
    train = UnpairedDataset(
        a,
        b,
        batch_size=2,
        seed=seed,
        augment=RandomFlip(),
        paired=simulated.pairs("a", "b", pairs),
    )
    epochs = checked_epochs(epochs, epochs_for(STEPS, train))
    steps = epochs * len(train)
    model = CycleGAN(
        generator_ab=generators["ab"],
        generator_ba=generators["ba"],
        discriminator_a=patchgan_discriminator(shape, filters=24, layers=2, name="discriminator_a"),
        discriminator_b=patchgan_discriminator(shape, filters=24, layers=2, name="discriminator_b"),
        pool_size=20,
        seed=seed,
    )
    model.compile(
        generator_optimizer=_adam(RATE, steps),
        discriminator_optimizer=_adam(2 * RATE, steps),
        adversarial_loss="least_squares",
        # Weights of 1 and 20 blurred more, and came no closer to the truth: docs/concepts/start.md
        adversarial_weight=6.0,
        cycle_weight=10.0,
        identity_weight=0.0,
        structure_loss=BackgroundConsistency(),
        structure_weight=10.0,
        paired_loss=GradientDifference(),
        paired_weight=10.0,
    )
    return Recipe(model, train, epochs)


def _told_or_nearest(argument: str, name: str | None, images: np.ndarray, weights: Any) -> str:
    """Return the name of a contrast that the start knows; warn where scans look like another."""
    sure = nearest_contrast(images, weights)
    nearest = next(iter(sure))
    if name is None:
        return nearest
    _checks.one_of(argument, name, HEAD_CONTRASTS)
    family = name.removesuffix("_fs")
    family = "t1" if family in ("t1_se", "t1_gre", "mprage") else family
    if sure[family] < sure[nearest] - CLEARLY:
        warnings.warn(
            f"`{argument}` is {name!r}, but these scans look like {nearest!r}: the tissue network "
            f"is surer of what it sees if it is told that ({sure[nearest]:.3f} against "
            f"{sure[family]:.3f}). Look at the images: are A and B exchanged, or is air not at -1?",
            stacklevel=3,
        )
    return name


def has_skull(segmenter: keras.Model, images: np.ndarray) -> bool:
    """Whether there is more than a little of what skull stripping takes away."""
    shares = segmenter.predict(images[:: max(1, len(images) // 16)], batch_size=8, verbose=0)
    totals = shares.sum(axis=(0, 1, 2))
    return bool(totals[OUTSIDE].sum() > WITH_SKULL * totals[:-1].sum())


def _adam(rate: float, steps: int) -> keras.optimizers.Optimizer:
    decay = keras.optimizers.schedules.PolynomialDecay(rate, steps, rate / 50)
    return keras.optimizers.Adam(decay, beta_1=0.5, beta_2=0.99)
