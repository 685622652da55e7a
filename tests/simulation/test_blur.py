"""Blur against scipy's Gaussian."""

import numpy as np
import pytest
from scipy import ndimage

from keras_mri_cyclegan.simulation import blur


@pytest.mark.parametrize("shape", [(40, 48), (24, 20, 28)])
def test_as_scipy_does(shape):
    image = np.zeros(shape, "float32")
    image[tuple(slice(8, -8) for _ in shape)] = np.random.default_rng(0).random(
        image[tuple(slice(8, -8) for _ in shape)].shape
    )
    expected = ndimage.gaussian_filter(image.astype("float64"), 1.3, truncate=8)
    np.testing.assert_allclose(blur(image, 1.3, len(shape)), expected, atol=1e-5)


def test_of_a_stack_and_at_borders():
    stack = np.random.default_rng(1).random((3, 16, 16)).astype("float32")
    found = blur(stack, 2.0, axes=2)
    np.testing.assert_allclose(found[1], blur(stack[1], 2.0, axes=2), rtol=1e-5)
    np.testing.assert_allclose(blur(np.ones((8, 8), "float32"), 2.0, 2), 1, rtol=1e-5)
    assert blur(stack, 0.0, 2) is stack
