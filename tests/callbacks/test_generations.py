import json
import os
import shutil
import subprocess

import numpy as np
import pytest

from keras_mri_cyclegan.callbacks import CheckpointError, CheckpointWarning
from keras_mri_cyclegan.callbacks.generations import ARRAYS, MODEL, STATE, SUMS, Generations
from keras_mri_cyclegan.volumes import VolumeError


def saved(text):
    def save(path):
        with open(path, "w") as file:
            file.write(text)

    return save


@pytest.fixture
def three(tmp_path):
    """Return a folder with the state after an epoch, after four batches more, and after two."""
    generations = Generations(tmp_path / "run", keep=3)
    for position in ((1, 0), (1, 4), (2, 0)):
        generations.write(position, saved(f"model {position} " * 9), {"at": list(position)})
    return generations


def names(generations):
    return [path.name for path in generations.paths()]


def test_the_newest_is_found_by_its_place_in_the_training(three):
    assert names(three) == ["epoch_0002", "epoch_0001_batch_00004", "epoch_0001"]
    newest = three.newest()
    assert newest.state["at"] == [2, 0]
    assert newest.model.read_text().startswith("model (2, 0)")
    three.write((10000, 0), saved("late"), {})
    assert names(three) == ["epoch_10000", "epoch_0002", "epoch_0001_batch_00004"]


def test_an_empty_or_missing_folder_holds_none(tmp_path):
    assert Generations(tmp_path, keep=2).newest() is None
    assert Generations(tmp_path / "missing", keep=2).newest() is None
    (tmp_path / "notes.txt").touch()
    (tmp_path / "epoch_1").mkdir()
    assert Generations(tmp_path, keep=2).newest() is None


def test_one_that_was_written_before_is_replaced(three):
    three.write((2, 0), saved("again"), {"at": "again"})
    assert three.newest().state["at"] == "again"
    assert len(os.listdir(three.folder)) == 3


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_checksums_are_those_of_sha256sum(three):
    for path in three.paths():
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", SUMS], cwd=path, check=True)


def test_a_failed_write_leaves_the_others_and_no_rubbish(three):
    def fail(path):
        saved("half")(path)
        raise OSError(28, "No space left on device")

    with pytest.raises(VolumeError, match="The disk is full"):
        three.write((3, 0), fail, {})
    assert sorted(os.listdir(three.folder)) == sorted(names(three))
    assert three.newest().state["at"] == [2, 0]


def test_what_a_killed_process_left_is_removed(three):
    half = three.folder / ".0123456789abcdef"
    half.mkdir()
    (half / MODEL).write_text("half")
    other = three.folder / ".hidden"
    other.mkdir()
    assert three.newest().state["at"] == [2, 0]
    assert not half.exists()
    assert other.exists()


def damages(data):
    yield None
    for size in range(0, len(data), 7):
        yield data[:size]
    for place in range(0, len(data), 3):
        yield data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
    yield data + b"\n"


@pytest.mark.parametrize("name", [MODEL, STATE, SUMS])
def test_of_a_damaged_one_the_one_before_is_taken(three, name):
    damaged = three.paths()[0]
    data = (damaged / name).read_bytes()
    for number, change in enumerate(damages(data)):  # noqa: B007 -- counted below
        (damaged / name).unlink()
        if change is not None:
            (damaged / name).write_bytes(change)
        with pytest.warns(CheckpointWarning, match="epoch_0002` is damaged .*epoch_0001_batch"):
            assert three.newest().state["at"] == [1, 4]
        aside = three.folder / "damaged_epoch_0002"
        assert aside.exists()
        assert names(three) == ["epoch_0001_batch_00004", "epoch_0001"]
        aside.rename(damaged)
        (damaged / name).write_bytes(data)
    assert number > 15
    assert three.newest().state["at"] == [2, 0]


def test_with_all_of_them_damaged_nothing_is_done(three):
    for path in three.paths():
        (path / MODEL).write_text("something else")
    with pytest.raises(CheckpointError, match=r"all checkpoints are damaged .*epoch_0001:"):
        three.newest()
    assert len(names(three)) == 3


def test_arrays_of_the_state_come_back_and_are_checked_as_well(three):
    arrays = [np.arange(6, dtype="float32").reshape(2, 3), np.array([np.inf]), np.int32(7)]
    path = three.write((3, 0), saved("model"), {"at": [3, 0], "best": {"weights": arrays}})
    state = three.newest().state
    assert state["at"] == [3, 0]
    for found, expected in zip(state["best"]["weights"], arrays, strict=True):
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype
    data = (path / ARRAYS).read_bytes()
    for change in (None, data[:-9], data[:200] + bytes([data[200] ^ 1]) + data[201:], data + b"?"):
        (path / ARRAYS).unlink()
        if change is not None:
            (path / ARRAYS).write_bytes(change)
        with pytest.warns(CheckpointWarning, match="epoch_0003` is damaged"):
            assert three.newest().state["at"] == [2, 0]
        (three.folder / "damaged_epoch_0003").rename(path)
        (path / ARRAYS).write_bytes(data)
    with pytest.raises(TypeError, match="holds no set"):
        three.write((4, 0), saved("model"), {"at": {4}})
    assert three.newest().state["at"] == [3, 0]


def test_a_later_format_is_no_damage(three):
    path = three.paths()[0]
    state = json.loads((path / STATE).read_text())
    (path / STATE).write_text(json.dumps({**state, "version": 2}))
    sums = "".join(
        subprocess.run(["sha256sum", n], cwd=path, capture_output=True, text=True).stdout
        for n in (MODEL, STATE)
    )
    (path / SUMS).write_text(sums)
    with pytest.raises(CheckpointError, match="later version"):
        three.newest()
    assert path.exists()
