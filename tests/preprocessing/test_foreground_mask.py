"""The foreground mask against scikit-image and scipy, and on a head whose shape is known."""

import numpy as np
import pytest
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label

from keras_mri_cyclegan.preprocessing import ForegroundMask
from keras_mri_cyclegan.volumes import Volume, VolumeError


def head():
    """A ball with a hollow, a speck beside it, and noise; returns the scan and the ball."""
    rng = np.random.default_rng(0)
    away = np.linalg.norm(
        np.indices((24, 26, 28)) - np.array([12, 13, 14])[:, None, None, None], axis=0
    )
    array = np.where(away < 9, 200.0, 0) + rng.uniform(10, 30, away.shape)
    array[away < 3] = 10  # a ventricle
    array[1:3, 1:3, 1:3] = 250
    return Volume(array, np.eye(4), path="head.nii"), away < 9


def test_finds_the_head_with_its_holes_and_without_specks():
    volume, ball = head()
    masked, record = ForegroundMask().apply(volume, {})
    np.testing.assert_array_equal(masked.mask, ball)
    assert masked.array is volume.array
    assert record == {"foreground": ball.mean()}
    assert ForegroundMask().invert(masked, record) is masked


def test_is_otsus_threshold_and_the_large_pieces():
    smooth = ndimage.gaussian_filter(np.random.default_rng(1).normal(size=(20,) * 3), 1.2)
    volume = Volume(np.exp(smooth / smooth.std()), np.eye(4))  # bright islands of all sizes
    bright = volume.array > threshold_otsu(volume.array)
    pieces = label(bright, connectivity=1)
    sizes = [np.sum(pieces == i) for i in range(1, pieces.max() + 1)]
    large = np.isin(pieces, [i for i, size in enumerate(sizes, 1) if 20 * size >= max(sizes)])
    assert 1 < len(np.unique(pieces[large])) < len(sizes)
    masked, _ = ForegroundMask().apply(volume, {})
    expected = ndimage.binary_fill_holes(large)
    filled = expected.copy()
    for axis in range(3):
        for k in range(20):
            place = (slice(None),) * axis + (k,)
            filled[place] |= ndimage.binary_fill_holes(expected[place])
    np.testing.assert_array_equal(masked.mask, filled)


def test_blank_puts_the_lowest_value_everywhere_outside():
    volume, ball = head()
    masked, _ = ForegroundMask(blank=True).apply(volume, {})
    np.testing.assert_array_equal(masked.array[ball], volume.array[ball])
    assert (masked.array[~ball] == volume.array.min()).all()


def test_one_value_everywhere_is_an_error_that_names_the_file():
    with pytest.raises(VolumeError, match=r"`x.nii`: the value 3 everywhere"):
        ForegroundMask().apply(Volume(np.full((4, 4, 4), 3.0), np.eye(4), path="x.nii"), {})


def test_refuses_a_blank_that_is_no_boolean():
    with pytest.raises(ValueError, match="`blank` must be True or False"):
        ForegroundMask(blank="no")


def test_a_lower_threshold_takes_in_what_is_dim():
    volume, ball = head()
    array = volume.array + 60 * (ndimage.binary_dilation(ball, iterations=2) & ~ball)
    dim = Volume(array, np.eye(4))
    skin = ndimage.binary_dilation(ball, iterations=2)
    np.testing.assert_array_equal(ForegroundMask().apply(dim, {})[0].mask, ball)
    np.testing.assert_array_equal(ForegroundMask(threshold=0.5).apply(dim, {})[0].mask, skin)
    with pytest.raises(ValueError, match="threshold"):
        ForegroundMask(threshold=0)


@pytest.mark.parametrize("slices", [3, 4])
def test_as_few_slices_as_a_colour_image_has_channels(slices):
    array = np.random.default_rng(0).uniform(0, 10, (16, 16, slices))
    array[4:12, 4:12] += 100
    masked, _ = ForegroundMask().apply(Volume(array, np.eye(4)), {})  # a warning is an error here
    np.testing.assert_array_equal(masked.mask, array > 50)


def test_a_ventricle_that_is_open_somewhere_is_the_head():
    """A dark tube through the head, open at its lower end, as fluid is at the spine."""
    x, y, z = np.indices((24, 24, 24)) - 11.5
    ball = x**2 + y**2 + z**2 < 10**2
    tube = (x**2 + y**2 < 3**2) & (z < 5)
    masked, _ = ForegroundMask().apply(Volume(np.where(ball & ~tube, 100.0, 1.0), np.eye(4)), {})
    enclosed = masked.mask[:, :, 4:]  # above the opening every slice is a ring
    np.testing.assert_array_equal(enclosed, ball[:, :, 4:])
    assert not masked.mask[0].any()


def test_a_scalp_that_dark_bone_separates_from_the_brain_is_head():
    away = np.linalg.norm((np.indices((40, 40, 12)) - 19.5)[:2], axis=0)
    brain, scalp = away < 12, (away >= 15) & (away < 17)
    array = np.where(brain | scalp, 100.0, 1.0)
    array[28:, 19:21] = 1  # the ring is open
    masked, _ = ForegroundMask().apply(Volume(array, np.eye(4)), {})
    assert masked.mask[brain & (array > 1)].all()
    assert masked.mask[scalp & (array > 1)].all()
