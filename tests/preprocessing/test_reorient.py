"""Reorientation against nibabel, for each of the 48 orientations and for oblique scans."""

import nibabel as nib
import numpy as np
import pytest
from cases import case
from phantoms import ORIENTATIONS, scan

from keras_mri_cyclegan.preprocessing import Reorient


def masked(orientation, tilt):
    volume = scan(orientation, tilt)
    return volume.replace(mask=volume.array > 20)


def test_is_the_closest_canonical_of_nibabel_and_comes_back():
    for orientation in ORIENTATIONS:
        with case(orientation):
            volume = masked(orientation, 0.35)
            turned, record = Reorient().apply(volume, {})
            expected = nib.as_closest_canonical(nib.Nifti1Image(volume.array, volume.affine))
            np.testing.assert_array_equal(turned.array, np.asarray(expected.dataobj))
            np.testing.assert_allclose(turned.affine, expected.affine, atol=1e-12)
            assert turned.orientation == "RAS"
            assert (turned.array[turned.mask] > 20).all()
            assert turned.mask.sum() == volume.mask.sum()

            back = Reorient().invert(turned, record)
            np.testing.assert_array_equal(back.array, volume.array)
            np.testing.assert_array_equal(back.affine, volume.affine)
            np.testing.assert_array_equal(back.mask, volume.mask)


def test_turns_to_any_orientation_without_moving_a_voxel():
    for wanted in ORIENTATIONS:
        with case(wanted):
            volume = masked("PSL", 0.2)
            turned, record = Reorient(wanted).apply(volume, {})
            assert turned.orientation == wanted
            # Every voxel, known by its value, is where it was in the patient.
            for value in volume.array.ravel()[::17]:
                old = np.argwhere(volume.array == value)[0]
                new = np.argwhere(turned.array == value)[0]
                np.testing.assert_allclose(
                    turned.affine @ [*new, 1], volume.affine @ [*old, 1], atol=1e-9
                )
            np.testing.assert_array_equal(
                Reorient(wanted).invert(turned, record).array, volume.array
            )


@pytest.mark.parametrize("wrong", ["RAR", "RA", "RASS", "XYZ", "", None, 3, ["R", "A", "S"]])
def test_refuses_what_is_no_orientation(wrong):
    with pytest.raises(ValueError, match="`orientation` must say where each axis points"):
        Reorient(wrong)
