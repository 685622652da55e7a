"""Patch distance: sliced Wasserstein distance of two sets of images, after an intensity curve."""

from collections.abc import Sequence

import numpy as np

from keras_mri_cyclegan.unpaired_curves import curve as curves
from keras_mri_cyclegan.unpaired_curves.patches import AIR, SHAPES, Patches, draw_patches
from keras_mri_cyclegan.unpaired_curves.sliced_distance import sliced_distance

POOL = 30_000  # patches of each shape
FEW = 5_000


def patches_of(images: np.ndarray, rng: np.random.Generator, count: int = POOL) -> list[Patches]:
    """Draw patches of every shape from images `(images, height, width)`."""
    return [draw_patches(images, shape, count, rng) for shape in SHAPES]


def patch_distance(
    curve: np.ndarray,
    source: Sequence[Patches],
    target: Sequence[Patches],
    count: int = 8192,
    directions: int = 24,
) -> float:
    """Return the distance over many patches, drawn equally for every curve."""
    rng = np.random.default_rng(0)
    return sum(
        sliced_distance(curve, from_source, from_target, count, directions, rng)[0]
        for from_source, from_target in zip(source, target, strict=True)
    )


def look_alike(a: np.ndarray, b: np.ndarray) -> float:
    """Return the patch distance of two sets of images without a curve.

    Args:
        a: Images `(images, height, width)` in [-1, 1], with air at -1.
        b: Images of the same kind.

    Returns:
        The sliced Wasserstein distance of patches of several sizes and of their positions; infinite
        if `a` or `b` only shows air.
    """
    if not (a > AIR).any() or not (b > AIR).any():
        return np.inf
    rng = np.random.default_rng(0)
    identity = np.linspace(-1, 1, curves.NODES).astype("float32")
    return patch_distance(identity, patches_of(a, rng, FEW), patches_of(b, rng, FEW))
