"""FreeSurfer's files and MINC are read; of other formats the error says how to get there."""

import gzip
import os
import pathlib

import nibabel
import numpy as np
import pytest
from PIL import Image

from keras_mri_cyclegan import _command_line
from keras_mri_cyclegan.datasets import load_image_folder
from keras_mri_cyclegan.translation import arguments
from keras_mri_cyclegan.volumes import (
    VolumeError,
    VolumeWarning,
    find_volumes,
    read_volume,
    write_volume,
)

AFFINE = np.array([[0, 0, -1.5, 10], [2, 0, 0, -20], [0, 1, 0, 5], [0, 0, 0, 1.0]])
OF_NIBABEL = pathlib.Path(nibabel.__file__).parent / "tests" / "data"


def _mgh(path, dtype="int16", shape=(5, 7, 3)):
    data = np.random.default_rng(0).integers(1, 99, shape).astype(dtype)
    nibabel.MGHImage(data, AFFINE).to_filename(path)
    return data


@pytest.mark.parametrize("dtype", ["uint8", "int16", "int32", "float32"])
@pytest.mark.parametrize("name", ["t1.mgz", "t1.mgh", "T1.MGZ"])
def test_freesurfer(tmp_path, name, dtype):
    data = _mgh(tmp_path / name.lower(), dtype)
    os.rename(tmp_path / name.lower(), tmp_path / name)
    volume = read_volume(tmp_path / name)
    np.testing.assert_array_equal(volume.array, data)
    np.testing.assert_allclose(volume.affine, AFFINE, atol=1e-5)
    assert (volume.header.kind, volume.header.dtype) == ("mgh", np.dtype(dtype))
    assert find_volumes(tmp_path) == [str(tmp_path / name)]
    write_volume(volume, tmp_path / "o.nii.gz", {"Synthetic": True})
    made = nibabel.load(tmp_path / "o.nii.gz")
    np.testing.assert_array_equal(made.get_fdata(), data)
    np.testing.assert_allclose(made.affine, AFFINE, atol=1e-5)
    assert made.get_data_dtype() == np.dtype(dtype)


def test_freesurfer_files_that_are_no_volume(tmp_path):
    def refused(content, message):
        (tmp_path / "bad.mgz").write_bytes(content)
        with pytest.raises(VolumeError, match=message):
            read_volume(tmp_path / "bad.mgz")

    _mgh(tmp_path / "t1.mgz")
    content = (tmp_path / "t1.mgz").read_bytes()
    plain = gzip.decompress(content)
    refused(plain[:200], "truncated")
    refused(plain[:300], "truncated")
    refused(content[:-20], "truncated")
    refused(content[:-8] + b"1234" + content[-4:], "checksum")
    refused(b"\0\0\0\2" + plain[4:], "version")
    refused(plain[:4] + b"\x7f\xff\xff\xff" + plain[8:], "claims")
    refused(plain[:4] + b"\0\0\0\0" + plain[8:], "holds no voxel")
    refused(plain[:20] + b"\0\0\0\x63" + plain[24:], "header of FreeSurfer")
    _mgh(tmp_path / "series.mgz", shape=(5, 7, 3, 2))
    with pytest.raises(VolumeError, match=r"2 frames.*mri_convert"):
        read_volume(tmp_path / "series.mgz")
    (tmp_path / "nowhere.mgh").write_bytes(plain[:28] + b"\0\0" + plain[30:])
    with pytest.warns(VolumeWarning, match="does not say where"):
        assert read_volume(tmp_path / "nowhere.mgh").spacing == (1, 1, 1)


@pytest.mark.parametrize("name", ["tiny", "small", "minc1_1_scale", "minc2_1_scale"])
def test_minc(name, tmp_path):
    path = OF_NIBABEL / f"{name}.mnc"
    theirs = nibabel.load(path)
    ours = read_volume(path)
    np.testing.assert_allclose(ours.array, theirs.get_fdata(), rtol=1e-6)
    np.testing.assert_allclose(ours.affine, theirs.affine)
    assert ours.header.kind == "minc"
    write_volume(ours, tmp_path / "o.nii.gz")
    made = nibabel.load(tmp_path / "o.nii.gz")
    np.testing.assert_allclose(made.affine, theirs.affine, atol=1e-4)
    np.testing.assert_allclose(made.get_fdata(), theirs.get_fdata(), rtol=1e-3)


