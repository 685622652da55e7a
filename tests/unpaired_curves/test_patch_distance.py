"""Images of one contrast look alike, those of another do not, and air looks like nothing."""

import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.unpaired_curves.patch_distance import look_alike


@pytest.fixture(scope="module")
def scans():
    t1, t2 = kmc.datasets.load_phantom(slices=6, size=64)
    return t1[..., 0], t2[..., 0]


def test_the_right_contrast_is_nearer(scans):
    t1, t2 = scans
    assert 2 * look_alike(t1, t1) < look_alike(t1, t2)
    assert look_alike(t2[:3], t2[3:]) < look_alike(t1[:3], t2[3:])


def test_blurred_and_moved_images_are_further_away(scans):
    _, t2 = scans
    blurred = (t2 + np.roll(t2, 2, axis=1) + np.roll(t2, -2, axis=1)) / 3
    assert look_alike(blurred, t2) > 2 * look_alike(t2, t2)
    assert look_alike(np.roll(t2, 8, axis=2), t2) > 2 * look_alike(t2, t2)


def test_air(scans):
    assert look_alike(np.full_like(scans[0], -1), scans[1]) == np.inf
    assert look_alike(scans[0], np.full_like(scans[0], -1)) == np.inf
