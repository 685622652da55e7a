"""Warps against scipy, and places of a deformation that is known."""

import numpy as np
import pytest
from scipy import ndimage

from keras_mri_cyclegan.simulation import Deformation
from keras_mri_cyclegan.simulation.deformation import warp

STILL = Deformation(rotation=0, scale=(1, 1), shift=0, warp=0, flip=0)


@pytest.mark.parametrize("shape", [(20, 24), (10, 12, 9)])
def test_warp_is_linear_interpolation(shape):
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 256, (*shape, 4), dtype="uint8")
    places = np.stack([rng.uniform(-2, n + 1, (15, 13)) for n in shape])
    places = (np.rint(places * 16) / 16).astype("float32")
    found = warp(maps, places)
    assert found.shape == (4, 15, 13)
    assert found.dtype == np.float32
    for k in range(4):
        expected = ndimage.map_coordinates(
            maps[..., k] / 255, places.astype("float64"), order=1, mode="grid-constant"
        )
        np.testing.assert_allclose(found[k], expected, atol=1e-6)


def test_full_pixels_stay_full():
    maps = np.full((16, 16, 1), 255, "uint8")
    places = np.random.default_rng(1).uniform(0, 15, (2, 40)).astype("float32")
    np.testing.assert_allclose(warp(maps, places), 1)


def test_no_deformation_is_the_identity_and_pads_and_crops_around_the_middle():
    rng = np.random.default_rng(0)
    maps = rng.integers(0, 256, (16, 18, 2), dtype="uint8")
    expected = np.moveaxis(maps, -1, 0) / np.float32(255)
    np.testing.assert_allclose(warp(maps, STILL.draw((16, 18), (16, 18), 1, rng)), expected)
    smaller = warp(maps, STILL.draw((16, 18), (8, 10), 1, rng))
    np.testing.assert_allclose(smaller, expected[:, 4:12, 4:14])
    larger = warp(maps, STILL.draw((16, 18), (20, 22), 1, rng))
    np.testing.assert_allclose(larger[:, 2:18, 2:20], expected)
    assert larger[:, 0].sum() == 0


def test_a_flip_mirrors_the_columns():
    maps = np.arange(64, dtype="uint8").reshape(8, 8, 1)
    flip = Deformation(rotation=0, scale=(1, 1), shift=0, warp=0, flip=1)
    found = warp(maps, flip.draw((8, 8), (8, 8), 1, np.random.default_rng(0)))
    np.testing.assert_allclose(found[0] * 255, maps[:, ::-1, 0], atol=1e-4)


def test_rotation_scale_and_warp_have_their_size():
    rng = np.random.default_rng(0)
    for _ in range(20):
        y, x = Deformation(30, (0.5, 0.5), 0, 0, 4, 0).draw((33, 33), (33, 33), 1.0, rng)
        step = np.hypot(y[0, 1] - y[0, 0], x[0, 1] - x[0, 0])
        angle = np.degrees(np.arctan2(y[0, 1] - y[0, 0], x[0, 1] - x[0, 0]))
        assert step == pytest.approx(2, rel=1e-5)  # half as large
        assert abs(angle) <= 30
        assert (y[16, 16], x[16, 16]) == (16, 16)
    bent = Deformation(0, (1, 1), 0, 0.02, 4, 0)
    away = [
        bent.draw((64, 64), (64, 64), 1, rng) - STILL.draw((64, 64), (64, 64), 1, rng)
        for _ in range(30)
    ]
    assert np.std(away) == pytest.approx(0.02 * 64, rel=0.2)


@pytest.mark.parametrize(
    "wrong",
    [
        {"rotation": -1},
        {"scale": (0, 1)},
        {"scale": 1.0},
        {"scale": (1.2, 0.8)},
        {"shift": "a"},
        {"flip": 1.5},
        {"cells": 0},
    ],
)
def test_wrong_ranges_are_named(wrong):
    (name,) = wrong
    with pytest.raises(ValueError, match=f"`{name}`"):
        Deformation(**wrong)
