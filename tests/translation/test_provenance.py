import datetime
import hashlib
import json

import keras
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.translation.provenance import (
    describe_source,
    describe_translation,
    hash_network,
    without_folders,
)
from keras_mri_cyclegan.volumes import Volume


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def network():
    return kmc.unet_generator((16, 16, 1), depth=3, filters=2)  # with dropout, and its seed


def test_a_saved_network_keeps_its_hash(network, tmp_path):
    before = hash_network(network)
    network.predict_on_batch(np.zeros((1, 16, 16, 1), "float32"))
    network(np.zeros((1, 16, 16, 1), "float32"), training=True)  # moves the seed's state
    network.save(tmp_path / "model.keras")
    assert hash_network(network) == before
    assert hash_network(keras.models.load_model(tmp_path / "model.keras")) == before


def test_another_weight_or_architecture_has_another_hash(network):
    before = hash_network(network)
    kernel = network.weights[0]
    value = keras.ops.convert_to_numpy(kernel.value).copy()
    value.flat[0] += 1e-6
    kernel.assign(value)
    assert hash_network(network) != before

    def halved(slope):
        return keras.Sequential([keras.Input((4,)), keras.layers.LeakyReLU(slope)], name="same")

    assert hash_network(halved(0.1)) != hash_network(halved(0.2))


def test_a_network_without_a_config_has_a_hash():
    class Own(keras.Model):
        def __init__(self, units):
            super().__init__()
            self.dense = keras.layers.Dense(units)

        def call(self, x):
            return self.dense(x)

    model = Own(2)
    model(np.zeros((1, 3), "float32"))
    assert len(hash_network(model)) == 64


def test_a_file_is_named_without_its_folder_and_hashed_as_sha256sum_does(tmp_path):
    path = tmp_path / "sub-01" / "t1.h5"
    path.parent.mkdir()
    path.write_bytes(b"x" * (2**20 + 3))
    expected = sha256(b"x" * (2**20 + 3))
    assert describe_source(path) == {"File": "t1.h5", "SHA256": expected}
    assert describe_source(f"{path}::scans/3") == {"File": "t1.h5::scans/3", "SHA256": expected}


def test_a_folder_is_hashed_over_its_files_and_their_names(tmp_path):
    series = tmp_path / "series"
    series.mkdir()
    for name, content in [("b", b"2"), ("a", b"1"), (".hidden", b"3")]:
        (series / name).write_bytes(content)
    lines = f"{sha256(b'1')}  a\n{sha256(b'2')}  b\n"
    expected = {"File": "series", "SHA256": sha256(lines.encode())}
    assert describe_source(series) == describe_source(f"{series}/") == expected
    assert describe_source(f"{series}::1.2.3")["SHA256"] == expected["SHA256"]


def test_both_files_of_a_pair_are_hashed(tmp_path):
    (tmp_path / "t1.hdr").write_bytes(b"header")
    (tmp_path / "t1.img").write_bytes(b"image")
    lines = f"{sha256(b'header')}  t1.hdr\n{sha256(b'image')}  t1.img\n"
    for name in ("t1.hdr", "t1.img"):
        found = describe_source(tmp_path / name)
        assert found == {"File": name, "SHA256": sha256(lines.encode())}


def test_a_volume_in_memory_is_hashed_by_its_voxels():
    array = np.arange(24, dtype="float32").reshape(2, 3, 4)
    expected = sha256(array.astype("<f4").tobytes())
    given = Volume(array, np.eye(4), path="/data/mary/t1.nii.gz")
    assert describe_source(given) == {"File": "t1.nii.gz", "VoxelsSHA256": expected}
    assert describe_source(Volume(array, np.eye(4)))["File"] is None


def test_absolute_paths_lose_their_folders():
    config = {
        "a": ["/data/mary/masks", {"b": r"C:\scans\mary\t1.nii"}],
        "c": "masks/*.nii",
        "d": 1.5,
    }
    assert without_folders(config) == {
        "a": ["masks", {"b": "t1.nii"}],
        "c": "masks/*.nii",
        "d": 1.5,
    }


def test_it_says_that_it_is_synthetic(network):
    scan = Volume(np.arange(8.0).reshape(2, 2, 2), np.eye(4))
    made = describe_translation(network, "ab", scan, Preprocessing(), "source", ["axial"])
    assert made["Synthetic"] is True
    assert made["Warning"] == "Synthetic, not for diagnosis."


def test_the_date_is_in_utc_and_all_of_it_is_json(network):
    date = datetime.datetime.fromisoformat("2026-01-02T03:04:05+02:00")
    scan = Volume(np.arange(8.0).reshape(2, 2, 2), np.eye(4))
    made = describe_translation(network, "ba", scan, Preprocessing(), "source", ["axial"], date)
    assert made["Date"] == "2026-01-02T01:04:05+00:00"
    assert "B to A" in made["Description"]
    assert json.loads(json.dumps(made)) == made


def test_no_folder_of_the_preprocessing_is_told(network):
    class WithFiles(Preprocessing):
        def get_config(self):
            return {"steps": [{"pattern": "/data/mary/masks/*.nii"}]}

    scan = Volume(np.arange(8.0).reshape(2, 2, 2), np.eye(4))
    made = describe_translation(network, "ab", scan, WithFiles(), "source", ["axial"])
    assert made["Preprocessing"] == {"steps": [{"pattern": "*.nii"}]}
