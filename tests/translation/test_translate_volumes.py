"""Many scans: each becomes what `translate_volume` makes of it, and none stops the others."""

import threading

import keras
import nibabel as nib
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing
from keras_mri_cyclegan.translation import translator

OPTIONS = {"preprocessing": Preprocessing([MinMax()]), "intensities": "source", "verbose": 0}


@pytest.fixture
def network():
    network = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Dense(1)])
    network.set_weights([np.array([[0.5]]), np.array([0.1])])
    return network


@pytest.fixture
def scans(tmp_path):
    paths = []
    for k in range(4):
        array = np.random.default_rng(k).integers(0, 900, (6 + k, 5, 4), "int16")
        paths.append(tmp_path / f"scan_{k}.nii.gz")
        nib.save(nib.Nifti1Image(array, np.eye(4)), paths[-1])
    return paths


def voxels(path):
    return np.asarray(nib.load(path).dataobj)


def test_each_is_what_translate_volume_makes_of_it(network, scans, tmp_path):
    targets = [tmp_path / f"made_{k}.nii.gz" for k in range(4)]
    made = list(kmc.translate_volumes(network, scans, targets, **OPTIONS))
    assert [(one.source, one.target, one.error) for one in made] == [
        (source, target, None) for source, target in zip(scans, targets, strict=True)
    ]
    for source, target in zip(scans, targets, strict=True):
        alone = tmp_path / "alone.nii.gz"
        kmc.translate_volume(network, source, alone, overwrite=True, **OPTIONS)
        np.testing.assert_array_equal(voxels(target), voxels(alone))


def test_a_scan_that_fails_stops_none_of_the_others(network, scans, tmp_path, monkeypatch):
    scans[1].write_bytes(b"no scan")
    (tmp_path / "taken.nii.gz").write_bytes(b"")
    targets = [tmp_path / name for name in ("a.nii.gz", "b.nii.gz", "taken.nii.gz", "d.nii.gz")]
    write = translator.write_volume

    def full(volume, target, *others):
        if target == targets[3]:
            raise OSError(28, "No space left on device")
        return write(volume, target, *others)

    monkeypatch.setattr(translator, "write_volume", full)
    made = list(kmc.translate_volumes(network, scans, targets, **OPTIONS))
    kinds = [type(one.error) for one in made]
    assert kinds == [type(None), kmc.volumes.VolumeError, kmc.volumes.VolumeError, OSError]
    assert targets[0].exists()
    assert not targets[1].exists()
    assert not targets[3].exists()


def test_the_next_is_read_before_the_last_is_written(network, scans, tmp_path, monkeypatch):
    read = translator.read_volume
    second_was_read = threading.Event()

    def note(path, **options):
        volume = read(path, **options)
        if path == scans[1]:
            second_was_read.set()
        return volume

    translate = translator.Translator.translate

    def waits(self, *arguments):
        assert second_was_read.wait(timeout=60)
        return translate(self, *arguments)

    monkeypatch.setattr(translator, "read_volume", note)
    monkeypatch.setattr(translator.Translator, "translate", waits)
    targets = [tmp_path / f"made_{k}.nii.gz" for k in range(4)]
    made = list(kmc.translate_volumes(network, scans, targets, **OPTIONS))
    assert [one.error for one in made] == [None] * 4


def test_who_stops_early_has_whole_files(network, scans, tmp_path):
    targets = [tmp_path / f"made_{k}.nii.gz" for k in range(4)]
    made = kmc.translate_volumes(network, scans, targets, **OPTIONS)
    assert next(made).error is None
    made.close()
    for source, target in zip(scans, targets, strict=True):
        if target.exists():
            assert voxels(target).shape == voxels(source).shape
    assert targets[0].exists()
    assert not targets[3].exists()


def test_arguments_are_checked_at_once(network, scans, tmp_path):
    target = tmp_path / "made.nii.gz"
    with pytest.raises(ValueError, match="1 sources and 2 targets"):
        kmc.translate_volumes(network, scans[:1], [target, target], **OPTIONS)
    for sources, targets, name in (
        (scans, str(tmp_path), "targets"),
        (str(tmp_path), [target], "sources"),
        (tmp_path, [target], "sources"),
    ):
        with pytest.raises(ValueError, match=f"`{name}` must be a list .*find_volumes"):
            kmc.translate_volumes(network, sources, targets, **OPTIONS)
    with pytest.raises(ValueError, match="more than once"):
        kmc.translate_volumes(network, scans[:2], [target, target], **OPTIONS)
    with pytest.raises(ValueError, match="`batch_size`"):
        kmc.translate_volumes(network, scans[:1], [target], batch_size=0, **OPTIONS)
    assert list(kmc.translate_volumes(network, [], [], **OPTIONS)) == []


def test_the_network_is_not_asked_while_it_works(network, scans, tmp_path, monkeypatch):
    asked, hash_network = [], translator.hash_network

    def note(network):
        asked.append(threading.current_thread())
        return hash_network(network)

    monkeypatch.setattr(translator, "hash_network", note)
    targets = [tmp_path / f"made_{k}.nii.gz" for k in range(4)]
    assert all(not one.error for one in kmc.translate_volumes(network, scans, targets, **OPTIONS))
    assert asked == [threading.main_thread()]
