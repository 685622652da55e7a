"""Cubic B-splines on an even lattice: smooth functions from a few numbers."""

import functools

import numpy as np


@functools.lru_cache(maxsize=256)
def cubic_basis(size: int, cells: int) -> np.ndarray:
    """Return the weights of the control points in each pixel of an axis.

    Args:
        size: Pixels along the axis.
        cells: Cells of the lattice along the axis, at least 1.

    Returns:
        float32 array `(size, cells + 3)`, not to be written to; every row sums to 1.
    """
    place = (np.arange(size) + 0.5) / size * cells
    cell = np.minimum(place.astype(int), cells - 1)
    t = place - cell
    weights = (
        (1 - t) ** 3 / 6,
        (3 * t**3 - 6 * t**2 + 4) / 6,
        (-3 * t**3 + 3 * t**2 + 3 * t + 1) / 6,
        t**3 / 6,
    )
    basis = np.zeros((size, cells + 3), "float32")
    for i, weight in enumerate(weights):
        basis[np.arange(size), cell + i] = weight
    basis.flags.writeable = False  # one array for all callers
    return basis
