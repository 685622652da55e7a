import os
import pickle
import time
import tracemalloc
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import nibabel
import numpy as np
import pytest

from keras_mri_cyclegan import volumes
from keras_mri_cyclegan.data import UnpairedDataset, VolumeImages
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Reorient, Slices
from keras_mri_cyclegan.volumes import Volume, VolumeError

PREPROCESSING = Preprocessing([Reorient(), MinMax()], Slices(size=(16, 12)))
GIB = 2**30


@pytest.fixture
def study(tmp_path):
    """Paths of five scans of 4 to 8 slices."""
    rng = np.random.default_rng(0)
    paths = []
    for number in range(5):
        data = rng.uniform(0, 900, (12, 16, 4 + number)).astype("float32")
        paths.append(str(tmp_path / f"sub-{number:02d}_T1w.nii"))
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), paths[-1])
    return paths


@pytest.fixture
def reads(monkeypatch):
    """How often each file was read."""
    counts, read = Counter(), volumes.read_volume

    def counted(path, *arguments, **keywords):
        counts[path] += 1
        return read(path, *arguments, **keywords)

    monkeypatch.setattr(volumes, "read_volume", counted)
    return counts


def expected(paths):
    """All images at once, from nibabel: axial slices, front to back and right to left."""
    images = []
    for path in paths:
        data = nibabel.load(path).get_fdata()
        data = 2 * (data - data.min()) / np.ptp(data) - 1
        images.append(data[::-1, ::-1].transpose(2, 1, 0)[..., None])
    return np.concatenate(images)


def of(paths, **arguments):
    return VolumeImages(paths, PREPROCESSING, verbose=0, **arguments)


@pytest.mark.parametrize("cached", [False, True])
def test_it_is_the_array_of_all_images(study, reads, tmp_path, cached):
    images = of(study, cache=tmp_path / "cache" if cached else None)
    truth = expected(study)
    assert images.shape == truth.shape == (30, 16, 12, 1)
    assert (len(images), images.ndim, images.dtype) == (30, 4, np.float32)
    assert images.counts == (4, 5, 6, 7, 8)
    indices = [
        0,
        -1,
        np.int64(7),
        slice(3, 25, 4),
        slice(None),
        [5, 5, 29, 0],
        np.array([28, 3]),
        np.arange(30) % 3 == 0,
        np.array([], int),
    ]
    for index in indices:
        found = images[index]
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, truth[index], atol=1e-5)
    np.testing.assert_allclose(np.asarray(images), truth, atol=1e-5)
    assert reads == dict.fromkeys(study, 1)
    changed = images[[0, 1]]
    changed[:] = 0  # a copy
    np.testing.assert_allclose(images[[0, 1]], truth[:2], atol=1e-5)
    for bad in (30, -31, [2, 30]):
        with pytest.raises(IndexError, match=r"30|31"):
            images[bad]


def test_a_second_run_finds_the_cache(study, tmp_path, monkeypatch):
    before = of(study, cache=tmp_path / "cache")[:]
    names = set(os.listdir(tmp_path / "cache"))
    monkeypatch.setattr(volumes, "read_volume", None)
    moved = tmp_path / "moved"
    moved.mkdir()
    for path in study:  # the time of change moves along
        os.rename(path, moved / os.path.basename(path))
    np.testing.assert_array_equal(of(str(moved), cache=tmp_path / "cache")[:], before)
    assert set(os.listdir(tmp_path / "cache")) == names
    assert len(names) == 5


def test_nothing_is_held_with_a_cache(study, tmp_path):
    images = of(study, cache=tmp_path / "cache", memory=0.0)
    assert not images._held
    np.testing.assert_allclose(images[:], expected(study), atol=1e-5)


def test_a_scan_that_changed_is_prepared_anew(study, reads, tmp_path):
    of(study, cache=tmp_path / "cache")
    image = nibabel.load(study[2])
    data = image.get_fdata()
    data[0, 0, 0] = 2000
    nibabel.save(nibabel.Nifti1Image(data.astype("float32"), image.affine), study[2])
    images = of(study, cache=tmp_path / "cache")
    assert reads == {**dict.fromkeys(study, 1), study[2]: 2}
    np.testing.assert_allclose(images[:], expected(study), atol=1e-5)


@pytest.mark.parametrize("memory", [0.0, 7 * 768 / GIB, 15 * 768 / GIB])
def test_over_the_budget_scans_are_dropped_and_prepared_again(study, reads, memory):
    with pytest.warns(UserWarning, match=r"`cache=`") as caught:
        images = of(study, memory=memory)
    assert len(caught) == 1
    assert reads == dict.fromkeys(study, 1)
    truth, rng = expected(study), np.random.default_rng(0)
    for _ in range(20):
        index = rng.integers(0, 30, 3)
        np.testing.assert_allclose(images[index], truth[index], atol=1e-5)
        held = sum(array.nbytes for array in images._held.values())
        assert held == images._held_bytes <= memory * GIB
    assert sum(reads.values()) > 10
    assert len(images._held) == {0: 0, 7: 1, 15: 2}[round(memory * GIB / 768)]


def test_the_least_recently_used_scan_is_dropped(study, reads):
    with pytest.warns(UserWarning, match="memory"):
        images = of(study[:3], memory=11 * 768 / GIB)  # scans 1 and 2 fit, of 5 and 6
    assert list(images._held) == [1, 2]
    assert images[5] is not None  # of scan 1
    assert images[0] is not None  # of scan 0, in place of 2
    assert list(images._held) == [1, 0]


