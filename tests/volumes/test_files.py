import json
import os

import h5py
import nibabel as nib
import numpy as np
import pydicom
import pytest
from PIL import Image

from keras_mri_cyclegan.volumes import (
    SourceHeader,
    Volume,
    VolumeError,
    find_volumes,
    read_volume,
    read_volumes,
    write_volume,
)
from keras_mri_cyclegan.volumes.axial_slices import AFFINE

OURS = {"Synthetic": True, "GeneratedBy": {"Name": "keras_mri_cyclegan"}}
STORED = np.arange(60, dtype="int16").reshape(3, 4, 5)


def _volume(kind=None):
    header = None
    if kind is not None:
        header = SourceHeader(kind, np.dtype("uint8"), (3, 4, 5), has_geometry=False)
    return Volume(STORED.transpose(2, 1, 0), AFFINE, header)


def _touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"something")


def _dicom(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    group_2 = b"\2\0\2\0UI\x1a\0" + b"1.2.840.10008.5.1.4.1.1.4\0"  # the class: MR image
    path.write_bytes(bytes(128) + b"DICM" + group_2 + bytes(100))


def _names(paths, folder):
    return [os.path.relpath(path, folder) for path in paths]


# === Reading ===


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "A.NII.GZ", "sub-1.5mm.nii"])
def test_nifti_by_suffix(tmp_path, name):
    nib.save(nib.Nifti1Image(STORED, np.eye(4)), tmp_path / "x.nii.gz")
    nib.save(nib.Nifti1Image(STORED, np.eye(4)), tmp_path / "x.nii")
    compressed = name.lower().endswith("gz")
    os.rename(tmp_path / ("x.nii.gz" if compressed else "x.nii"), tmp_path / name)
    np.testing.assert_array_equal(read_volume(tmp_path / name).array, STORED)


def test_each_suffix_has_its_reader(tmp_path):
    np.save(tmp_path / "a.npy", STORED)
    os.rename(tmp_path / "a.npy", tmp_path / "a.NPY")
    np.savez(tmp_path / "a.npz", x=STORED)
    with h5py.File(tmp_path / "a.HDF5", "w") as file:
        file["x"] = STORED
    (tmp_path / "slices").mkdir()
    for k, slice_ in enumerate(STORED):
        Image.fromarray(slice_.astype("uint8")).save(tmp_path / "slices" / f"{k}.tif")
    kinds = {"a.NPY": "npy", "a.npz": "npz", "a.npz::x": "npz"}
    kinds |= {"a.HDF5": "hdf5", "a.HDF5::x": "hdf5", "slices": "tiff", "slices/": "tiff"}
    for name, kind in kinds.items():
        volume = read_volume(f"{tmp_path}/{name}")
        assert volume.header.kind == kind
        assert volume.path == f"{tmp_path}/{name}"
        np.testing.assert_array_equal(volume.array, STORED.transpose(2, 1, 0))


def test_dicom_by_suffix_content_or_folder(tmp_path):
    source = pydicom.data.get_testdata_file("MR_small.dcm")
    expected = pydicom.dcmread(source).pixel_array
    with open(source, "rb") as file:
        content = file.read()
    (tmp_path / "series").mkdir()
    for name in ("a.dcm", "a.IMA", "IM0001", "1.2.840.10008.77", "series/IM1"):
        (tmp_path / name).write_bytes(content)
        volume = read_volume(tmp_path / name)
        assert volume.header.kind == "dicom"
        assert sorted(volume.array.ravel()) == sorted(expected.ravel())
    assert read_volume(tmp_path / "series").header.kind == "dicom"
    assert find_volumes(tmp_path / "series") == [str(tmp_path / "series")]


