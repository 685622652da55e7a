import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from keras_mri_cyclegan.data import RandomAffine, RandomElastic, RandomWarp


def smooth(*shape):
    """Random shapes, with air on all sides."""
    noise = np.random.default_rng(7).standard_normal(shape)
    window = np.zeros(shape)
    window[tuple(slice(size // 4, -size // 4) for size in shape[:-1])] = 1
    noise, window = (gaussian_filter(x, [*[3] * (len(shape) - 1), 0]) for x in (noise, window))
    return ((1 + noise / np.abs(noise).max()) * window - 1).astype("float32")


@pytest.mark.parametrize("shape", [(64, 60, 2), (40, 44, 42, 1)])
def test_it_is_the_affine_and_then_the_elastic_one(shape):
    x = smooth(*shape)
    affine, elastic = (20, 0.1, 0.1), (0.08, 4)
    warped = RandomWarp(*affine, *elastic)(x, np.random.default_rng(3))
    generator = np.random.default_rng(3)
    two_steps = RandomAffine(*affine)(x, generator)
    two_steps = RandomElastic(*elastic)(two_steps, generator)
    np.testing.assert_allclose(warped, two_steps, atol=0.06)
    assert np.abs(warped - x).max() > 0.3


def test_one_alone_is_that_one():
    x = smooth(40, 30, 1)
    only_turned = RandomWarp(amplitude=0)(x, np.random.default_rng(1))
    turned = RandomAffine()(x, np.random.default_rng(1))
    np.testing.assert_allclose(only_turned, turned, atol=1e-4)
