"""Blocks of a volume, against slicing."""

import itertools

import numpy as np
import pytest
from phantoms import rng

from keras_mri_cyclegan.preprocessing import Patches, Slices
from keras_mri_cyclegan.volumes import Volume, VolumeError

LPS = np.diag([-1.0, -1.0, 2.0, 1.0])  # shown as it is stored: columns, rows, slices
SCAN = Volume(rng().uniform(-0.5, 1, (10, 12, 9)), LPS, path="scan.nii")


@pytest.mark.parametrize("codes", list(itertools.product((1, -1), repeat=3)))
def test_cut_is_the_axial_slices_and_join_its_inverse(codes):
    affine = np.eye(4)[:, [2, 0, 1, 3]] * [*codes, 1]
    volume = SCAN.replace(affine=affine)
    patches = Patches((4, 4, 4))
    whole = patches.cut(volume)
    np.testing.assert_array_equal(whole[0], Slices("axial").cut(volume))
    back = patches.join(whole, like=volume)
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_array_equal(back.affine, volume.affine)


@pytest.mark.parametrize(
    ("overlap", "starts"),
    [
        (0.0, [[0, 4, 5], [0, 5, 7], [0, 4]]),
        (0.5, [[0, 2, 4, 5], [0, 2, 4, 6, 7], [0, 3, 4]]),
        (0.99, [range(6), range(8), range(5)]),
    ],
)
def test_trains_on_a_regular_grid_that_ends_with_the_volume(overlap, starts):
    whole = SCAN.array.transpose(2, 1, 0)
    blocks = Patches((4, 5, 6), overlap).training_images(SCAN)
    expected = [whole[d : d + 4, h : h + 5, w : w + 6] for d, h, w in itertools.product(*starts)]
    np.testing.assert_array_equal(blocks[..., 0], expected)


def test_a_volume_smaller_than_a_block_is_padded_around_its_middle():
    blocks = Patches((16, 12, 10)).training_images(SCAN)
    assert blocks.shape == (1, 16, 12, 10, 1)
    np.testing.assert_array_equal(blocks[0, 3:12, ..., 0], SCAN.array.transpose(2, 1, 0))
    assert (blocks[0, :3] == -1).all()
    assert (blocks[0, 12:] == -1).all()


def test_blocks_without_foreground_are_dropped():
    array = np.full((8, 8, 8), -1.0)
    array[:4, :4, :4] = np.random.default_rng(0).uniform(0, 1, (4, 4, 4))
    volume = Volume(array, LPS, path="scan.nii")
    assert len(Patches((4, 4, 4)).training_images(volume)) == 1
    assert len(Patches((4, 4, 4), minimum_foreground=0).training_images(volume)) == 8
    assert len(Patches((4, 4, 4)).training_images(volume.replace(mask=array < 0))) == 7
    with pytest.raises(VolumeError, match=r"`scan.nii`: no image to train on: at most 12.50%"):
        Patches((8, 8, 8), minimum_foreground=0.2).training_images(volume)


@pytest.mark.parametrize(
    "arguments",
    [{"size": (4, 4)}, {"size": 4}, {"size": (4, 4, 0)}, {"size": (4,) * 3, "overlap": 1}],
)
def test_refuses_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match=r"`(size|overlap)` must be"):
        Patches(**arguments)


def test_join_refuses_what_cut_did_not_give():
    with pytest.raises(
        ValueError, match=r"must have the shape that `cut` gives.*\(1, 9, 12, 10, 1\)"
    ):
        Patches((4, 4, 4)).join(np.zeros((2, 9, 12, 10, 1), "float32"), like=SCAN)
