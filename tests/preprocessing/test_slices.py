"""How slices are shown, checked by known points in the patient, and their way back."""

import numpy as np
import pytest
from cases import case
from phantoms import ORIENTATIONS, scan

from keras_mri_cyclegan.preprocessing import Slices
from keras_mri_cyclegan.volumes import Volume, VolumeError

# For each plane: where the first slice, the first row and the first column are in the patient.
FIRST = {
    "axial": {"slice": "I", "row": "A", "column": "R"},
    "coronal": {"slice": "P", "row": "S", "column": "R"},
    "sagittal": {"slice": "R", "row": "S", "column": "A"},
}


def position(volume, value):
    """Where in the patient the voxel of this value is, in millimetres: right, front, head."""
    index = np.argwhere(volume.array == value)
    assert len(index) == 1
    return (volume.affine @ [*index[0], 1])[:3]


def test_shows_the_patient_as_radiologists_look_and_joins_exactly():
    for orientation in ORIENTATIONS:
        with case(orientation):
            volume = scan(orientation, tilt=0.5)
            for plane, firsts in FIRST.items():
                cutter = Slices(plane)
                images = cutter.cut(volume)
                assert images.shape[-1] == 1
                assert images.dtype == np.float32
                for axis, name in enumerate(("slice", "row", "column")):
                    ends = [images[(0,) * axis + (end,)].ravel()[0] for end in (0, -1)]
                    step = position(volume, ends[1]) - position(volume, ends[0])
                    world = np.argmax(np.abs(step))
                    # From the first to the last one goes away from where the first is.
                    towards = "RAS"[world] if step[world] < 0 else "LPI"[world]
                    assert towards == firsts[name], plane
                back = cutter.join(images, like=volume)
                np.testing.assert_array_equal(back.array, volume.array)
                np.testing.assert_array_equal(back.affine, volume.affine)
                assert back.path == volume.path


def test_the_corner_at_the_right_the_front_and_the_head():
    volume = scan("LPS")  # the corner of the first column and row of the last slice
    corner = volume.array[0, 0, -1]
    assert Slices("axial").cut(volume)[-1, 0, 0, 0] == corner
    assert Slices("coronal").cut(volume)[-1, 0, 0, 0] == corner
    assert Slices("sagittal").cut(volume)[0, 0, 0, 0] == corner


def test_neighbours_are_channels_in_order_and_repeat_at_the_ends():
    volume = scan()
    plain = Slices().cut(volume)[..., 0]
    images = Slices(neighbours=2).cut(volume)
    assert images.shape == (9, 7, 5, 5)
    padded = np.pad(plain, ((2, 2), (0, 0), (0, 0)), mode="edge")
    for channel in range(5):
        np.testing.assert_array_equal(images[..., channel], padded[channel : channel + 9])


def blob(shape=(20, 24, 16), at=(slice(4, 9), slice(10, 20), slice(3, 8))):
    array = np.full(shape, -1.0, "float32")
    array[at] = np.random.default_rng(0).uniform(0, 1, array[at].shape)
    return Volume(array, np.eye(4), path="blob.nii")


def test_trains_on_slices_that_show_something_with_neighbours_from_all_slices():
    volume = blob()
    every = Slices(neighbours=1).cut(volume)
    np.testing.assert_array_equal(
        Slices(neighbours=1).training_images(volume), every[3:8]
    )  # the neighbour of the first is an empty one
    np.testing.assert_array_equal(
        Slices(minimum_foreground=0).training_images(volume), Slices().cut(volume)
    )
    # 50 of 480 pixels are foreground in each.
    assert len(Slices(minimum_foreground=50 / 480).training_images(volume)) == 5
    with pytest.raises(VolumeError, match=r"`blob.nii`: no image .*at most 10.42%.*Expected 11"):
        Slices(minimum_foreground=0.11).training_images(volume)


def test_a_mask_or_else_what_is_brighter_than_the_background_is_the_foreground():
    volume = blob()
    mask = np.zeros(volume.shape, bool)
    mask[..., 11] = True
    np.testing.assert_array_equal(
        Slices().training_images(volume.replace(mask=mask)), Slices().cut(volume)[11:12]
    )
    lifted = volume.replace(array=volume.array / 2)  # air at -0.5, as after ZScore
    assert len(Slices().training_images(lifted)) == 5
    # As splines leave it: a voxel far below air, which must not make air foreground.
    spike = np.array(lifted.array)
    spike[0, 0, 0] = -1
    assert len(Slices().training_images(lifted.replace(array=spike))) == 5
    with pytest.raises(VolumeError, match="no image to train on"):
        Slices(threshold=2.5).training_images(volume)


@pytest.mark.parametrize("size", [(24, 20), (32, 32), (25, 21), (10, 5), (12, 30), (40, 7)])
def test_pads_and_crops_to_size_around_the_foreground(size):
    volume = blob()
    plain = Slices().training_images(volume)
    images = Slices(size=size).training_images(volume)
    assert images.shape == (5, *size, 1)
    # Nothing but background is lost, and every slice is moved alike.
    for before, after in zip(plain, images, strict=True):
        assert after[after > -1].tolist() == before[before > -1].tolist()
    rows, columns = (np.flatnonzero((images > -1).any(axes)) for axes in ((0, 2, 3), (0, 1, 3)))
    assert len(rows) == 10
    assert len(columns) == 5
    if size == (10, 5):
        assert rows[0] == columns[0] == 0


def test_cropping_foreground_is_an_error_unless_it_may_be_cut():
    volume = blob()
    with pytest.raises(VolumeError, match=r"`blob.nii`: foreground of 10 pixels along the rows.*9"):
        Slices(size=(9, 20)).training_images(volume)
    with pytest.raises(VolumeError, match="foreground of 5 pixels along the columns"):
        Slices(size=(32, 4)).training_images(volume)
    images = Slices(size=(6, 4), crop="any").training_images(volume)
    plain = Slices().training_images(volume)
    # Rows run to the back: the foreground is in rows 4 to 13; columns to the left: 11 to 15.
    np.testing.assert_array_equal(images, plain[:, 6:12, 11:15])


def test_a_volume_without_any_foreground_can_be_kept_whole():
    volume = blob().replace(mask=np.zeros((20, 24, 16), bool))
    images = Slices(size=(10, 10), minimum_foreground=0).training_images(volume)
    assert images.shape == (16, 10, 10, 1)


def test_join_refuses_what_cut_did_not_give():
    volume = scan()
    images = Slices().cut(volume)
    for wrong in (
        images[1:],
        images[..., 0],
        images[:, :-1],
        Slices(neighbours=1).cut(volume),
        images.astype("int32"),
        None,
    ):
        with pytest.raises(
            ValueError, match=r"`images` must have the shape that `cut` gives.*\(9, 7, 5, 1\)"
        ):
            Slices().join(wrong, like=volume)


@pytest.mark.parametrize(
    "arguments",
    [
        {"plane": "oblique"},
        {"size": 256},
        {"size": (256,)},
        {"size": (256, 0)},
        {"size": (1, 2, 3)},
        {"size": (2.5, 2)},
        {"neighbours": -1},
        {"neighbours": 1.0},
        {"minimum_foreground": 1},
        {"minimum_foreground": float("nan")},
        {"threshold": -0.9},
        {"crop": "foreground"},
    ],
)
def test_refuses_arguments_out_of_range(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}` must be"):
        Slices(**arguments)
