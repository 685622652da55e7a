import math

import numpy as np
import pytest

from keras_mri_cyclegan.data import RandomIntensity


@pytest.mark.parametrize("shape", [(20, 30, 2), (6, 8, 10, 1)])
def test_the_magnitude_becomes_a_darkened_power(shape):
    x = np.random.default_rng(7).uniform(-1, 1, shape).astype("float32")
    changed = RandomIntensity(0.5, 0.3)(x, np.random.default_rng(1))
    draws = np.random.default_rng(1)
    gamma = math.exp(draws.uniform(-math.log(1.5), math.log(1.5)))
    factor = draws.uniform(0.7, 1)
    expected = 2 * factor * ((x.astype("float64") + 1) / 2) ** gamma - 1
    np.testing.assert_allclose(changed, expected, atol=1e-5)


def test_the_exponent_goes_up_as_often_as_down():
    generator, x = np.random.default_rng(0), np.zeros((1, 1, 1), "float32")
    results = [RandomIntensity(1.0, 0)(x, generator).item() for _ in range(1000)]
    gammas = [-math.log2((result + 1) / 2) for result in results]
    assert 0.5 <= min(gammas) < 0.52 < 1.9 < max(gammas) <= 2 + 1e-5
    assert abs(np.mean(np.array(gammas) > 1) - 0.5) < 0.07


def test_nothing_to_change_changes_nothing():
    x = np.random.default_rng(7).uniform(-1, 1, (9, 8, 1)).astype("float32")
    x[0, 0] = -1
    changed = RandomIntensity(0, 0)(x, np.random.default_rng(0))
    np.testing.assert_allclose(changed, x, atol=1e-6)
    assert RandomIntensity()(x, np.random.default_rng(0))[0, 0] == -1
