"""Preprocessing as JSON: the same numbers again, and nothing from a hostile file."""

import json
import math
import os

import keras
import numpy as np
import pytest

from keras_mri_cyclegan.preprocessing import (
    Nyul,
    Percentile,
    Preprocessing,
    Reorient,
    Slices,
    Step,
    json_file,
)
from keras_mri_cyclegan.volumes import Volume, VolumeError


def scans(count=3):
    for seed in range(count):
        yield Volume(np.random.default_rng(seed).gamma(2, 100 / 3, (9, 8, 7)), np.eye(4))


@pytest.fixture
def fitted():
    return Preprocessing([Reorient(), Percentile(clip=False), Nyul()], Slices(size=(8, 8))).fit(
        scans(), scans(2), verbose=0
    )


@pytest.fixture
def saved(fitted, tmp_path):
    path = tmp_path / "preprocessing.json"
    fitted.save(path)
    return path


def test_loaded_is_the_same_bit_for_bit(fitted, saved, tmp_path):
    loaded = Preprocessing.load(saved)
    assert loaded.get_config() == fitted.get_config()
    assert loaded.fingerprint() == fitted.fingerprint()
    assert loaded.domains == ("a", "b")
    volume = next(scans())
    for domain in "ab":
        np.testing.assert_array_equal(
            loaded.prepare(volume, domain).volume.array, fitted.prepare(volume, domain).volume.array
        )
    again = tmp_path / "again.json"
    loaded.save(again)
    assert again.read_bytes() == saved.read_bytes()
    assert saved.read_text().startswith('{\n  "format"')
    assert sorted(os.listdir(tmp_path)) == ["again.json", "preprocessing.json"]


def test_keras_serialises_it_too(fitted):
    entry = json.loads(json.dumps(keras.saving.serialize_keras_object(fitted)))
    assert keras.saving.deserialize_keras_object(entry).fingerprint() == fitted.fingerprint()


def test_the_fingerprint_follows_what_matters(fitted):
    first = fitted.fingerprint()
    assert len(first) == 64
    config = fitted.get_config()
    number = config["domains"]["a"][2]["scale"]
    number[3] = math.nextafter(number[3], 1)
    assert Preprocessing.from_config(config).fingerprint() != first
    assert fitted.fingerprint() == first  # a config is a copy
    assert Preprocessing(fitted.steps, fitted.cutter).fingerprint() != first
    assert Preprocessing().fingerprint() != Preprocessing([Reorient()]).fingerprint()


@keras.saving.register_keras_serializable(package="tests_preprocessing_files")
class KeepsAnObject(Step):
    def get_config(self):
        return {"number": float("nan")}


def test_nan_is_never_written(tmp_path):
    with pytest.raises(ValueError, match="cannot be kept as JSON"):
        Preprocessing([KeepsAnObject()]).save(tmp_path / "p.json")
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_not_there_is_an_error_that_names_the_file(fitted, tmp_path):
    with pytest.raises(VolumeError, match=r"nowhere/p.json"):
        fitted.save(tmp_path / "nowhere" / "p.json")


def load(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return Preprocessing.load(path)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        '"text"',
        b"\x80\xff\x00",
        b"\x1f\x8b\x08\x00",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"format": NaN}',
        '{"format": -Infinity}',
        '{"format": 1e999}',
        '{"format": 1, "format": 2}',
        '{"format": ' + "1" * 5000 + "}",
        "{}",
        '{"format": "other", "version": 1}',
        '{"format": ["keras_mri_cyclegan preprocessing"], "version": 1}',
    ],
)
def test_what_is_not_a_preprocessing_is_one_clear_error(content, tmp_path):
    with pytest.raises(VolumeError, match=r"^`.*p.json`: .*Expected"):
        load(tmp_path / "p.json", content)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"format": NaN}', "NaN is not a number"),
        ('{"format": -Infinity}', "-Infinity is not a number"),
        ('{"format": 1e999}', "1e999 is too large a number"),
        ('{"format": 1, "format": 2}', "has the same key twice"),
    ],
)
def test_what_json_should_not_hold_is_named(content, reason, tmp_path):
    with pytest.raises(VolumeError, match=reason):
        load(tmp_path / "p.json", content)


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "p.json"
    with open(path, "wb") as file:
        file.truncate(1 << 40)  # a sparse terabyte
    monkeypatch.setattr(json_file, "MAX_BYTES", 2**16)
    with pytest.raises(VolumeError, match=r"p.json`: more than 65536 bytes"):
        Preprocessing.load(path)


