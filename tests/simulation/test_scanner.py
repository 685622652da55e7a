"""What a scanner adds, one effect at a time."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import Scanner, bias_field, blur

NOTHING = {"blur": (0, 0), "bias_field": (0, 0), "ghosts": 0, "noise": (0, 0)}
IMAGE = np.pad(np.random.default_rng(0).random((32, 40)).astype("float32"), 8)


def degrade(seed=0, **settings):
    return Scanner(**{**NOTHING, **settings}).degrade(IMAGE, 1.0, np.random.default_rng(seed))


def test_nothing_is_nothing():
    np.testing.assert_allclose(degrade(), IMAGE, atol=1e-6)


def test_gamma_is_a_power_of_the_intensity():
    np.testing.assert_allclose(degrade(gamma=(2, 2)), IMAGE**2, atol=1e-6)
    np.testing.assert_allclose(degrade(gain=(1.2, 1.2)), 1.2 * IMAGE, atol=1e-6)


def test_blur_is_a_gaussian():
    np.testing.assert_allclose(degrade(blur=(0.8, 0.8)), blur(IMAGE, 0.8, 2), atol=1e-6)


def test_noise_in_air_is_rayleigh():
    air = np.concatenate([degrade(seed, noise=(0.05, 0.05))[:6].ravel() for seed in range(20)])
    assert air.mean() == pytest.approx(0.05 * np.sqrt(np.pi / 2), rel=0.03)
    assert air.var() == pytest.approx(0.05**2 * (2 - np.pi / 2), rel=0.06)


def test_bias_field_multiplies_and_is_smooth():
    found = degrade(bias_field=(0.3, 0.3))
    ratio = found[8:-8, 8:-8] / IMAGE[8:-8, 8:-8]
    assert found[:8].max() == 0
    assert np.abs(np.diff(np.log(ratio), axis=0)).max() < 0.12
    logs = [np.log(bias_field((32, 32), 0.3, np.random.default_rng(k))).std() for k in range(40)]
    assert 0.1 < np.mean(logs) < 0.35


def test_motion_leaves_the_head_and_puts_ghosts_beside_it():
    found = [degrade(seed, ghosts=1, motion=(1, 1)) for seed in range(10)]
    outside = [np.abs(image - IMAGE)[:6].mean() for image in found]
    assert min(outside) >= 0
    assert max(outside) > 0.003
    for image in found:
        assert np.corrcoef(image.ravel(), IMAGE.ravel())[0, 1] > 0.6


@pytest.mark.parametrize("shape", [(24, 24), (8, 24, 24)])
def test_same_seed_same_image_in_any_rank(shape):
    image = np.random.default_rng(0).random(shape).astype("float32")
    a, b = (Scanner().degrade(image, 1.0, np.random.default_rng(4)) for _ in range(2))
    assert a.dtype == np.float32
    assert a.shape == shape
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("wrong", [{"noise": 0.1}, {"noise": (0.2, 0.1)}, {"ghosts": 2}])
def test_wrong_ranges_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}`"):
        Scanner(**wrong)


def test_shading_multiplies_before_anything_else():
    image = np.ones((8, 8), "float32")
    shading = np.linspace(0.5, 2, 64, dtype="float32").reshape(8, 8)
    degraded = Scanner(**NOTHING).degrade(image, 1.0, np.random.default_rng(0), shading)
    np.testing.assert_allclose(degraded, shading)
