import fcntl
import json
import os
import zlib

import h5py
import numpy as np
import pytest
from cost import cost

from keras_mri_cyclegan.volumes import Volume, VolumeError, VolumeWarning, read_volume, write_volume
from keras_mri_cyclegan.volumes.axial_slices import AFFINE


def _stored(dtype="float32", shape=(3, 4, 5)):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.h5"


def _error(path, **arguments):
    with pytest.raises(VolumeError) as error:
        read_volume(path, **arguments)
    assert "a.h5" in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("dtype", ["float32", "int16", ">i2", "float64", "uint8", "float16"])
@pytest.mark.parametrize("shape", [(3, 4, 5), (4, 5), (3, 4, 5, 1)])
def test_round_trip(path, tmp_path, dtype, shape):
    stored = _stored(dtype, shape)
    with h5py.File(path, "w") as file:
        file["group/scan"] = stored
    volume = read_volume(f"{path}::group/scan")
    write_volume(volume, tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        written = file["group/scan"][...]
    assert written.dtype == stored.dtype
    np.testing.assert_array_equal(written, stored, strict=True)
    expected = stored.reshape((1, *shape)[-3:] if len(shape) < 4 else shape[:3])
    np.testing.assert_array_equal(volume.array, expected.transpose(2, 1, 0))


@pytest.mark.parametrize(
    "options",
    [
        {"chunks": (1, 4, 5)},
        {"chunks": (2, 3, 2), "compression": "gzip"},
        {"chunks": (2, 3, 2), "compression": "gzip", "shuffle": True, "fletcher32": True},
        {"chunks": (3, 2, 5), "compression": "lzf", "shuffle": True},
        {"chunks": (3, 4, 5), "fletcher32": True},
        {"chunks": (8, 8, 8), "maxshape": (None, None, None), "compression": "gzip"},
    ],
)
def test_chunks_and_filters(path, options):
    with h5py.File(path, "w") as file:
        file.create_dataset("scan", data=_stored("int16"), **options)
    np.testing.assert_array_equal(read_volume(path).array, _stored().transpose(2, 1, 0))


def test_many_slices_are_read_in_slabs(path, monkeypatch):
    stored = _stored("int16", (37, 20, 30))
    with h5py.File(path, "w") as file:
        file.create_dataset("scan", data=stored, chunks=(5, 7, 9), compression="gzip")
    monkeypatch.setattr("keras_mri_cyclegan.volumes.hdf5.SLAB_VOXELS", 7000)
    np.testing.assert_array_equal(read_volume(path).array, stored.transpose(2, 1, 0))


def test_fastmri(path):
    with h5py.File(path, "w") as file:
        file["kspace"] = np.ones((3, 15, 40, 36), "complex64")
        file["reconstruction_rss"] = _stored()
        file["reconstruction_esc"] = _stored() + 1
        file["ismrmrd_header"] = "<xml/>"
    volume = read_volume(f"{path}::reconstruction_rss")
    np.testing.assert_array_equal(volume.array, _stored().transpose(2, 1, 0))
    message = _error(path)
    assert "2 datasets" in message
    assert "'/reconstruction_esc' (3, 4, 5) float32" in message
    assert "complex" in _error(f"{path}::kspace")
    assert "real numbers" in _error(f"{path}::ismrmrd_header")
    assert "'/reconstruction_rss'" in _error(f"{path}::reconstruction")


def test_the_only_volume_needs_no_name(path):
    with h5py.File(path, "w") as file:
        file["images/t1"] = _stored()
        file["labels"] = np.arange(3)
        file["loop"] = file["images"]
        file["images/back"] = file["/"]  # a group that contains itself
    assert read_volume(path).header.content == "/images/t1"


def test_thousands_of_objects_need_a_name(path):
    with h5py.File(path, "w") as file:
        for k in range(1001):
            file.create_group(str(k))
        file["scan"] = _stored()
    assert "or more datasets" in _error(path)
    assert read_volume(f"{path}::scan").shape == (5, 4, 3)


def test_provenance(tmp_path):
    volume = Volume(_stored().transpose(2, 1, 0), AFFINE)
    write_volume(volume, f"{tmp_path}/b.h5::scans/t2", {"Synthetic": True, "Text": "x" * 100_000})
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["scans/t2"].dtype == "float32"
        assert json.loads(file["scans/t2"].attrs["provenance"])["Synthetic"] is True
    assert sorted(os.listdir(tmp_path)) == ["b.h5", "b.scans.t2.json"]


def test_values_are_never_rounded_away(path, tmp_path):
    with h5py.File(path, "w") as file:
        file["scan"] = _stored("uint8")
    volume = read_volume(path)
    array = np.random.default_rng(0).uniform(0, 1, volume.shape).astype("float32")
    with pytest.warns(VolumeWarning, match="holds float32, not uint8"):
        write_volume(volume.replace(array=array), tmp_path / "b.h5")
    np.testing.assert_array_equal(read_volume(tmp_path / "b.h5").array, array)


@pytest.mark.parametrize("name", ["", "a//b", "../a", "a/"])
def test_bad_names_to_write(tmp_path, name):
    volume = Volume(_stored().transpose(2, 1, 0), AFFINE)
    with pytest.raises(VolumeError, match="a name after" if name == "" else f"named '{name}'"):
        write_volume(volume, f"{tmp_path}/b.h5::{name}")
    assert os.listdir(tmp_path) == []


def test_external_links_are_not_followed(path, tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["scans/t1"] = _stored()
    with h5py.File(path, "w") as file:
        file["t1"] = h5py.ExternalLink("secret.h5", "/scans/t1")
        file["scans"] = h5py.ExternalLink("secret.h5", "/scans")
        file["soft"] = h5py.SoftLink("/scans/t1")
        file["more/own"] = _stored() + 1
    assert "secret.h5" in _error(f"{path}::t1")
    assert "secret.h5" in _error(f"{path}::scans/t1")
    assert "not followed" in _error(f"{path}::soft")
    # The listing does not follow them either.
    assert read_volume(path).header.content == "/more/own"
    assert "Its datasets: '/more/own'" in _error(f"{path}::missing")


def test_storage_in_other_files(path, tmp_path):
    (tmp_path / "secret.raw").write_bytes(_stored().tobytes())
    layout = h5py.VirtualLayout((3, 4, 5), "float32")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["t1"] = _stored()
    layout[:] = h5py.VirtualSource(tmp_path / "b.h5", "t1", (3, 4, 5))
    with h5py.File(path, "w") as file:
        raw = str(tmp_path / "secret.raw")
        file.create_dataset("raw", (3, 4, 5), "float32", external=[(raw, 0, 240)])
        file.create_virtual_dataset("virtual", layout)
    with h5py.File(path) as file:  # h5py itself does read them
        assert file["raw"][...].any()
        assert file["virtual"][...].any()
    assert "stored in other files" in _error(f"{path}::raw")
    assert "stored in other files" in _error(f"{path}::virtual")


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (np.zeros((3, 4, 5)), "every voxel has the value 0"),
        (np.zeros((3, 0, 5)), "no voxel"),
        (np.zeros(60), "three axes"),
        (np.zeros((2, 3, 4, 5)), "three axes"),
        (np.zeros((3, 4, 5), "i2,i2"), "Expected an array of real numbers"),
        (np.array([[[1.0, np.nan]]]), "1 of 2 values are NaN"),
        (np.array([[[1.0, 1e300]]]), "beyond"),
        (h5py.Empty("f4"), "is empty"),
    ],
)
def test_datasets_that_are_no_scan(path, stored, message):
    with h5py.File(path, "w") as file:
        file["scan"] = stored
    assert message in _error(f"{path}::scan")


