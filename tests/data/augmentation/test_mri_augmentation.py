"""The preset, and what all augmentations have in common."""

import sys

import numpy as np
import pytest
from contracts import run_augmentation_contract
from phantoms import image, rng

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.data import (
    RandomAffine,
    RandomBiasField,
    RandomElastic,
    RandomFlip,
    RandomIntensity,
    RandomNoise,
    RandomTranslation,
    RandomWarp,
    mri_augmentation,
)

ALL = [
    (RandomAffine, {"rotation": 20, "scale": 0.2, "shear": 0.1, "fill": -0.5}),
    (RandomBiasField, {"strength": 0.5, "order": 2}),
    (RandomElastic, {"amplitude": 0.05, "grid": 5, "fill": -0.5}),
    (RandomFlip, {"axis": "height", "probability": 0.25}),
    (RandomIntensity, {"gamma": 0.5, "scale": 0.2}),
    (RandomNoise, {"std": 0.1}),
    (RandomTranslation, {"fraction": 0.4, "fill": -0.5}),
    (
        RandomWarp,
        {
            "rotation": 5,
            "scale": 0.05,
            "shear": 0.02,
            "amplitude": 0.06,
            "grid": 6,
            "fill": -0.75,
        },
    ),
]


def extremes(*shape):
    """-1, 1 and what is between, side by side, as no image has it."""
    return rng(7).choice([-1, -0.999, 0, 0.999, 1], shape).astype("float32")


@pytest.mark.parametrize(("augmentation", "arguments"), ALL)
@pytest.mark.parametrize("shape", [(17, 12, 3), (5, 9, 8, 1), (1, 1, 1)])
def test_contract(augmentation, arguments, shape):
    only_moves = augmentation in (RandomFlip, RandomTranslation)
    for dtype in ("float32", "float64"):
        result = dtype if only_moves else "float32"
        x = extremes(*shape).astype(dtype)
        run_augmentation_contract(augmentation, arguments, x, result)


@pytest.mark.parametrize(("augmentation", "arguments"), ALL)
def test_what_is_not_one_image(augmentation, arguments):
    for bad in (np.zeros((4, 4), "float32"), np.zeros((4, 4, 1), "uint8"), [[[0.0]]], None):
        with pytest.raises(ValueError, match=r"`image`.*Received"):
            augmentation(**arguments)(bad, rng())


@pytest.mark.parametrize("augment", [RandomNoise(), RandomBiasField(), RandomIntensity()])
@pytest.mark.parametrize("value", [1.5, -1.5, float("nan")])
def test_values_that_no_image_has(augment, value):
    x = np.zeros((4, 4, 1), "float32")
    x[1, 2] = value
    with pytest.raises(ValueError, match=r"`image` must have values in \[-1, 1\].*Received"):
        augment(x, rng())


@pytest.mark.parametrize(
    "augment",
    [
        RandomAffine(0, 0, 0),
        RandomBiasField(0),
        RandomElastic(0.0),
        RandomFlip(probability=0),
        RandomIntensity(0, 0),
        RandomNoise(0),
        RandomTranslation(0.09),
    ],
)
def test_nothing_to_change_changes_nothing(augment):
    x = image(9, 8, 1)
    np.testing.assert_allclose(augment(x, rng()), x, atol=1e-6)


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
        (lambda: RandomFlip("left"), "axis"),
        (lambda: RandomFlip(probability=1.5), "probability"),
        (lambda: RandomFlip(probability="often"), "probability"),
        (lambda: RandomTranslation(1.0), "fraction"),
        (lambda: RandomTranslation(-0.1), "fraction"),
        (lambda: RandomTranslation(fill=-2), "fill"),
        (lambda: RandomTranslation(fill=float("nan")), "fill"),
        (lambda: RandomTranslation(fill="air"), "fill"),
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