def test_memory_is_one_scan_with_a_cache(tmp_path):
    """Of thirty scans of 2 MB."""
    paths = []
    for number in range(30):
        data = np.random.default_rng(number).uniform(0, 9, (64, 64, 128)).astype("float32")
        paths.append(str(tmp_path / f"{number}.npy"))
        np.save(paths[-1], data.T)
    preprocessing = Preprocessing([MinMax()])
    tracemalloc.start()
    try:
        images = VolumeImages(paths, preprocessing, cache=tmp_path / "cache", verbose=0)
        assert images[::128].shape == (30, 64, 64, 1)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 20e6 < images[:].nbytes


@pytest.mark.parametrize("mode", ["held", "cached", "dropped"])
def test_threads_and_processes_get_the_same(study, tmp_path, mode):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        images = of(
            study,
            cache=tmp_path / "cache" if mode == "cached" else None,
            memory=7 * 768 / GIB if mode == "dropped" else 1.0,
        )
    truth = expected(study)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(images.__getitem__, [[k % 30, 7 * k % 30] for k in range(60)]))
    for k, pair in enumerate(found):
        np.testing.assert_allclose(pair, truth[[k % 30, 7 * k % 30]], atol=1e-5)
    copied = pickle.loads(pickle.dumps(images))
    np.testing.assert_allclose(copied[:], truth, atol=1e-5)


def test_one_scan_is_prepared_at_a_time(study, monkeypatch):
    """Whatever the number of threads: each takes a scan's memory."""
    with pytest.warns(UserWarning, match="memory"):
        images = of(study, memory=0.0)
    at_once, most, prepare = 0, 0, VolumeImages._prepare

    def watched(self, scan):
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        time.sleep(0.01)
        at_once -= 1
        return prepare(self, scan)

    monkeypatch.setattr(VolumeImages, "_prepare", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(images.__getitem__, range(0, 30, 5)))
    assert most == 1


def test_scans_in_memory(tmp_path):
    rng = np.random.default_rng(0)
    scans = [Volume(rng.uniform(0, 9, (12, 16, 3)), np.eye(4)) for _ in range(3)]
    held, cached = of(scans), of(scans, cache=tmp_path)
    np.testing.assert_array_equal(held[:], cached[:])
    assert len(os.listdir(tmp_path)) == 3
    assert of([scans[1], scans[0]], cache=tmp_path).scans == (scans[1], scans[0])
    assert len(os.listdir(tmp_path)) == 3


def test_every_image_of_every_scan_comes_equally_early(study, tmp_path):
    """Through a dataset, from the cache: the mean place in the order is the middle, for each."""
    images, truth = of(study, cache=tmp_path / "cache"), expected(study)
    dataset = UnpairedDataset(images, images, 5, seed=0)
    epochs, places = 100, np.zeros(30)
    for epoch in range(epochs):
        dataset.epoch = epoch
        order = np.concatenate([a for a, _ in dataset])
        found = np.abs(order[:, None] - truth[None]).max((2, 3, 4)).argmin(1)
        assert sorted(found) == list(range(30))
        places[found] += np.arange(30) / epochs
    # The mean of 100 uniform draws from 0..29 has a deviation of 0.87.
    assert np.abs(places - 14.5).max() < 4 * 0.87


def test_images_of_two_shapes(study):
    preprocessing = Preprocessing([MinMax()])
    rng = np.random.default_rng(0)
    odd = Volume(rng.uniform(0, 9, (10, 16, 3)), np.eye(4), path="odd.nii")
    with pytest.raises(VolumeError, match=r"`odd.nii`.*\(16, 10, 1\).*Slices\(size"):
        VolumeImages([*study, odd], preprocessing, verbose=0)


class Nothing(Slices):
    def training_images(self, volume):
        return super().training_images(volume)[:0]


def test_a_scan_without_an_image(study):
    preprocessing = Preprocessing([MinMax()])
    preprocessing.cutter = Nothing()
    with pytest.raises(VolumeError, match=r"`.*sub-00_T1w.nii`: no image to train on"):
        VolumeImages(study, preprocessing, verbose=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"scans": []}, "`scans` must hold at least one scan"),
        ({"scans": 3}, "`scans` must be a folder"),
        ({"scans": [3]}, "`scans` must be a folder"),
        ({"scans": ["a.nii", "./a.nii"]}, "`scans` must hold every scan once.*a.nii"),
        ({"domain": "t1"}, "`domain`"),
        ({"memory": -1}, "`memory`"),
        ({"verbose": 3}, "`verbose`"),
        ({"cache": __file__}, "`cache` must be a folder"),
    ],
)
def test_bad_arguments(study, arguments, message):
    with pytest.raises(ValueError, match=message):
        VolumeImages(**{"scans": study, "preprocessing": PREPROCESSING, "verbose": 0, **arguments})


def test_repr_and_progress(study, capsys):
    images = VolumeImages(study, PREPROCESSING, memory=1.5)
    assert repr(images) == "VolumeImages(5 scans, shape=(30, 16, 12, 1), memory=1.5)"
    assert "5/5" in capsys.readouterr().out
    of(study)
    assert capsys.readouterr().out == ""
