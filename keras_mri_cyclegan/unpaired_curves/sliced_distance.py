"""How far the patches of one contrast, seen through a curve, are from those of the other."""

import numpy as np

from keras_mri_cyclegan.unpaired_curves import curve as curves
from keras_mri_cyclegan.unpaired_curves.patches import Patches

# How much a patch's place counts beside its values: across the whole image as much as four units of
# intensity. Without it a curve may swap two tissues that lie in different parts of the head.
PLACE_WEIGHT = 4.0


def sliced_distance(
    curve: np.ndarray,
    source: Patches,
    target: Patches,
    count: int,
    directions: int,
    rng: np.random.Generator,
) -> tuple[float, np.ndarray]:
    """Return the sliced Wasserstein distance and its gradient in the curve's nodes.

    A patch is a point: its values and its place. Both sets of points are projected on random
    directions, and along each of them the distance between two equally large sets is the mean
    difference of their sorted projections (Rabin et al., 2011).

    Args:
        curve: Values at the nodes, `(nodes,)`.
        source: Patches that the curve is applied to.
        target: Patches of the other contrast.
        count: How many of each are drawn.
        directions: On how many directions they are projected.
        rng: Source of random numbers.
    """
    pixels = source.values.shape[1]
    ours = rng.integers(0, len(source.values), count)
    theirs = rng.integers(0, len(target.values), count)
    direction = rng.standard_normal((pixels + 2, directions)).astype("float32")
    direction /= np.linalg.norm(direction[:pixels], axis=0)
    by_value, by_place = direction[:pixels], PLACE_WEIGHT * direction[pixels:]

    below, share = curves.locate(source.values[ours], len(curve))
    mapped = curves.apply(curve, below, share)
    found = mapped @ by_value + source.places[ours] @ by_place
    wanted = np.sort(target.values[theirs] @ by_value + target.places[theirs] @ by_place, axis=0)
    order = np.argsort(found, axis=0)
    difference = np.take_along_axis(found, order, axis=0) - wanted

    # The projections of patches of more pixels differ less, by the root of their number.
    scale = float(np.sqrt(pixels))
    slopes = np.empty_like(found)
    np.put_along_axis(slopes, order, np.sign(difference) * (scale / difference.size), axis=0)
    gradient = curves.gradient(slopes @ by_value.T, below, share, len(curve))
    return float(np.abs(difference).mean()) * scale, gradient
