"""Rician noise against its known distribution."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation.noise import NOISE_LIMIT, add_rician_noise, bounded_normal


def test_noise_in_air_is_rayleigh():
    air = np.zeros(200_000, dtype="float32")
    noisy = add_rician_noise(air, 0.1, np.random.default_rng(0))
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(0.1 * np.sqrt(np.pi / 2), rel=0.01)
    assert noisy.var() == pytest.approx(0.01 * (2 - np.pi / 2), rel=0.02)
    # Rayleigh: half of the values are below sigma * sqrt(2 ln 2).
    assert np.mean(noisy < 0.1 * np.sqrt(2 * np.log(2))) == pytest.approx(0.5, abs=0.01)


def test_noise_on_signal_is_rician():
    signal = np.full(200_000, 0.5, dtype="float32")
    noisy = add_rician_noise(signal, 0.05, np.random.default_rng(1))
    assert noisy.mean() == pytest.approx(0.5 + 0.05**2 / (2 * 0.5), abs=5e-4)
    assert noisy.std() == pytest.approx(0.05, rel=0.02)
    assert np.mean(noisy.astype("float64") ** 2) == pytest.approx(0.5**2 + 2 * 0.05**2, rel=0.005)


def test_no_noise_is_the_magnitude():
    signal = np.array([-0.25, 0.0, 0.5], dtype="float32")
    found = add_rician_noise(signal, 0.0, np.random.default_rng(0))
    np.testing.assert_array_equal(found, [0.25, 0.0, 0.5])


def test_noise_is_bounded_but_else_normal():
    values = bounded_normal(np.random.default_rng(2), (400_000,))
    assert 3.5 < np.abs(values).max() <= NOISE_LIMIT
    assert values.mean() == pytest.approx(0, abs=0.01)
    assert values.std() == pytest.approx(1, abs=0.01)
    assert np.mean(np.abs(values) < 1) == pytest.approx(0.6827, abs=0.005)