def test_minc_that_is_no_volume(tmp_path):
    for name in ("minc1_4d", "minc2_4d"):
        with pytest.raises(VolumeError, match="three axes"):
            read_volume(OF_NIBABEL / f"{name}.mnc")
    with pytest.raises(VolumeError, match="claims"):
        read_volume(OF_NIBABEL / "small.mnc", max_voxels=100)
    for name in ("small", "minc2_1_scale"):
        content = (OF_NIBABEL / f"{name}.mnc").read_bytes()
        (tmp_path / "bad.mnc").write_bytes(content[: len(content) // 2])
        with pytest.raises(VolumeError, match="cannot be read as a MINC file"):
            read_volume(tmp_path / "bad.mnc")


def test_the_command_line_writes_nifti_of_them():
    for name in ("t1.mgz", "t1.MGH", "t1.mnc", "t1.nii.gz"):
        assert _command_line._name(name, "ab") == "t1_ab.nii.gz"


@pytest.mark.parametrize(
    ("name", "way"),
    [
        ("t1.nrrd", "SimpleITK.WriteImage"),
        ("t1.mha", "SimpleITK.WriteImage"),
        ("t1.mat", r"copy it to a name with `\.h5`.*loadmat"),
        ("t1.nii.bz2", "bunzip2"),
        ("t1.nii.zip", "unzip"),
        ("t1.tar.gz", "tar xf"),
        ("t1.nrrd.gz", "gunzip"),
        ("t1.PAR", "parrec2"),
        ("t1.jpg", r"convert\('L'\)"),
        ("t1.mif.gz", "mrconvert"),
    ],
)
def test_the_way_from_other_formats(tmp_path, name, way):
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / name).write_bytes(b"something")
    for call in (
        lambda: read_volume(tmp_path / "s" / name),
        lambda: read_volume(tmp_path / "s"),
        lambda: find_volumes(tmp_path / "s"),
        lambda: find_volumes(f"{tmp_path}/s/*"),
        lambda: load_image_folder(tmp_path / "s"),
    ):
        with pytest.raises(ValueError, match=way):
            call()


def test_folders_that_are_called_like_files(tmp_path):
    folder = tmp_path / "p1_t1.nii.gz"
    folder.mkdir()
    nibabel.Nifti1Image(np.zeros((2, 3, 4)), np.eye(4)).to_filename(folder / "p1_t1.nii")
    with pytest.raises(VolumeError, match="For the scans in these folders") as error:
        find_volumes(f"{tmp_path}/*_t1.nii.gz")
    meant = str(error.value).partition("folders: `")[2].partition("`")[0]
    assert find_volumes(meant) == [str(folder / "p1_t1.nii")]


def test_brackets_in_a_name(tmp_path):
    folder = tmp_path / "study [2024]"
    folder.mkdir()
    np.save(folder / "t1.npy", np.arange(24.0).reshape(2, 3, 4))
    with pytest.raises(VolumeError, match=r"`\[\.\.\.\]` stands for one of the letters") as error:
        find_volumes(f"{folder}/*.npy")
    meant = str(error.value).partition("bracket: `")[2].partition("`")[0]
    assert find_volumes(meant) == [str(folder / "t1.npy")]
    with pytest.raises(VolumeError, match=r"`\[\[\]` is a bracket\."):
        find_volumes(f"{tmp_path}/[ab].npy")
    with pytest.raises(VolumeError) as error:
        find_volumes(f"{tmp_path}/*.npy")
    assert "is a bracket" not in str(error.value)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("source", ["t1.nii.gz", "t1.mgz", "t1.npy", "t1.h5::x"])
def test_one_file_to_a_folder(tmp_path, source, overwrite):
    (tmp_path / "out").mkdir()
    for target in (tmp_path / "out", f"{tmp_path}/out/", tmp_path / "new"):
        with pytest.raises(VolumeError, match=r"such as `.*/t2\.nii\.gz`") as error:
            arguments.check_path(target, overwrite, source)
        assert "overwrite" not in str(error.value)


def test_a_folder_of_other_things_is_never_to_be_replaced(tmp_path):
    Image.new("L", (3, 2)).save(tmp_path / "1.png")
    with pytest.raises(VolumeError, match=r"holds 1 entries already.*overwrite=True"):
        arguments.check_path(tmp_path, False)
    (tmp_path / "thesis.tex").write_text("")
    for overwrite in (False, True):
        with pytest.raises(VolumeError, match=r"would remove thesis\.tex") as error:
            arguments.check_path(tmp_path, overwrite)
        assert "overwrite" not in str(error.value)
