"""The preset, and what all augmentations have in common."""

import sys

import keras
import numpy as np
import pytest
from phantoms import rng

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.data import (
    RandomAffine,
    RandomBiasField,
    RandomElastic,
    RandomIntensity,
    RandomNoise,
    RandomWarp,
    mri_augmentation,
)

ALL = [
    RandomAffine(20, 0.2, 0.1, fill=-0.5),
    RandomElastic(0.05, 5),
    RandomWarp(5, 0.05, 0.02, 0.06, 6, -0.75),
    RandomNoise(0.1),
    RandomBiasField(0.5, 2),
    RandomIntensity(0.5, 0.2),
]
each = pytest.mark.parametrize("augment", ALL, ids=lambda augment: type(augment).__name__)


def extremes(*shape):
    """-1, 1 and what is between, side by side, as no image has it."""
    return rng(7).choice([-1, -0.999, 0, 0.999, 1], shape).astype("float32")


@each
@pytest.mark.parametrize("shape", [(17, 12, 3), (5, 9, 8, 1), (1, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_shape_type_and_range_are_kept(augment, shape, dtype):
    x = extremes(*shape).astype(dtype)
    before = x.copy()
    for seed in range(20):
        changed = augment(x, rng(seed))
        assert changed.shape == shape
        assert changed.dtype == np.float32
        assert np.abs(changed).max() <= 1
        np.testing.assert_array_equal(x, before)


@each
def test_same_generator_same_result(augment):
    x = extremes(16, 16, 1)
    np.testing.assert_array_equal(augment(x, rng(11)), augment(x, rng(11)))
    assert not np.array_equal(augment(x, rng(11)), augment(x, rng(12)))


@each
def test_config_round_trip(augment):
    assert type(augment).from_config(augment.get_config()).get_config() == augment.get_config()
    config = keras.saving.serialize_keras_object(augment)
    assert config["registered_name"] == f"keras_mri_cyclegan>{type(augment).__name__}"
    restored = keras.saving.deserialize_keras_object(config)
    assert restored.get_config() == augment.get_config()
    x = extremes(16, 16, 1)
    np.testing.assert_array_equal(restored(x, rng(1)), augment(x, rng(1)))


@each
@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4), "float32"), np.zeros((4, 4, 1), "uint8"), [[[0.0]]], None]
)
def test_what_is_not_one_image(augment, bad):
    with pytest.raises(ValueError, match=r"`image`.*Received"):
        augment(bad, rng())


@pytest.mark.parametrize("augment", [RandomNoise(), RandomBiasField(), RandomIntensity()])
@pytest.mark.parametrize("value", [1.5, -1.5, float("nan")])
def test_values_that_no_image_has(augment, value):
    x = np.zeros((4, 4, 1), "float32")
    x[1, 2] = value
    with pytest.raises(ValueError, match=r"`image` must have values in \[-1, 1\].*Received"):
        augment(x, rng())


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: RandomAffine(rotation=181), "rotation"),
        (lambda: RandomAffine(scale=1), "scale"),
        (lambda: RandomAffine(shear=-0.1), "shear"),
        (lambda: RandomAffine(fill=-2), "fill"),
        (lambda: RandomElastic(amplitude=0.11), "amplitude"),
        (lambda: RandomElastic(amplitude=-0.1), "amplitude"),
        (lambda: RandomElastic(grid=0), "grid"),
        (lambda: RandomElastic(fill="air"), "fill"),
        (lambda: RandomWarp(amplitude=0.06, grid=8), "amplitude"),
        (lambda: RandomNoise(std=-1), "std"),
        (lambda: RandomNoise(std="much"), "std"),
        (lambda: RandomBiasField(strength=1.0), "strength"),
        (lambda: RandomBiasField(order=0), "order"),
        (lambda: RandomIntensity(gamma=-0.5), "gamma"),
        (lambda: RandomIntensity(scale=1), "scale"),
        (lambda: mri_augmentation(plane="oblique"), "plane"),
        (lambda: mri_augmentation(intensity="yes"), "intensity"),
    ],
)
def test_bad_arguments(make, name):
    with pytest.raises(ValueError, match=f"`{name}`.*Received"):
        make()


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("intensity", [False, True])
def test_the_preset_by_plane(plane, intensity):
    names = [type(step).__name__ for step in mri_augmentation(plane, intensity)]
    assert ("RandomFlip" in names) == (plane != "sagittal")
    assert ("RandomIntensity" in names) == intensity
    assert names[-1] == "RandomNoise"  # not blurred by what follows
    assert all(getattr(step, "axis", "width") == "width" for step in mri_augmentation(plane))


@pytest.mark.parametrize("shape", [(32, 32, 1), (8, 16, 16, 1)])
def test_the_preset_in_a_dataset(shape):
    images = np.stack([extremes(*shape) for _ in range(3)])
    dataset = kmc.data.UnpairedDataset(images, images, 2, seed=0, augment=mri_augmentation())
    a, b = dataset[0]
    assert a.shape == b.shape == (2, *shape)
    assert np.abs(a).max() <= 1


def test_scipy_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy.ndimage", None)
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ImportError, match=r"keras-mri-cyclegan\[preprocessing\]"):
        RandomAffine()(extremes(4, 4, 1), rng())