def test_a_name_with_colons_that_exists(tmp_path):
    np.save(tmp_path / "a::b.npy", STORED)
    assert read_volume(tmp_path / "a::b.npy").shape == (5, 4, 3)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.nii", "no such file"),
        ("missing.h5::x", "no such file"),
        ("a.nrrd", "unknown kind (.nrrd). Expected .nii, .nii.gz"),
        ("plain", "unknown kind (no suffix)"),
        ("empty", "a folder with 0 entries"),
        ("study", "find_volumes"),
        ("both", "1 DICOM files and 1 pictures"),
    ],
)
def test_what_cannot_be_read(tmp_path, name, message):
    _touch(tmp_path, "a.nrrd", "plain", "study/a.nii", "both/a.png")
    _dicom(tmp_path / "both" / "IM1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(VolumeError) as error:
        read_volume(tmp_path / name)
    assert message in str(error.value)
    assert name in str(error.value)


def test_pipes_are_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.nii")
    with pytest.raises(VolumeError, match="neither a file nor a folder"):
        read_volume(tmp_path / "a.nii")


def test_errors_of_the_disk_and_the_memory(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", STORED)
    reader = "keras_mri_cyclegan.volumes.numpy_files.read"
    for error, message in ((OSError(5, "Input/output error"), "output"), (MemoryError(), "memory")):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(reader, fail)
        with pytest.raises(VolumeError, match=message):
            read_volume(tmp_path / "a.npy")


@pytest.mark.parametrize(
    "arguments",
    [
        {"max_voxels": 0},
        {"max_voxels": 1.5},
        {"fill_nan": np.nan},
        {"fill_nan": "0"},
        {"fill_nan": 1e300},
        {"fill_nan": True},
        {"path": None},
        {"path": ""},
        {"path": "a\0b.nii"},
        {"path": b"a.nii"},
    ],
)
def test_arguments_of_reading(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        read_volume(**{"path": "a.npy", **arguments})


def test_many_are_read_one_by_one(tmp_path):
    for name in ("1.npy", "2.npy"):
        np.save(tmp_path / name, STORED)
    volumes = read_volumes([tmp_path / "1.npy", tmp_path / "2.npy", tmp_path / "missing.npy"])
    assert next(volumes).path == str(tmp_path / "1.npy")
    os.remove(tmp_path / "2.npy")  # not read yet
    with pytest.raises(VolumeError, match=r"2\.npy"):
        next(volumes)


def test_dicom_series_are_written_to_folders(tmp_path):
    volume = read_volume(pydicom.data.get_testdata_file("MR_small.dcm"))
    changed = volume.replace(array=volume.array + 1)
    write_volume(volume, tmp_path / "series.01", {"Description": "A copy."})
    with pytest.raises(VolumeError, match="overwrite=True"):
        write_volume(changed, tmp_path / "series.01")
    write_volume(changed, tmp_path / "series.01", {"Description": "Plus one."}, overwrite=True)
    np.testing.assert_array_equal(read_volume(tmp_path / "series.01").array, changed.array)
    assert os.listdir(tmp_path) == ["series.01"]


# === Finding ===


def test_a_folder(tmp_path):
    _touch(tmp_path, "sub-10.nii.gz", "sub-2.nii.gz", "sub-2.json", "sub-3.HDR", "sub-3.img")
    _touch(tmp_path, "participants.tsv", ".hidden.nii", "deeper/sub-4.nii", "stack/1.png")
    _dicom(tmp_path / "series-2" / "IM1")
    _dicom(tmp_path / "series-10" / "IM1")
    assert _names(find_volumes(tmp_path), tmp_path) == [
        "series-2",
        "series-10",
        "stack",
        "sub-2.nii.gz",
        "sub-3.HDR",
        "sub-10.nii.gz",
    ]


def test_a_folder_of_slices_is_one_scan(tmp_path):
    _dicom(tmp_path / "a" / "IM1")
    _dicom(tmp_path / "a" / "DICOMDIR")
    _touch(tmp_path, "b/1.png", "b/2.png", "b/notes.txt")
    assert find_volumes(tmp_path / "a") == [str(tmp_path / "a")]
    assert find_volumes(tmp_path / "b") == [str(tmp_path / "b")]
    assert find_volumes(f"{tmp_path}/b/*.png") == [f"{tmp_path}/b/1.png", f"{tmp_path}/b/2.png"]


@pytest.mark.parametrize("other", ["a.nii", "1.png"])
def test_a_folder_that_is_not_clear(tmp_path, other):
    _dicom(tmp_path / "IM1")
    _touch(tmp_path, other)
    with pytest.raises(VolumeError, match="1 x dicom"):
        find_volumes(tmp_path)


def test_patterns(tmp_path):
    _touch(tmp_path, "sub-10/anat/t1.nii", "sub-2/anat/t1.nii", "sub-2/anat/t1.json", "top.nii")
    _dicom(tmp_path / "sub-3" / "t1" / "IM1")
    _dicom(tmp_path / "sub-3" / "t1" / "IM2")
    found = find_volumes(f"{tmp_path}/**")
    assert _names(found, tmp_path) == [
        "sub-2/anat/t1.nii",
        "sub-3/t1",
        "sub-10/anat/t1.nii",
        "top.nii",
    ]
    assert find_volumes(f"{tmp_path}/sub-*/t1") == [f"{tmp_path}/sub-3/t1"]
    assert find_volumes(f"{tmp_path}/sub-*/t1/IM*") == [f"{tmp_path}/sub-3/t1"]
    assert len(find_volumes(f"{tmp_path}/sub-?/*/*.nii")) == 1
    with pytest.raises(VolumeError, match="1 of the 2 DICOM files"):
        find_volumes(f"{tmp_path}/sub-*/t1/IM1*")


def test_patterns_with_a_name_inside(tmp_path):
    _touch(tmp_path, "knee10.h5", "knee2.h5", "knee3.txt", "knee4.nii")
    found = find_volumes(f"{tmp_path}/knee*::rss")
    assert found == [f"{tmp_path}/knee2.h5::rss", f"{tmp_path}/knee10.h5::rss"]


def test_a_path_with_signs_of_a_pattern(tmp_path):
    _touch(tmp_path, "t1[1].nii")
    assert find_volumes(tmp_path / "t1[1].nii") == [str(tmp_path / "t1[1].nii")]


def test_lists_keep_their_order(tmp_path):
    _touch(tmp_path, "b.nii", "a.h5")
    paths = [tmp_path / "b.nii", f"{tmp_path}/a.h5::x"]
    assert find_volumes(paths) == [str(path) for path in paths]
    with pytest.raises(VolumeError, match="no such file"):
        find_volumes([*paths, tmp_path / "missing.nii"])


def test_nothing_found_says_what_is_there(tmp_path):
    _touch(tmp_path, "a.json", "b.json", "c.nrrd", "deep/a.nii")
    with pytest.raises(VolumeError, match=r"1 x \.nrrd, 1 x folders|2 x \.json"):
        find_volumes(tmp_path)
    with pytest.raises(VolumeError, match="Matches: nothing"):
        find_volumes(f"{tmp_path}/*.nii")
    with pytest.raises(VolumeError, match="no such file"):
        find_volumes(tmp_path / "missing")


@pytest.mark.parametrize("source", [None, 3, [], [3]])
def test_arguments_of_finding(source):
    with pytest.raises(ValueError, match="`source`"):
        find_volumes(source)


# === Writing ===


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.npy", "a.npz", "a.h5::x", "a.hdr"])
def test_every_format_without_a_header(tmp_path, name):
    write_volume(_volume(), tmp_path / name)
    np.testing.assert_array_equal(read_volume(tmp_path / name).array, _volume().array)


@pytest.mark.parametrize("name", ["a.nii.gz", "a.npy", "a.h5::x", "a.npz"])
def test_nothing_is_replaced_without_being_asked(tmp_path, name):
    file = tmp_path / name.partition("::")[0]
    file.write_bytes(b"precious")
    with pytest.raises(VolumeError, match="overwrite=True"):
        write_volume(_volume(), tmp_path / name)
    assert file.read_bytes() == b"precious"
    write_volume(_volume(), tmp_path / name, overwrite=True)
    assert read_volume(tmp_path / name).shape == (5, 4, 3)


def test_a_sidecar_or_partner_is_not_replaced_either(tmp_path):
    _touch(tmp_path, "b.img")
    (tmp_path / "a.json").write_text(json.dumps(OURS))
    with pytest.raises(VolumeError, match=r"its sidecar, .*overwrite=True"):
        write_volume(_volume(), tmp_path / "a.npy", OURS)
    write_volume(_volume(), tmp_path / "a.npy")
    with pytest.raises(VolumeError, match=r"b\.img"):
        write_volume(_volume(), tmp_path / "b.hdr")
    write_volume(_volume(), tmp_path / "a.npy", {**OURS, "Date": "now"}, overwrite=True)
    assert json.loads((tmp_path / "a.json").read_text())["Date"] == "now"


@pytest.mark.parametrize("name", ["a.nii.gz", "a.npy", "a.npz", "a.h5"])
def test_old_volume_and_sidecar_come_back_together(tmp_path, monkeypatch, name):
    write_volume(_volume(), tmp_path / name, OURS)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(before) == 2
    real, calls = os.replace, []

    def second_fails(source, target):
        calls.append(target)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        real(source, target)

    changed = _volume().replace(array=_volume().array + 1)
    monkeypatch.setattr(os, "replace", second_fails)
    with pytest.raises(VolumeError, match="output error"):
        write_volume(changed, tmp_path / name, {**OURS, "Date": "now"}, overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    monkeypatch.undo()
    write_volume(changed, tmp_path / name, {**OURS, "Date": "now"}, overwrite=True)
    assert json.loads((tmp_path / "a.json").read_text())["Date"] == "now"
    np.testing.assert_array_equal(read_volume(tmp_path / name).array, changed.array)
    assert len(os.listdir(tmp_path)) == 2


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("a.mgz", None, r"\.mgz cannot be written. Expected \.nii"),
        ("a.png", "npy", "read as npy"),
        ("a.dcm", "npy", "read as npy"),
        ("a", "npy", "without a suffix"),
        ("a", None, "made in memory"),
        ("a.png", None, "made in memory"),
        ("missing/a.nii", None, "no folder"),
        ("folder.nii", None, "this is a folder"),
        ("a.nii::x", None, "a name after"),
        ("a.h5::", None, "a name after"),
        ("file", "png", "this is a file"),
    ],
)
def test_paths_that_cannot_be_written(tmp_path, name, kind, message):
    (tmp_path / "folder.nii").mkdir()
    _touch(tmp_path, "file")
    with pytest.raises(VolumeError, match=message):
        write_volume(_volume(kind), f"{tmp_path}/{name}", overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["file", "folder.nii"]


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.h5"])
def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, name):
    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(VolumeError, match="disk is full"):
        write_volume(_volume(), tmp_path / name, {"Synthetic": True})
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("arguments", [{"volume": STORED}, {"path": 3}, {"overwrite": "yes"}])
def test_arguments_of_writing(tmp_path, arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        write_volume(**{"volume": _volume(), "path": tmp_path / "a.npy", **arguments})
