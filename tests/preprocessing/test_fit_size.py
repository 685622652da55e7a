"""Padding and cropping against numpy.pad and slicing."""

import itertools

import numpy as np
import pytest

from keras_mri_cyclegan.preprocessing.fit_size import to_size


@pytest.mark.parametrize(("height", "width"), list(itertools.product([3, 4, 9], [5, 6, 8])))
def test_pads_around_the_middle(height, width):
    images = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype("float32")
    padded = to_size(images, (9, 8))
    top, left = (9 - height) // 2, (8 - width) // 2
    widths = ((0, 0), (top, 9 - height - top), (left, 8 - width - left), (0, 0))
    np.testing.assert_array_equal(padded, np.pad(images, widths, constant_values=-1))
    assert padded.dtype == np.float32


def test_crops_around_the_middle():
    images = np.arange(5 * 7, dtype="float32").reshape(1, 5, 7, 1)
    cropped = to_size(images, (2, 4))
    np.testing.assert_array_equal(cropped, images[:, 1:3, 1:5])


def test_crops_one_axis_and_pads_another_of_a_volume_from_a_given_start():
    images = np.random.default_rng(0).normal(size=(1, 6, 4, 5, 1)).astype("float32")
    result = to_size(images, (3, 8, 5), fill=0.0, start=(2, -3, 0))
    np.testing.assert_array_equal(result[:, :, 3:7], images[:, 2:5])
    assert (result[:, :, :3] == 0).all()
    assert (result[:, :, 7:] == 0).all()


def test_a_window_beside_the_image_is_all_padding():
    images = np.ones((1, 4, 4, 1), "float32")
    for start in ((6, 0), (-9, 0), (0, 4)):
        assert (to_size(images, (3, 3), start=start) == -1).all()
