"""The JSON file beside a volume."""

import json
import os

import pytest

from keras_mri_cyclegan.volumes import VolumeError, sidecar

PROVENANCE = {"Synthetic": True, "Description": "T2 → FLAIR", "Model": {"Name": "m", "n": 0.5}}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("t2.nii", "t2.json"),
        ("t2.nii.gz", "t2.json"),
        ("T2.NII.GZ", "T2.json"),
        ("a.b/sub-01_acq-1.5T_t2.nii.gz", "a.b/sub-01_acq-1.5T_t2.json"),
        ("t2.hdr", "t2.json"),
        ("t2.img.gz", "t2.json"),
        ("t2.npy", "t2.json"),
        ("series", "series.json"),
        ("out/series/", "out/series.json"),
        ("k.h5::reconstruction/rss", "k.reconstruction.rss.json"),
        ("k.npz::t1", "k.t1.json"),
    ],
)
def test_path(path, expected):
    assert sidecar.path_of(path) == expected


def test_written_as_json(tmp_path):
    path = sidecar.write(tmp_path / "t2.nii.gz", PROVENANCE)
    assert path == str(tmp_path / "t2.json")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert json.loads(text) == PROVENANCE
    assert list(json.loads(text)) == list(PROVENANCE)
    assert "→" in text
    assert os.listdir(tmp_path) == ["t2.json"]


@pytest.mark.parametrize("bad", [{"x": float("nan")}, {"x": b"bytes"}, {"x": {1, 2}}, [1], "text"])
def test_what_json_cannot_hold(tmp_path, bad):
    with pytest.raises(ValueError, match="`provenance` must"):
        sidecar.write(tmp_path / "t2.nii", bad)
    assert os.listdir(tmp_path) == []


def test_no_folder(tmp_path):
    with pytest.raises(VolumeError, match=r"t2\.json"):
        sidecar.write(tmp_path / "nowhere" / "t2.nii", PROVENANCE)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_taken_back_if_the_volume_fails(tmp_path, error):
    seen = []

    def fail():
        seen.extend(os.listdir(tmp_path))
        raise error

    with pytest.raises(error), sidecar.beside(tmp_path / "t2.npy", PROVENANCE):
        fail()
    assert seen == ["t2.json"]
    assert os.listdir(tmp_path) == []


def test_only_ours_is_replaced(tmp_path):
    path, ours = tmp_path / "t2.json", {"Synthetic": True, "GeneratedBy": {"Name": sidecar.PACKAGE}}
    others = [
        "",
        "{",
        "[" * 100_000,
        "[]",
        json.dumps({**ours, "Synthetic": False}),
        json.dumps({**ours, "Synthetic": 1}),
        json.dumps({"Synthetic": True}),
        json.dumps({"Synthetic": True, "GeneratedBy": [ours["GeneratedBy"]]}),
        json.dumps({"Synthetic": True, "GeneratedBy": {"Name": "dcm2niix"}}),
    ]
    for text in others:
        path.write_text(text)
        with pytest.raises(VolumeError, match=r"t2\.json`.*another name"):
            sidecar.write(tmp_path / "t2.nii", ours)
        with (
            pytest.raises(VolumeError, match=r"t2\.json`"),
            sidecar.beside(tmp_path / "t2.nii", ours),
        ):
            pass
        assert path.read_text() == text
    path.write_text(json.dumps(ours))
    sidecar.write(tmp_path / "t2.nii", {**ours, "Date": "now"})
    assert json.loads(path.read_text())["Date"] == "now"


@pytest.mark.parametrize("name", ["folder", "pipe", "link"])
def test_what_is_no_file_is_not_ours(tmp_path, name):
    path = tmp_path / "t2.json"
    {"folder": path.mkdir, "pipe": lambda: os.mkfifo(path), "link": lambda: path.symlink_to("x")}[
        name
    ]()
    with pytest.raises(VolumeError, match="another name"):
        sidecar.check_ours(tmp_path / "t2.nii")


def test_the_old_one_comes_back_if_the_volume_fails(tmp_path):
    ours = {"Synthetic": True, "GeneratedBy": {"Name": sidecar.PACKAGE}}
    sidecar.write(tmp_path / "t2.nii", ours)
    before = (tmp_path / "t2.json").read_bytes()
    with pytest.raises(KeyboardInterrupt), sidecar.beside(tmp_path / "t2.nii", PROVENANCE):
        raise KeyboardInterrupt
    assert (tmp_path / "t2.json").read_bytes() == before
    assert os.listdir(tmp_path) == ["t2.json"]


def test_none_is_no_sidecar(tmp_path):
    (tmp_path / "t2.json").write_text("the study's own")
    with pytest.raises(RuntimeError), sidecar.beside(tmp_path / "t2.npy", None):
        raise RuntimeError
    assert (tmp_path / "t2.json").read_text() == "the study's own"
