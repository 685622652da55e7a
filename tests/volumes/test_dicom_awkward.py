"""DICOM as archives and anonymisers leave it: jitter, copies, no identifiers, text for numbers."""

import shutil
import warnings

import dicom_files
import keras
import numpy as np
import pydicom
import pytest

from keras_mri_cyclegan import translate_volume, translate_volumes
from keras_mri_cyclegan.data import VolumeImages, from_volumes
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing
from keras_mri_cyclegan.volumes import (
    VolumeError,
    VolumeWarning,
    check_target,
    find_volumes,
    read_volume,
    write_volume,
)

OURS = {"Synthetic": True}


def _moved(millimetres, slice_=2, along=2):
    """Move one slice along an axis of the grid: the normal, or in its plane."""

    def change(dataset, index):
        if index == slice_:
            position = np.array(dataset.ImagePositionPatient, float)
            position += millimetres * dicom_files.OBLIQUE[:, along]
            dataset.ImagePositionPatient = position.round(6).tolist()

    return change


# === Tolerance of positions ===


@pytest.mark.parametrize("along", [0, 2])
def test_a_jitter_is_refused_with_the_way_out_that_works(tmp_path, along):
    folder = dicom_files.series(tmp_path / "s", change=_moved(0.05, along=along))
    with pytest.raises(VolumeError, match=r"read_volume\(path, slice_tolerance=0\.06\)"):
        read_volume(folder)
    with pytest.warns(VolumeWarning, match=r"up to 0\.05.* mm off an even spacing of 2\.5"):
        volume = read_volume(folder, slice_tolerance=0.06)
    sound = read_volume(dicom_files.series(tmp_path / "sound"))
    np.testing.assert_array_equal(volume.array, sound.array)
    np.testing.assert_allclose(volume.affine, sound.affine, atol=0.03)
    with pytest.raises(VolumeError, match=r"Expected .*0\.04 mm"):
        read_volume(folder, slice_tolerance=0.04)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_volume(tmp_path / "sound", slice_tolerance=0.06)


def test_a_missing_slice_is_never_tolerated(tmp_path):
    folder = dicom_files.series(tmp_path / "s", dicom_files.scan((6, 7, 6)), _moved(2.5, 5))
    with pytest.raises(VolumeError, match="Slices are missing"):
        read_volume(folder)
    with pytest.raises(VolumeError, match=r"at most a quarter, 0\.625"):
        read_volume(folder, slice_tolerance=2.6)
    with pytest.raises(VolumeError, match="Slices are missing"):
        read_volume(folder, slice_tolerance=0.6)
    for value in (-1, np.nan, "1"):
        with pytest.raises(ValueError, match="`slice_tolerance`"):
            read_volume(folder, slice_tolerance=value)


def _network():
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Identity()])


TRANSLATING = {"preprocessing": Preprocessing([MinMax()]), "intensities": "source", "verbose": 0}
DOORS = {
    "fit": lambda a, b, **options: Preprocessing([MinMax()]).fit([a], [b], verbose=0, **options),
    "prepare": lambda a, b, **options: Preprocessing([MinMax()]).prepare(a, **options),
    "training_images": lambda a, b, **options: Preprocessing([MinMax()]).training_images(
        a, **options
    ),
    "VolumeImages": lambda a, b, **options: VolumeImages(
        [a], Preprocessing([MinMax()]), verbose=0, **options
    ),
    "from_volumes": lambda a, b, **options: from_volumes(
        [a], [b], Preprocessing([MinMax()]), verbose=0, **options
    ),
    "translate_volume": lambda a, b, **options: translate_volume(
        _network(), a, **TRANSLATING, **options
    ),
    "find_volumes": lambda a, b, **options: find_volumes([a], unreadable="warn", **options),
}


