"""Stacks of tissue maps: drawn, saved, divided by head."""

import numpy as np
import pytest
from label_heads import ball_volume

from keras_mri_cyclegan.simulation import HeadMaps, LabelHead, draw_head_maps


@pytest.fixture(scope="module")
def head():
    return LabelHead(ball_volume(), "synthseg")


def test_shape_seed_and_shares(head):
    maps = draw_head_maps(iter([head, head]), 3, size=(40, 32), pixel=6, seed=1)
    assert maps.maps.shape == (6, 40, 32, len(maps.tissues))
    assert maps.heads.tolist() == [0, 0, 0, 1, 1, 1]
    total = maps.maps.sum(axis=-1, dtype=int)
    assert total.max() <= 255 + len(maps.tissues) // 2  # each is rounded
    again = draw_head_maps([head, head], 3, size=(40, 32), pixel=6, seed=1)
    np.testing.assert_array_equal(maps.maps, again.maps)
    other = draw_head_maps([head, head], 3, size=(40, 32), pixel=6, seed=2)
    assert other.maps.shape[:3] == maps.maps.shape[:3]
    assert other.tissues != maps.tissues or (other.maps != maps.maps).any()
    assert (maps.maps[0] != maps.maps[3]).any()


def test_volumes_and_planes(head):
    maps = draw_head_maps([head], 2, (4, 24, 24), 8, planes=("coronal", "sagittal"))
    assert maps.maps.shape[:4] == (2, 4, 24, 24)


def test_save_and_load(head, tmp_path):
    maps = draw_head_maps([head], 2, size=24, pixel=8)
    maps.save(tmp_path / "maps.npz")
    loaded = HeadMaps.load(tmp_path / "maps.npz")
    np.testing.assert_array_equal(loaded.maps, maps.maps)
    np.testing.assert_array_equal(loaded.heads, maps.heads)
    assert (loaded.tissues, loaded.pixel) == (maps.tissues, 8.0)
    np.savez(tmp_path / "other.npz", a=1)
    with pytest.raises(ValueError, match="not a file of `HeadMaps"):
        HeadMaps.load(tmp_path / "other.npz")


def test_some_heads_only(head):
    maps = draw_head_maps([head, head, head], 2, size=24, pixel=8)
    assert maps.select([0, 2]).heads.tolist() == [0, 0, 2, 2]
    with pytest.raises(ValueError, match=r"some of \[0, 1, 2\]"):
        maps.select([7])


def test_what_cannot_be(head):
    with pytest.raises(ValueError, match="`heads`"):
        draw_head_maps([], 2)
    with pytest.raises(ValueError, match="`planes`"):
        draw_head_maps([head], 2, planes="oblique")
    with pytest.raises(ValueError, match="hardly any brain"):
        draw_head_maps([head], 1, size=16, pixel=100)
    with pytest.raises(ValueError, match="`maps` must be uint8"):
        HeadMaps(np.zeros((1, 2, 2, 1)), ("csf",), 1.0, np.zeros(1))
    with pytest.raises(ValueError, match="one map for each"):
        HeadMaps(np.zeros((1, 2, 2, 1), "uint8"), ("csf", "bone"), 1.0, np.zeros(1))
