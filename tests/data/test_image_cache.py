import os
from pathlib import Path

import numpy as np
import pytest

from keras_mri_cyclegan.data import image_cache
from keras_mri_cyclegan.preprocessing import (
    MaskFromFiles,
    MinMax,
    Nyul,
    Percentile,
    Preprocessing,
)
from keras_mri_cyclegan.volumes import Volume, VolumeError

IMAGES = np.random.default_rng(0).uniform(-1, 1, (5, 6, 7, 1)).astype("float32")


@pytest.fixture
def entry(tmp_path):
    path = str(tmp_path / "entry.npy")
    image_cache.store(path, IMAGES)
    return path


def test_an_entry_is_an_npy_file(entry):
    np.testing.assert_array_equal(np.load(entry), IMAGES)
    loaded = image_cache.load(entry)
    assert loaded.shape == IMAGES.shape
    np.testing.assert_array_equal(loaded.read(np.array([4, 0, 0])), IMAGES[[4, 0, 0]])
    assert os.listdir(os.path.dirname(entry)) == ["entry.npy"]


def test_any_damage_is_noticed(entry):
    whole = Path(entry).read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole), 97)]
    damaged += [whole + b"x", b"", whole[128:]]
    for position in range(0, len(whole), 53):
        changed = bytearray(whole)
        changed[position] ^= 4
        damaged.append(bytes(changed))
    for content in damaged:
        Path(entry).write_bytes(content)
        assert image_cache.load(entry) is None, content[:160]
    Path(entry).write_bytes(whole)
    assert image_cache.load(entry) is not None


@pytest.mark.parametrize("array", [IMAGES.astype("f8"), np.array([{}], object)])
def test_another_array_is_not_an_entry(entry, array):
    np.save(entry, array, allow_pickle=True)
    assert image_cache.load(entry) is None
    assert image_cache.load(entry + "none") is None


def test_an_entry_that_goes_away_or_shrinks(entry):
    loaded = image_cache.load(entry)
    os.truncate(entry, 300)
    with pytest.raises(VolumeError, match=r"entry.npy`.*cache.*Expected"):
        loaded.read(np.array([4]))
    os.remove(entry)
    with pytest.raises(VolumeError, match=r"entry.npy`.*cache.*Expected"):
        loaded.read(np.array([0]))


def scan(folder, name="t1.npy", value=1.0, mtime=10**18):
    path = str(folder / name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    data = np.zeros((3, 4, 5), "float32")
    data[1, 1, 1] = value
    with open(path, "wb") as file:  # by this name, whatever its suffix
        np.save(file, data)
    os.utime(path, ns=(mtime, mtime))
    return path


def test_what_the_name_of_an_entry_depends_on(tmp_path):
    """Alone on what the images are made from."""
    base = [Preprocessing([Percentile()]), "a"]
    path = scan(tmp_path)

    def name(path=path, preprocessing=base[0], domain="a"):
        return image_cache.entry_path("cache", path, preprocessing, domain)

    assert name() == name() == name(preprocessing=Preprocessing([Percentile()]))
    assert name() == name(path=scan(tmp_path / "elsewhere"))
    fitted = Preprocessing([Percentile()])
    rng = np.random.default_rng(0)
    fitted.fit([Volume(rng.uniform(0, 9, (4, 4, 4)), np.eye(4))], verbose=0)
    assert name() == name(preprocessing=fitted)  # what it learnt changes no image
    others = [
        name(path=scan(tmp_path / "other", value=2.0)),  # of one name, size and time
        name(path=scan(tmp_path / "newer", mtime=10**18 + 1)),
        name(path=scan(tmp_path, "t2.npy")),
        name(path=path + "::inside"),
        name(preprocessing=Preprocessing([MinMax()])),
        name(domain="b"),
        name(path=str(tmp_path / "elsewhere")),  # a folder
        name(path=Volume(np.load(path), np.eye(4))),
        name(path=Volume(np.load(path), np.diag([2, 1, 1, 1]))),
        name(path=Volume(np.load(path), np.eye(4), mask=np.load(path) > 0)),
    ]
    assert len({name(), *others}) == 1 + len(others)


def test_the_mask_of_a_scan_counts(tmp_path):
    preprocessing = Preprocessing([MaskFromFiles("{folder}/{stem}_mask.npy"), Percentile()])
    path, _ = scan(tmp_path), scan(tmp_path, "t1_mask.npy")
    before = image_cache.entry_path("", path, preprocessing, "a")
    assert before == image_cache.entry_path("", path, preprocessing, "a")
    scan(tmp_path, "t1_mask.npy", value=2.0)
    assert before != image_cache.entry_path("", path, preprocessing, "a")


def test_a_scan_that_is_not_there(tmp_path):
    with pytest.raises(VolumeError, match=r"none.nii`: it cannot be read"):
        image_cache.entry_path("", str(tmp_path / "none.nii"), Preprocessing(), "a")


def test_what_was_learnt_counts_if_it_changes_images(tmp_path):
    rng, path = np.random.default_rng(0), scan(tmp_path)
    names = set()
    for _ in range(2):
        scans = [Volume(rng.uniform(0, 9, (8, 8, 8)), np.eye(4)) for _ in range(2)]
        preprocessing = Preprocessing([Nyul()]).fit(scans, verbose=0)
        names.add(image_cache.entry_path("", path, preprocessing, "a"))
    assert len(names) == 2


def test_each_file_of_a_pair_and_of_a_series_counts(tmp_path):
    preprocessing = Preprocessing()
    for kind in ("pair", "series"):
        folder = tmp_path / kind
        names = ("t1.hdr", "t1.img") if kind == "pair" else ("1.dcm", "2.dcm")
        for name in names:
            scan(folder, name)
        path = str(folder / names[0]) if kind == "pair" else str(folder)
        before = image_cache.entry_path("", path, preprocessing, "a")
        scan(folder, names[1], value=3.0)
        assert image_cache.entry_path("", path, preprocessing, "a") != before
