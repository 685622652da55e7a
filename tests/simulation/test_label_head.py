"""Heads from volumes and files."""

import nibabel
import numpy as np
import pytest
from label_heads import ball_volume

from keras_mri_cyclegan.simulation import LabelHead
from keras_mri_cyclegan.volumes import Volume, VolumeError


def test_middle_of_the_brain_in_mm():
    volume = ball_volume()
    affine = volume.affine.copy()
    affine[:3, 3] += (10, -20, 30)
    head = LabelHead(volume.replace(affine=affine), "synthseg")
    np.testing.assert_allclose(head.centre, (10, -20, 30), atol=1e-6)
    np.testing.assert_allclose(head.upper - head.lower, 2 * 68, atol=8)
    assert {"fat", "soft_tissue", "skin", "blood", "thalamus"} <= set(head.names)


def test_from_a_file(tmp_path):
    volume = ball_volume(8.0)
    path = tmp_path / "labels.nii.gz"
    nibabel.save(nibabel.Nifti1Image(volume.array.astype("int16"), volume.affine), path)
    np.testing.assert_array_equal(
        LabelHead(path, "synthseg").tissues, LabelHead(volume, "synthseg").tissues
    )


@pytest.mark.parametrize(
    ("labels", "table", "message"),
    [
        (np.zeros((3, 3, 3)), "synthseg", "`Volume` or a path"),
        (Volume(np.zeros((3, 3, 3)), np.eye(4)), "synthseg", "only air"),
        (Volume(np.full((3, 3, 3), 0.5), np.eye(4)), "synthseg", "whole numbers"),
        (Volume(np.full((3, 3, 3), 99), np.eye(4)), "synthseg", r"\[99\]"),
    ],
)
def test_what_is_no_head(labels, table, message):
    with pytest.raises(ValueError, match=message):
        LabelHead(labels, table)


def test_wrong_labels_in_a_file_name_the_file(tmp_path):
    path = tmp_path / "anna.nii.gz"
    volume = ball_volume(16.0)
    nibabel.save(nibabel.Nifti1Image(volume.array.astype("int16"), volume.affine), path)
    with pytest.raises(VolumeError, match=r"anna\.nii\.gz.*does not have: \[506"):
        LabelHead(path, "freesurfer")
    with pytest.raises(VolumeError, match=r"anna\.nii\.gz.*only air"):
        LabelHead(path, dict.fromkeys(np.unique(volume.array).astype(int), "air"))