def test_what_is_no_file_is_not_read(tmp_path):
    for path in (tmp_path / "missing.json", tmp_path, "/dev/zero"):
        with pytest.raises(VolumeError, match="cannot be read: no such file"):
            Preprocessing.load(path)


def change(content, *keys, value):
    """Set an item deep inside."""
    inner = content
    for key in keys[:-1]:
        inner = inner[key]
    if value is None:
        del inner[keys[-1]]
    else:
        inner[keys[-1]] = value


@pytest.mark.parametrize(
    ("keys", "value", "message"),
    [
        (("version",), 2, r"version 2 .*reads version 1: update"),
        (("version",), True, "version True"),
        (("version",), None, "version None"),
        (("steps",), None, "must have 'steps', 'cutter' and 'domains'"),
        (("more",), 1, "must have 'steps', 'cutter' and 'domains'"),
        (("steps",), {}, "'steps' must be a list"),
        (("domains",), [], "'domains' a dictionary"),
        (("steps", 0), "Reorient", r"`steps\[0\]` must be a dictionary of a 'class_name'"),
        (("steps", 0, "class_name"), 3, r"`steps\[0\]` must be a dictionary of a 'class_name'"),
        (("steps", 0, "class_name"), "os>system", r"`steps\[0\]` names the class 'os>system', but"),
        (("steps", 0, "class_name"), "mine>Sharpen", "class is your own, import the module"),
        (("steps", 0, "class_name"), "keras_mri_cyclegan>CycleGAN", "no step is registered"),
        (("steps", 0, "class_name"), "keras_mri_cyclegan>Slices", "no step is registered"),
        (("cutter", "class_name"), "keras_mri_cyclegan>MinMax", "no cutter is registered"),
        (("cutter",), [], "`cutter` must be a dictionary"),
        (("steps", 0, "config"), [], r"`steps\[0\]` must be a dictionary"),
        (
            ("steps", 0, "config"),
            {"direction": 1},
            r"`steps\[0\]`: .*Reorient cannot be built from",
        ),
        (("steps", 0, "config", "orientation"), "RAR", "`orientation` must"),
        (("steps", 1, "config", "high"), "9" * 900, "`high` must"),
        (("steps", 1, "config", "high"), [1], "`high` must"),
        (("cutter", "config", "size"), {"a": 1}, "`size` must"),
        (("cutter", "config", "plane"), ["axial"], "`plane` must"),
        (("cutter", "config", "neighbours"), -1, "`neighbours` must"),
        (("domains", "c"), [], "`domains` must be one of"),
        (("domains", "a"), {}, "must have a list of 3 states"),
        (("domains", "a", 0), None, "must have a list of 3 states"),
        (("domains", "a", 0), "x", "A state must be a dictionary"),
        (("domains", "a", 0), {"low": 1}, "Reorient learns nothing but has a state"),
        (("domains", "a", 1, "low"), 1e30, "Percentile has a state of"),
        (("domains", "a", 1, "low"), "x", "Percentile has a state of"),
        (("domains", "b", 2, "scale"), [1, 2], "Nyul has a state of"),
        (("domains", "b", 2, "landmarks", 4), -1e9, "Nyul has a state of"),
    ],
)
def test_a_file_with_something_wrong_says_what(keys, value, message, saved):
    content = json.loads(saved.read_text())
    change(content, *keys, value=value)
    with pytest.raises(VolumeError, match=rf"(?s)preprocessing.json`: .*{message}"):
        load(saved, json.dumps(content))


def test_any_mutated_file_loads_or_is_our_own_error(saved):
    good = saved.read_bytes()
    rng = np.random.default_rng(0)
    loaded = 0
    for _ in range(300):
        bad = bytearray(good)
        for _ in range(rng.integers(1, 4)):
            place, kind = rng.integers(len(bad)), rng.integers(3)
            if kind == 0:
                bad[place] = rng.integers(256)
            elif kind == 1:
                del bad[place : place + rng.integers(1, 30)]
            else:
                bad[place:place] = bad[rng.integers(len(bad)) :][: rng.integers(1, 30)]
        try:
            load(saved, bytes(bad))
            loaded += 1
        except VolumeError:
            pass
    assert 0 < loaded < 200
