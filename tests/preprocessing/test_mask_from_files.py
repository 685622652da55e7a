"""Masks from files of their own, written by nibabel."""

import nibabel as nib
import numpy as np
import pytest

from keras_mri_cyclegan.preprocessing import MaskFromFiles
from keras_mri_cyclegan.volumes import Volume, VolumeError

AFFINE = np.array([[-0.9, 0, 0.1, 40], [0, 0, 2.0, -7], [0.05, 1.2, 0, 3], [0, 0, 0, 1]])


@pytest.fixture
def files(tmp_path):
    inside = np.zeros((6, 7, 8), bool)
    inside[2:5, 1:6, 3:7] = True
    image = nib.Nifti1Image(inside.astype("uint8"), AFFINE)
    nib.save(image, tmp_path / "p1_T1_mask.nii.gz")
    array = np.random.default_rng(0).normal(100, 20, inside.shape)
    return Volume(array, AFFINE, path=str(tmp_path / "p1_T1.nii.gz")), inside, image


def test_reads_the_mask_beside_the_scan(files):
    volume, inside, _ = files
    masked, record = MaskFromFiles().apply(volume, {})
    np.testing.assert_array_equal(masked.mask, inside)
    np.testing.assert_array_equal(masked.array, volume.array)
    assert record == {"foreground": inside.mean()}
    assert MaskFromFiles().invert(masked, record) is masked


def test_blank_leaves_only_what_is_inside(files):
    volume, inside, _ = files
    masked, _ = MaskFromFiles(blank=True).apply(volume, {})
    np.testing.assert_array_equal(masked.array[inside], volume.array[inside])
    assert (masked.array[~inside] == volume.array.min()).all()


def test_takes_a_mask_whose_axes_are_in_another_order(files):
    volume, inside, image = files
    path = volume.path.replace(".nii", "_mask.nii")
    nib.save(nib.as_closest_canonical(image), path)
    assert nib.load(path).shape != volume.shape
    np.testing.assert_array_equal(MaskFromFiles().apply(volume, {})[0].mask, inside)


@pytest.mark.parametrize("scale", [1, 255])
def test_takes_the_levels_and_probabilities_that_masks_come_in(files, scale):
    volume, inside, _ = files
    values = np.where(inside, 0.9 if scale == 1 else 255, 0.2).astype("float32")
    nib.save(nib.Nifti1Image(values, AFFINE), volume.path.replace(".nii", "_mask.nii"))
    np.testing.assert_array_equal(MaskFromFiles().apply(volume, {})[0].mask, inside)


@pytest.mark.parametrize("change", ["shape", "shift", "spacing"])
def test_mismatched_grids_are_an_error_that_names_both_files(files, change):
    volume, inside, _ = files
    values, affine = inside.astype("uint8"), AFFINE.copy()
    if change == "shape":
        values = values[:-1]
    elif change == "shift":
        affine[0, 3] += 0.01
    else:
        affine[:3, 1] *= 1.01
    nib.save(nib.Nifti1Image(values, affine), volume.path.replace(".nii", "_mask.nii"))
    with pytest.raises(VolumeError, match=r"_mask.nii.gz`: mismatched grids.*p1_T1.nii.gz`"):
        MaskFromFiles().apply(volume, {})


def test_rounding_in_a_header_is_no_mismatch(files):
    volume, inside, _ = files
    shifted = AFFINE.copy()
    shifted[:3, 3] += 4e-4
    nib.save(
        nib.Nifti1Image(inside.astype("uint8"), shifted), volume.path.replace(".nii", "_mask.nii")
    )
    assert MaskFromFiles().apply(volume, {})[0].mask.any()


def test_a_missing_an_empty_and_no_file_are_errors(files):
    volume, inside, _ = files
    with pytest.raises(VolumeError, match=r"nowhere/p1_T1.nii"):
        MaskFromFiles("{folder}/nowhere/{stem}.nii").apply(volume, {})
    with pytest.raises(VolumeError, match="finds a mask by the scan's file"):
        MaskFromFiles().apply(volume.replace(path=None), {})
    faint = np.where(inside, 0.3, 0).astype("float32")
    nib.save(nib.Nifti1Image(faint, AFFINE), volume.path.replace(".nii", "_mask.nii"))
    with pytest.raises(VolumeError, match="an empty mask"):
        MaskFromFiles().apply(volume, {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.c.nii.gz", "a/b.c_mask.nii.gz"),
        ("b.nii", "./b_mask.nii.gz"),
        ("/d/series.1/", "/d/series.1_mask.nii.gz"),
        ("k/file.h5::t1", "k/file_mask.nii.gz"),
        ("{stem}/b.NII", "{stem}/b_mask.nii.gz"),
    ],
)
def test_finds_the_path_by_folder_and_stem(path, expected):
    assert MaskFromFiles().path_for(path) == expected


@pytest.mark.parametrize(
    "pattern", ["", None, 3, "{patient}.nii", "{stem.__class__}", "{stem", "{}", "{0}"]
)
def test_refuses_other_fields(pattern):
    with pytest.raises(ValueError, match="`pattern` must be a path"):
        MaskFromFiles(pattern)
