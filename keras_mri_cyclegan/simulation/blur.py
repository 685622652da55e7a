"""Blur by a Gaussian point spread function."""

import numpy as np

from keras_mri_cyclegan.simulation.smooth_field import along


def blur(image: np.ndarray, sigma: float, axes: int) -> np.ndarray:
    """Blur an image, or a stack of images, by a Gaussian.

    Args:
        image: float32 array `(..., [depth,] height, width)`.
        sigma: Standard deviation of the Gaussian in pixels; with 0 nothing changes.
        axes: How many of the last axes are blurred.

    Returns:
        float32 array of the same shape. Towards a border the rest of the Gaussian has the weight.
    """
    if sigma <= 0:
        return image
    for axis in range(image.ndim - axes, image.ndim):
        image = along(gaussian_matrix(image.shape[axis], sigma), image, axis)
    return image


def gaussian_matrix(size: int, sigma: float) -> np.ndarray:
    """Weights `(size, size)`, float32, of a Gaussian; every row sums to 1."""
    place = np.arange(size, dtype="float32")
    weights = np.exp(-0.5 * ((place[:, None] - place) / np.float32(sigma)) ** 2)
    return weights / weights.sum(axis=1, keepdims=True)
