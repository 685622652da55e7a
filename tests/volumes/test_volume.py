import nibabel as nib
import numpy as np
import pytest

from keras_mri_cyclegan.volumes import Volume, VolumeError

ARRAY = np.arange(24.0).reshape(2, 3, 4)
OBLIQUE = nib.affines.from_matvec(
    nib.eulerangles.euler2mat(0.2, -0.3, 0.1) @ np.diag([-0.5, 2.0, 3.5]), (5, -7, 11)
)


def test_geometry_is_nibabels():
    volume = Volume(ARRAY, OBLIQUE)
    np.testing.assert_allclose(volume.spacing, nib.affines.voxel_sizes(OBLIQUE))
    assert volume.orientation == "".join(nib.aff2axcodes(OBLIQUE)) == "LAS"
    assert volume.shape == (2, 3, 4)
    assert volume.array.dtype == np.float32


def test_replace_keeps_the_rest_and_checks_again():
    volume = Volume(ARRAY, OBLIQUE, path="x.nii")
    other = volume.replace(array=ARRAY + 1)
    np.testing.assert_array_equal(other.affine, OBLIQUE)
    assert other.path == "x.nii"
    with pytest.raises(VolumeError, match=r"`x.nii`: an array of shape \(2, 3\)"):
        volume.replace(array=ARRAY[..., 0])


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 3, 4, 5)), "Expected three axes"),
        (np.zeros((2, 0, 4)), "none of them empty"),
        (ARRAY + 1j, "Expected real numbers"),
        (np.where(ARRAY == 5, np.nan, ARRAY), "1 of 24 values are NaN or infinite"),
        (np.full((2, 2, 2), 1e300), r"8 of 8 values are beyond \+-3.4e\+38"),
    ],
)
def test_arrays_that_are_no_scan(array, message):
    with pytest.raises(VolumeError, match=message):
        Volume(array, np.eye(4))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("affine", "message"),
    [
        (np.eye(3), "4 x 4 finite numbers"),
        (np.diag([1, 1, np.nan, 1]), "4 x 4 finite numbers"),
        (np.diag([1, 1, 0, 1]), "cannot be inverted"),
        (np.array([[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]), "cannot be inverted"),
        (np.diag([1e300, 1e300, 1e300, 1]), "cannot be inverted"),
        (np.diag([1, 1, 1, 2]), "the last row"),
    ],
)
def test_affines_that_are_nowhere(affine, message):
    with pytest.raises(VolumeError, match=message):
        Volume(ARRAY, affine)


@pytest.mark.parametrize("size", [1e-3, 1e3])
def test_small_and_large_voxels_are_not_taken_for_flat_ones(size):
    assert Volume(ARRAY, np.diag([size, size, size, 1])).spacing == (size, size, size)


@pytest.mark.parametrize("mask", [np.ones((2, 3, 5), bool), np.ones((2, 3, 4))])
def test_masks_of_another_grid_or_type(mask):
    with pytest.raises(VolumeError, match="Expected booleans of the same shape"):
        Volume(ARRAY, OBLIQUE, mask=mask)
