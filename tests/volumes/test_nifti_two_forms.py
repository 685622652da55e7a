"""NIfTI files whose sform and qform, or whose axes, do not say one thing."""

import struct
import warnings

import nibabel
import numpy as np
import pytest
from nifti_files import image, oblique, voxels

from keras_mri_cyclegan.volumes import Volume, VolumeError, VolumeWarning, read_volume

AFFINE = np.diag([2.0, 2.0, 3.0, 1.0])
SFORM_CODE, SROW = 254, 280  # bytes of nifti1.h


def _file(tmp_path, sform, qform, codes=(1, 1), name="t1.nii"):
    made = nibabel.Nifti1Image(voxels(), sform)
    made.set_sform(sform, codes[0])
    made.set_qform(qform, codes[1])
    made.to_filename(tmp_path / name)
    return tmp_path / name


def _moved(millimetres):
    affine = AFFINE.copy()
    affine[:3, 3] = millimetres, 0, 0
    return affine


@pytest.mark.parametrize(
    ("qform", "words"),
    [
        (np.diag([-2.0, 2.0, 3.0, 1.0]), "its axes point to RAS and LAS"),
        (_moved(40), "up to 40 mm elsewhere"),
        (_moved(0.5), r"up to 0\.5 mm"),
        (np.diag([2.0, 2.0, 4.0, 1.0]), "mm elsewhere"),
    ],
)
@pytest.mark.parametrize("codes", [(1, 1), (4, 1)])
@pytest.mark.parametrize("name", ["t1.nii", "t1.nii.gz", "t1.hdr"])
def test_what_differs_is_named_once(tmp_path, qform, words, codes, name):
    path = _file(tmp_path, AFFINE, qform, codes, name.replace(".hdr", ".nii"))
    with pytest.warns(VolumeWarning, match=f"disagree.*{words}") as caught:
        volume = read_volume(path)
    assert len(caught) == 1
    np.testing.assert_array_equal(volume.affine, AFFINE)


@pytest.mark.parametrize("qform", [AFFINE, _moved(0.1), oblique()])
def test_rounding_is_no_difference(tmp_path, qform):
    sform = oblique() if qform is not AFFINE and qform[0, 1] else AFFINE
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_volume(_file(tmp_path, sform, qform))
        image().to_filename(tmp_path / "usual.nii.gz")
        read_volume(tmp_path / "usual.nii.gz")


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_lost_sform_beside_a_sound_qform(tmp_path, value):
    path = _file(tmp_path, AFFINE, np.diag([-2.0, 2.0, 3.0, 1.0]), (0, 1))
    content = bytearray(path.read_bytes())
    struct.pack_into("<h", content, SFORM_CODE, 1)
    struct.pack_into("<12f", content, SROW, *[value] * 12)
    path.write_bytes(content)
    with pytest.raises(VolumeError, match=r"sform.*cannot be inverted.*qform is sound.*set_sform"):
        read_volume(path)
    made = nibabel.load(path)  # the way out, as it says
    made.set_sform(made.get_qform(), 1)
    made.to_filename(tmp_path / "mended.nii")
    assert read_volume(tmp_path / "mended.nii").orientation == "LAS"


@pytest.mark.parametrize(
    ("shape", "index"),
    [
        ((1, 40, 44, 12), "0, :, :, :"),
        ((3, 40, 44, 12), "0, :, :, :"),
        ((40, 1, 44, 12), ":, 0, :, :"),
        ((1, 1, 40, 44, 12), "0, 0, :, :, :"),
        ((40, 44, 12, 3), "..., 0"),
        ((64, 64, 3, 300), "..., 0"),
        ((40, 44, 12, 2, 3), "..., 0, 0"),
    ],
)
def test_the_recipe_for_too_many_axes_makes_the_volume(tmp_path, shape, index):
    data = np.random.default_rng(0).integers(0, 99, shape).astype("int16")
    made = nibabel.Nifti1Image(data, np.eye(4))
    made.to_filename(tmp_path / "t1.nii")
    with pytest.raises(VolumeError, match="Expected one volume") as error:
        read_volume(tmp_path / "t1.nii")
    assert f"[{index}]" in str(error.value)
    array = eval(f"numpy_array[{index}]", {"numpy_array": data})
    assert array.ndim == 3
    assert 1 not in array.shape


@pytest.mark.parametrize("fill_nan", [None, 0.0])
def test_values_beyond_float32_are_no_nan(tmp_path, fill_nan):
    data = voxels("float64")
    data[0, 0, 0], data[1, 1, 1] = 1e40, np.nan
    nibabel.Nifti1Image(data, AFFINE).to_filename(tmp_path / "t1.nii")
    with pytest.raises(VolumeError, match=r"1 of \d+ values are beyond \+-3\.4"):
        read_volume(tmp_path / "t1.nii", fill_nan=fill_nan)
    with pytest.raises(VolumeError, match=r"1 of 8 values are beyond \+-3\.4"):
        Volume(np.array([[[1e40, 1], [1, 1]], [[1, 1], [1, 1]]]), AFFINE)