@pytest.mark.parametrize("door", DOORS)
def test_every_door_hands_the_tolerance_on(tmp_path, door):
    jittered = dicom_files.series(tmp_path / "s", change=_moved(0.05))
    sound = dicom_files.series(tmp_path / "sound")
    with pytest.raises(VolumeError, match="evenly"):
        DOORS[door](jittered, sound)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert DOORS[door](jittered, sound, slice_tolerance=0.1) is not None


# === Copies ===


def test_a_copy_is_to_be_removed(tmp_path):
    folder = dicom_files.series(tmp_path / "s")
    shutil.copy(tmp_path / "s" / "0.ima", tmp_path / "s" / "0 (1).ima")
    with pytest.raises(VolumeError, match=r"one is a copy\. Expected one volume: remove one"):
        read_volume(folder)


# === What cannot be derived is told before the network has any work ===


def _without(keyword):
    return lambda dataset, index: delattr(dataset, keyword)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID"])
@pytest.mark.parametrize("many", [False, True])
def test_missing_identifiers(tmp_path, keyword, many, monkeypatch):
    folder = dicom_files.series(tmp_path / "s", change=_without(keyword))
    network = _network()
    monkeypatch.setattr(
        "keras_mri_cyclegan.translation.translator.translate_windows", None
    )  # no image reaches the network
    target = tmp_path / "o"
    if many:
        (made,) = translate_volumes(network, [folder], [target], **TRANSLATING)
        assert isinstance(made.error, VolumeError)
        assert f"no {keyword}" in str(made.error)
    else:
        with pytest.raises(VolumeError, match=f"no {keyword}"):
            translate_volume(network, folder, target, **TRANSLATING)
    volume = read_volume(folder)
    with pytest.raises(VolumeError, match=f"no {keyword}"):
        check_target(target, header=volume.header)
    assert check_target(tmp_path / "o.nii.gz", header=volume.header) == "nifti"
    assert not target.exists()


def test_an_attribute_that_cannot_be_written(tmp_path):
    volume = read_volume(dicom_files.series(tmp_path / "s"))
    dataset = volume.header.content.datasets[-1]
    dataset[0x00080020]._value = object()  # stands for what pydicom reads and cannot write
    with pytest.raises(VolumeError, match=r"cannot be written|failed"):
        check_target(tmp_path / "o", header=volume.header)
    with pytest.raises(VolumeError, match=r"cannot be written|failed"):
        write_volume(volume, tmp_path / "o", OURS)
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize("provenance", [None, OURS])
@pytest.mark.parametrize("kind", ["series", "enhanced"])
def test_what_passes_can_be_written(tmp_path, kind, provenance):
    path = (
        dicom_files.series(tmp_path / "s")
        if kind == "series"
        else dicom_files.enhanced(tmp_path / "s.dcm", slopes=[(2.0, 3.0)] * 4)
    )
    volume = read_volume(path)
    assert check_target(tmp_path / "o", False, volume.header, provenance is not None) == "dicom"
    write_volume(volume.replace(array=volume.array + 0.5), tmp_path / "o", provenance)
    assert read_volume(tmp_path / "o").shape == volume.shape


@pytest.mark.parametrize(
    ("number", "expected"), [("abc", 1000), ("", 1000), ("7", 1007), ("1a", 1000)]
)
@pytest.mark.parametrize("vr", ["LO", "IS"])
def test_text_in_series_number(tmp_path, number, expected, vr):
    def change(dataset, index):
        dataset.add(pydicom.DataElement(0x00200011, "LO", number))

    folder = dicom_files.series(tmp_path / "s", change=change)
    for path in (tmp_path / "s").iterdir():
        content = path.read_bytes()
        assert content.count(b"\x20\0\x11\0LO") == 1
        path.write_bytes(content.replace(b"\x20\0\x11\0LO", b"\x20\0\x11\0" + vr.encode()))
    volume = read_volume(folder)
    write_volume(volume, tmp_path / "o", OURS)
    written = pydicom.dcmread(next((tmp_path / "o").iterdir()))
    assert written.SeriesNumber == expected
    assert written["SeriesNumber"].VR == "IS"
