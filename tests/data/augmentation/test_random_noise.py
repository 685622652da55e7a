import numpy as np
import pytest
from scipy import stats

from keras_mri_cyclegan.data import RandomNoise


class Largest:
    """A generator that always draws the largest deviation."""

    def __init__(self, seed):
        self.standard_normal = np.random.default_rng(seed).standard_normal

    def uniform(self, low, high):
        return high


@pytest.mark.parametrize("level", [-0.96, -0.8, 0.0])
def test_the_noise_is_rician(level):
    noisy = RandomNoise(0.06)(np.full((200, 200, 1), level, "float32"), Largest(0))
    magnitude, sigma = (level + 1) / 2, 0.03
    rice = stats.rice(magnitude / sigma, scale=sigma)
    found = (noisy.astype("float64").ravel() + 1) / 2
    assert stats.kstest(found, rice.cdf).pvalue > 1e-3
    assert noisy.min() >= -1


def test_the_deviation_is_drawn_up_to_std():
    x = np.zeros((64, 64, 1), "float32")
    generator = np.random.default_rng(0)
    found = [RandomNoise(0.1)(x, generator).std() for _ in range(300)]
    assert stats.kstest(found, stats.uniform(0, 0.1).cdf).pvalue > 1e-3


def test_what_is_empty_stays_empty_and_nothing_leaves_the_range():
    x = np.full((50, 50, 2), 1, "float32")
    x[:20] = -1
    noisy = RandomNoise(0.5)(x, np.random.default_rng(0))
    assert (noisy[:20] == -1).all()
    assert noisy.min() == -1
    assert noisy.max() == 1