def test_nan_is_filled_on_request(path):
    with h5py.File(path, "w") as file:
        file["scan"] = np.array([[[1.0, np.nan, np.inf]]])
    assert read_volume(path, fill_nan=0).array.ravel().tolist() == [1, 0, 0]


def test_variable_length_and_references(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("ragged", (3, 4, 5), h5py.vlen_dtype("f4"))
        file.create_dataset("refs", (3, 4, 5), h5py.ref_dtype)
        file["type"] = np.dtype("f4")
    for name in ("ragged", "refs"):
        assert "Expected an array of real numbers" in _error(f"{path}::{name}")
    assert "not a dataset" in _error(f"{path}::type")
    assert "0 datasets" in _error(path)


def test_a_group_is_no_dataset(path):
    with h5py.File(path, "w") as file:
        file["group/scan"] = _stored()
    assert "is a group" in _error(f"{path}::group")
    assert "no dataset" in _error(f"{path}::group/scan/deeper")
    assert "no dataset" in _error(f"{path}::./group/scan")


@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n", b"hello" * 100])
def test_other_content(path, content):
    path.write_bytes(content)
    assert ("cannot be read as an HDF5 file" if content else "it is empty") in _error(path)


def test_truncated(path):
    with h5py.File(path, "w") as file:
        file["scan"] = _stored()
    path.write_bytes(path.read_bytes()[:-100])
    assert "truncated" in _error(path)


def test_open_for_writing_elsewhere(path):
    with h5py.File(path, "w") as file:
        file["scan"] = _stored()
    with open(path, "rb") as elsewhere:
        fcntl.flock(elsewhere, fcntl.LOCK_EX)
        assert "open for writing elsewhere" in _error(path)


def test_a_wrong_checksum(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("scan", data=_stored(), chunks=(3, 4, 5), fletcher32=True)
        start = file["scan"].id.get_chunk_info(0).byte_offset
    content = bytearray(path.read_bytes())
    content[start] ^= 1
    path.write_bytes(content)
    assert ("cannot be read as an HDF5 file" if content else "it is empty") in _error(path)


def test_filters_that_are_not_read(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("scan", data=_stored("int16"), chunks=(3, 4, 5), scaleoffset=0)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((3, 4, 5))
        plist.set_filter(32001, h5py.h5z.FLAG_OPTIONAL, (1, 2, 3))  # Blosc, not installed
        space = h5py.h5s.create_simple((3, 4, 5))
        h5py.h5d.create(file.id, b"blosc", h5py.h5t.NATIVE_INT16, space, plist)
    assert "the filter 6" in _error(f"{path}::scan")
    assert "the filter 32001" in _error(f"{path}::blosc")


@pytest.mark.parametrize(
    ("shape", "chunks", "message"),
    [
        ((2**20, 2**20, 2**20), (1, 64, 64), "header claims"),  # 4 exabytes, never written
        ((1, 4, 5), (2**9, 2**10, 2**10), "1 chunks of 2147483648 bytes"),
        ((2**13, 2**6, 2**6), (1, 1, 1), "33554432 chunks of 4 bytes"),
    ],
)
def test_claims_that_fill_the_memory(path, shape, chunks, message):
    with h5py.File(path, "w") as file:
        file.create_dataset("scan", shape, "f4", chunks=chunks, maxshape=(None, None, None))
    peak, seconds = cost(lambda: _error(f"{path}::scan"))
    assert peak < 2**20
    assert seconds < 10
    assert message in _error(f"{path}::scan")


def test_max_voxels(path):
    with h5py.File(path, "w") as file:
        file["scan"] = _stored()
    assert "max_voxels=60" in _error(path, max_voxels=59)
    assert read_volume(path, max_voxels=60).shape == (5, 4, 3)


def test_nearly_constant_and_huge(path):
    # 64 Mi voxels in a few KB.
    with h5py.File(path, "w") as file:
        file.create_dataset("scan", (64, 1024, 1024), "f4", chunks=(1, 1024, 1024))
    peak, _ = cost(lambda: _error(path))
    assert peak < 2**20


@pytest.mark.parametrize("size", [59, 2**24])
def test_chunks_that_inflate_to_another_size(path, size):
    with h5py.File(path, "w") as file:
        scan = file.create_dataset("scan", (3, 4, 5), "u1", chunks=(3, 4, 5), compression="gzip")
        scan.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(range(50)) + bytes(size - 50)))
    peak, _ = cost(lambda: _error(path))
    assert peak < 2**20
    assert "Expected 60" in _error(path)
