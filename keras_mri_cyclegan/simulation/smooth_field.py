"""Smooth random fields."""

import numpy as np

from keras_mri_cyclegan._cubic_spline import cubic_basis


def smooth_field(shape: tuple[int, ...], cells: int, rng: np.random.Generator) -> np.ndarray:
    """Draw a smooth field with zero mean and unit variance.

    Normal numbers on a lattice are the control points of a cubic B-spline.

    Args:
        shape: Pixels along each axis.
        cells: Cells of the lattice along each axis, at least 1: the more, the finer the field.
        rng: `numpy.random.Generator`.

    Returns:
        float32 array of this shape.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation.smooth_field import smooth_field
        >>> field = smooth_field((32, 40), 4, np.random.default_rng(0))
        >>> field.shape, bool(abs(np.diff(field)).max() < 0.5)
        ((32, 40), True)
    """
    field = rng.standard_normal([cells + 3] * len(shape), dtype="float32")
    for axis, size in enumerate(shape):
        basis = cubic_basis(size, cells)
        spread = np.sqrt((basis * basis).sum(axis=1).mean())
        field = along(basis / spread, field, axis)
    return field


def along(matrix: np.ndarray, array: np.ndarray, axis: int) -> np.ndarray:
    """Multiply `array` by `matrix`, `(new, old)`, along one axis."""
    if axis == array.ndim - 1:
        return array @ matrix.T
    if axis == array.ndim - 2:
        return matrix @ array
    return np.moveaxis(np.tensordot(matrix, array, (1, axis)), 0, axis)
