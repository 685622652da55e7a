"""What is found out about the place of a volume before the work that makes it."""

import dataclasses
import os
import pathlib

import dicom_files
import numpy as np
import pydicom
import pytest

from keras_mri_cyclegan.volumes import (
    SourceHeader,
    Volume,
    VolumeError,
    check_target,
    read_volume,
    write_volume,
)
from keras_mri_cyclegan.volumes.axial_slices import AFFINE

OURS = {"Synthetic": True, "GeneratedBy": {"Name": "keras_mri_cyclegan"}}


def _volume(kind=None):
    header = None
    if kind is not None:
        header = SourceHeader(kind, np.dtype("uint8"), (3, 4, 5), has_geometry=False)
    return Volume(np.arange(60).reshape(5, 4, 3), AFFINE, header)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.hdr", "a.npy", "a.npz", "a.h5"])
def test_json_of_the_study_is_never_replaced(tmp_path, name):
    (tmp_path / "a.json").write_text('{"EchoTime": 0.1}')
    for overwrite in (False, True):
        with pytest.raises(VolumeError, match=r"a\.json`.*another name"):
            check_target(tmp_path / name, overwrite)
        with pytest.raises(VolumeError, match=r"a\.json`.*another name"):
            write_volume(_volume(), tmp_path / name, OURS, overwrite=overwrite)
    assert (tmp_path / "a.json").read_text() == '{"EchoTime": 0.1}'
    assert os.listdir(tmp_path) == ["a.json"]
    write_volume(_volume(), tmp_path / name)  # an ordinary copy has no sidecar


def test_targets_are_checked_before_the_work(tmp_path):
    header = _volume("png").header
    assert check_target(tmp_path / "a.h5") == "hdf5"
    assert check_target(tmp_path / "out") is None
    assert check_target(tmp_path / "out", header=header) == "pictures"
    assert check_target(tmp_path / "patient.01", header=header) == "pictures"
    (tmp_path / "a.nii").touch()
    with pytest.raises(VolumeError, match="exists already"):
        check_target(tmp_path / "a.nii")
    assert check_target(tmp_path / "a.nii", overwrite=True) == "nifti"
    for nothing in (None, ""):
        with pytest.raises(ValueError, match="`path` must be the path of a file or folder"):
            check_target(nothing)


def test_pictures_of_floats_are_found_before_the_work(tmp_path):
    header = dataclasses.replace(_volume("png").header, dtype=np.dtype("float32"))
    for name in ("out", "out.png", "out.tif"):
        with pytest.raises(VolumeError, match=r"of float32: .*write `\.nii\.gz` or `\.npy`"):
            check_target(tmp_path / name, header=header)
    assert check_target(tmp_path / "out.npy", header=header) == "numpy_files"


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("n" * 252 + ".nii", 256),
        ("é" * 126 + ".nii", 256),
        ("s" * 256 + "/", 256),
        ("a.h5::" + "m" * 249, 256),  # of its sidecar
    ],
)
def test_long_names_are_found_before_the_work(tmp_path, name, count):
    with pytest.raises(
        VolumeError, match=f"has {count} bytes. Expected a name of at most"
    ) as error:
        check_target(f"{tmp_path}/{name}", header=_volume("png" if "/" in name else None).header)
    assert f"{tmp_path}/{name}" in str(error.value)


def test_names_that_just_fit_can_be_written(tmp_path):
    for name in ("n" * 251 + ".npy", "sub.01 " + "n" * 244 + ".npy", "n" * 248 + ".nii.gz"):
        assert check_target(tmp_path / name, with_sidecar=False)
        write_volume(_volume(), tmp_path / name)
    assert len(os.listdir(tmp_path)) == 3


def test_a_series_for_one_file_is_found_before_the_work(tmp_path):
    dicom_files.series(tmp_path / "source")
    header = read_volume(tmp_path / "source").header
    assert check_target(tmp_path / "t2", header=header) == "dicom"
    with pytest.raises(VolumeError, match=r"t2\.dcm`.*leave out `\.dcm`"):
        check_target(tmp_path / "t2.dcm", header=header)


def test_acquired_dicom_is_never_replaced(tmp_path):
    path = pydicom.data.get_testdata_file("MR_small.dcm")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "IM1").write_bytes(pathlib.Path(path).read_bytes())
    volume = read_volume(path)
    for header in (None, volume.header):
        with pytest.raises(VolumeError, match=r"would remove IM1, .*SyntheticData YES"):
            check_target(raw, overwrite=True, header=header)
    with pytest.raises(VolumeError, match="SyntheticData YES"):
        write_volume(volume, raw, OURS, overwrite=True)
    assert (raw / "IM1").read_bytes() == pathlib.Path(path).read_bytes()
    write_volume(volume, tmp_path / "t2", OURS)
    assert check_target(tmp_path / "t2", overwrite=True, header=volume.header) == "dicom"
    (tmp_path / "t2" / "raw.dcm").write_bytes((raw / "IM1").read_bytes())
    with pytest.raises(VolumeError, match=r"would remove raw\.dcm"):
        check_target(tmp_path / "t2", overwrite=True, header=volume.header)


def test_no_permission_to_write(tmp_path, monkeypatch):
    # Root may write everywhere, so no folder's mode would do.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(VolumeError, match="no permission"):
        check_target(tmp_path / "a.nii")
