"""Sliced Wasserstein distance between the patches of two contrasts, after an intensity curve."""

import numpy as np

from keras_mri_cyclegan.unpaired_curves import curve as curves
from keras_mri_cyclegan.unpaired_curves.patches import Patches

# Weight of a patch's position relative to its values: the width of the image counts as four units
# of intensity. Without positions, a curve may swap two tissues in different parts of the head.
PLACE_WEIGHT = 4.0


def sliced_distance(
    curve: np.ndarray,
    source: Patches,
    target: Patches,
    count: int,
    directions: int,
    rng: np.random.Generator,
) -> tuple[float, np.ndarray]:
    """Return the sliced Wasserstein distance and its gradient with respect to the curve's nodes.

    Each patch is a point, given by its values and its position. Both sets of points are projected
    onto random directions. Along each direction, the distance between two sets of equal size is the
    mean absolute difference of their sorted projections (Rabin et al., 2011).

    Args:
        curve: Values at the nodes, `(nodes,)`.
        source: Patches of the source contrast, to which the curve is applied.
        target: Patches of the target contrast.
        count: Number of patches drawn from each set.
        directions: Number of random directions.
        rng: Random number generator.
    """
    pixels = source.values.shape[1]
    from_source = rng.integers(0, len(source.values), count)
    from_target = rng.integers(0, len(target.values), count)
    direction = rng.standard_normal((pixels + 2, directions)).astype("float32")
    direction /= np.linalg.norm(direction[:pixels], axis=0)
    by_value, by_place = direction[:pixels], PLACE_WEIGHT * direction[pixels:]

    below, share = curves.locate(source.values[from_source], len(curve))
    mapped = curves.apply(curve, below, share)
    projected = mapped @ by_value + source.places[from_source] @ by_place
    expected = target.values[from_target] @ by_value + target.places[from_target] @ by_place
    order = np.argsort(projected, axis=0)
    difference = np.take_along_axis(projected, order, axis=0) - np.sort(expected, axis=0)

    # Differences of the projections decrease with the square root of the number of pixels.
    scale = float(np.sqrt(pixels))
    slopes = np.empty_like(projected)
    np.put_along_axis(slopes, order, np.sign(difference) * (scale / difference.size), axis=0)
    gradient = curves.gradient(slopes @ by_value.T, below, share, len(curve))
    return float(np.abs(difference).mean()) * scale, gradient
