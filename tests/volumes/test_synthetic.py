"""The mark that the library writes is read: its own products are not taken for acquired scans."""

import json
import warnings

import dicom_files
import keras
import numpy as np
import pytest
from PIL import Image

from keras_mri_cyclegan import _command_line, translate_volume, translate_volumes
from keras_mri_cyclegan._notices import ScanWarning
from keras_mri_cyclegan.data import VolumeImages, from_volumes
from keras_mri_cyclegan.datasets import load_image_folder
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing
from keras_mri_cyclegan.volumes import SyntheticWarning, Volume, read_volume, write_volume

OURS = {"Synthetic": True, "GeneratedBy": {"Name": "keras_mri_cyclegan"}}
KINDS = ["nii.gz", "nii", "hdr", "h5", "npy", "npz", "dicom", "png"]


@pytest.fixture(autouse=True)
def only_ours_are_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", SyntheticWarning)
        yield


def _scan(kind, folder, name="s", provenance=OURS):
    """Write a scan of a kind that says that it is synthetic; return its path."""
    path = folder / (f"{name}.{kind}" if kind not in ("dicom", "png") else name)
    if kind == "dicom":
        volume = read_volume(dicom_files.series(folder / f"{name} source"))
    elif kind == "png":
        (folder / f"{name} source").mkdir(parents=True)
        for index, stored in enumerate(dicom_files.scan((4, 7, 6), "uint8", high=255)):
            Image.fromarray(stored).save(folder / f"{name} source" / f"{index}.png")
        volume = read_volume(folder / f"{name} source")
    else:
        volume = Volume(np.random.default_rng(0).integers(0, 99, (6, 7, 4)), np.eye(4))
    write_volume(volume, path, provenance)
    return str(path)


def _steps():
    return Preprocessing([MinMax()])


def _network():
    return keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Identity()])


def _from_volumes(path, other):
    return from_volumes([path], [other], _steps(), verbose=0)


DOORS = {
    "fit": lambda path, other: _steps().fit([other], [path], verbose=0),
    "prepare": lambda path, other: _steps().prepare(path),
    "prepare a volume": lambda path, other: _steps().prepare(read_volume(path)),
    "training_images": lambda path, other: _steps().training_images(path),
    "VolumeImages": lambda path, other: VolumeImages([path], _steps(), verbose=0),
    "from_volumes": _from_volumes,
    "from_volumes, the other side": lambda path, other: _from_volumes(other, path),
    "translate_volume": lambda path, other: translate_volume(
        _network(), path, preprocessing=_steps(), intensities="source", verbose=0
    ),
    "translate_volumes": lambda path, other: list(
        translate_volumes(
            _network(),
            [other, path],
            [f"{other}.a.nii", f"{other}.b.nii"],
            preprocessing=_steps(),
            intensities="source",
            verbose=0,
        )
    ),
}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_door_warns_once(tmp_path, door, kind):
    path = _scan(kind, tmp_path)
    other = _scan("npy", tmp_path, "acquired", provenance=None)
    with pytest.warns(SyntheticWarning) as caught:
        DOORS[door](path, other)
    (one,) = (str(one.message) for one in caught if one.category is SyntheticWarning)
    assert f"`{path}`: marked as synthetic" in one


@pytest.mark.parametrize("kind", KINDS)
def test_copies_and_acquired_scans_are_not_warned_of(tmp_path, kind):
    path = _scan(kind, tmp_path, provenance=None)
    other = _scan("npy", tmp_path, "acquired", provenance=None)
    (tmp_path / "s.json").write_text('{"EchoTime": 0.1}')
    with warnings.catch_warnings():
        warnings.simplefilter("error", SyntheticWarning)
        for door in DOORS.values():
            door(path, other)
        read_volume(_scan(kind, tmp_path, "seen"))  # looking at one is no use of it


def test_many_are_named_in_one_warning_also_from_a_cache(tmp_path):
    (tmp_path / "a").mkdir()
    for index in range(7):
        _scan("nii.gz", tmp_path / "a", f"sub-{index}")
    others = [_scan("npy", tmp_path, f"p{k}", provenance=None) for k in range(2)]
    for path in (tmp_path / "a").glob("*.json"):
        path.unlink()
    for _ in range(2):
        with pytest.warns(SyntheticWarning, match=r"sub-0.* and 2 more: marked") as caught:
            from_volumes(
                str(tmp_path / "a"),
                others,
                _steps(),
                validation=0.3,
                seed=0,
                cache=tmp_path / "cache",
                verbose=0,
            )
        assert len(caught) == 1
        assert caught[0].filename == __file__


def test_a_folder_of_pictures(tmp_path):
    path = _scan("png", tmp_path)
    with pytest.warns(SyntheticWarning, match="s`: marked"):
        load_image_folder(path)
    (tmp_path / "s.json").unlink()
    (tmp_path / "s" / "2.json").write_text(json.dumps(OURS))
    with pytest.warns(SyntheticWarning, match=r"2\.png`: marked"):
        load_image_folder(path)


@pytest.mark.parametrize("content", [b"", b'{"Synthetic": tr', b"\0" * 40, None])
def test_a_sidecar_that_cannot_be_read(tmp_path, content):
    path = _scan("nii.gz", tmp_path, provenance=None)
    beside = tmp_path / "s.json"
    if content is None:
        beside.symlink_to("nowhere")
    else:
        beside.write_bytes(content)
    with pytest.warns(ScanWarning, match=r"s\.json`: .*whether .* is synthetic is not known"):
        read_volume(path)


@pytest.mark.parametrize("content", ["{}", "[1, 2]", '\ufeff{"EchoTime": 0.1}'])
def test_a_sidecar_of_another_kind_is_no_reason_to_warn(tmp_path, content):
    path = str(tmp_path / "s.nii.gz")
    write_volume(Volume(np.random.default_rng(0).integers(0, 99, (6, 7, 4)), np.eye(4)), path)
    (tmp_path / "s.json").write_text(content, encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ScanWarning)
        read_volume(path)


def test_the_command_line_says_it(tmp_path, capsys):
    path = _scan("nii.gz", tmp_path)
    _network().save(tmp_path / "m.keras")
    volume = Volume(np.arange(24.0).reshape(2, 3, 4), np.eye(4))
    _steps().fit([volume], [volume], verbose=0).save(tmp_path / "preprocessing.json")
    arguments = ["translate", f"{tmp_path}/m.keras", path, f"{tmp_path}/o.nii.gz", "--quiet"]
    assert _command_line.main(arguments) == 0
    assert capsys.readouterr().err.count("marked as synthetic") == 1
