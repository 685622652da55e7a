"""Rician noise and bias field against their known distributions."""

import numpy as np
import pytest

from keras_mri_cyclegan.datasets.phantom.artefacts import (
    NOISE_LIMIT,
    BiasField,
    add_rician_noise,
    bounded_normal,
)


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


def field(seed, amplitude=0.4):
    bias = BiasField(amplitude, np.random.default_rng(seed), (-100, -110, -6), (100, 110, 62))
    x, y, z = np.meshgrid(
        np.linspace(-100, 100, 41),
        np.linspace(-110, 110, 41),
        np.linspace(-6, 62, 9),
        indexing="ij",
    )
    return bias(np.stack([x, y, z]).reshape(3, -1).astype("float32")).reshape(x.shape)


@pytest.mark.parametrize("seed", range(4))
def test_bias_field_has_its_amplitude_and_is_smooth(seed):
    values = field(seed)
    assert values.dtype == np.float32
    assert values.min() == pytest.approx(0.8, abs=0.01)
    assert values.max() == pytest.approx(1.2, abs=0.01)
    assert values.min() >= 0.8 - 1e-6
    assert values.max() <= 1.2 + 1e-6
    # Over the 5 mm between two samples it changes by a few per cent of its amplitude.
    assert max(np.abs(np.diff(values, axis=axis)).max() for axis in range(3)) < 0.04


def test_bias_fields_differ():
    assert np.abs(field(0) - field(1)).max() > 0.1
