import io
import json
import os
import pickle
import struct
import zipfile

import numpy as np
import pytest
from cost import cost

from keras_mri_cyclegan.volumes import Volume, VolumeError, VolumeWarning, read_volume, write_volume

DTYPES = ["int16", ">i2", "uint8", "int32", "float32", ">f8", "float16", "uint16"]


def _stored(dtype="int16", shape=(3, 4, 5)):
    values = np.random.default_rng(0).integers(0, 200, shape)
    return (values - 100 if np.dtype(dtype).kind != "u" else values).astype(dtype)


def _npy(stored):
    file = io.BytesIO()
    np.save(file, stored)
    return file.getvalue()


def _with_header(shape, dtype="<f8", data=b""):
    """A `.npy` file that claims `shape` and holds `data`."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape}
    )
    return file.getvalue() + data


def _error(path, content=None, **arguments):
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(VolumeError) as error:
        read_volume(path, **arguments)
    assert path.name.partition("::")[0] in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_round_trip(tmp_path, dtype, suffix):
    source, target = tmp_path / f"a{suffix}", tmp_path / f"b{suffix}"
    stored = _stored(dtype)
    if suffix == ".npy":
        np.save(source, stored)
    else:
        np.savez(source, scan=stored)
    volume = read_volume(source)
    write_volume(volume, target)
    written = np.load(target)
    written = written if suffix == ".npy" else written["scan"]
    assert written.dtype == stored.dtype
    assert written.shape == stored.shape
    np.testing.assert_array_equal(written, stored)
    np.testing.assert_array_equal(volume.array, stored.transpose(2, 1, 0))
    assert not volume.header.has_geometry
    assert volume.orientation == "LPS"


@pytest.mark.parametrize("shape", [(4, 5), (3, 4, 5, 1), (3, 4, 5, 1, 1), (1, 4, 5), (3, 1, 1)])
def test_the_layout_is_given_back(tmp_path, shape):
    stored = _stored(shape=shape)
    np.save(tmp_path / "a.npy", stored)
    volume = read_volume(tmp_path / "a.npy")
    assert len(volume.shape) == 3
    write_volume(volume, tmp_path / "b.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), stored, strict=True)


def test_fortran_order(tmp_path):
    stored = _stored()
    np.save(tmp_path / "a.npy", np.asfortranarray(stored))
    np.testing.assert_array_equal(
        read_volume(tmp_path / "a.npy").array, stored.transpose(2, 1, 0), strict=False
    )


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_header_versions(tmp_path, version):
    with open(tmp_path / "a.npy", "wb") as file:
        np.lib.format.write_array(file, _stored(), version=version)
    assert read_volume(tmp_path / "a.npy").array[4, 3, 2] == _stored()[2, 3, 4]


def test_compressed_archive_of_several(tmp_path):
    path = tmp_path / "a.npz"
    np.savez_compressed(path, t1=_stored(), t2=_stored() + 1)
    volume = read_volume(f"{path}::t2")
    np.testing.assert_array_equal(volume.array, (_stored() + 1).transpose(2, 1, 0))
    assert "'t1', 't2'" in _error(path)
    assert "'t1', 't2'" in _error(tmp_path / "a.npz::t3")


def test_provenance_lies_beside(tmp_path):
    np.save(tmp_path / "a.npy", _stored())
    write_volume(read_volume(tmp_path / "a.npy"), tmp_path / "b.npy", {"Synthetic": True})
    assert json.loads((tmp_path / "b.json").read_text()) == {"Synthetic": True}


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
@pytest.mark.parametrize(
    ("dtype", "low", "high"), [("uint8", 0, 1), ("int16", -1, 99), ("?", 0, 1)]
)
def test_values_are_never_rounded_away(tmp_path, suffix, dtype, low, high):
    """Intensities of another contrast over the few steps of whole numbers."""
    stored = np.resize([0, 1], (3, 4, 5)).astype(dtype)
    stored = stored if dtype == "?" else _stored(dtype) * (3 if dtype == "int16" else 1)
    np.save(tmp_path / "a.npy", stored)
    volume = read_volume(tmp_path / "a.npy")
    array = np.random.default_rng(0).uniform(low, high, volume.shape).astype("float32")
    with pytest.warns(VolumeWarning, match=r"holds float32, not .* steps"):
        write_volume(volume.replace(array=array), tmp_path / f"b{suffix}")
    again = read_volume(tmp_path / f"b{suffix}")
    assert again.header.dtype == "float32"
    np.testing.assert_array_equal(again.array, array)


def test_values_are_rounded(tmp_path):
    np.save(tmp_path / "a.npy", _stored())
    volume = read_volume(tmp_path / "a.npy")
    nearly = volume.array + np.resize([0.4, -0.4], volume.shape)
    write_volume(volume.replace(array=nearly), tmp_path / "b.npy")
    np.testing.assert_array_equal(np.load(tmp_path / "b.npy"), _stored())


@pytest.mark.parametrize(("dtype", "value"), [("uint8", 256), ("int16", -32769), ("int32", 2**31)])
def test_values_that_do_not_fit_are_no_file(tmp_path, dtype, value):
    np.save(tmp_path / "a.npy", _stored(dtype))
    volume = read_volume(tmp_path / "a.npy")
    array = volume.array.copy()
    array[0, 0, 0] = value
    with pytest.raises(VolumeError, match="1 of 60 values do not fit"):
        write_volume(volume.replace(array=array), tmp_path / "b.npy", {"Synthetic": True})
    assert os.listdir(tmp_path) == ["a.npy"]


def test_what_is_lost_between_formats_is_warned_of(tmp_path):
    array = np.arange(60, dtype="float32").reshape(5, 4, 3)
    volume = Volume(array, np.diag([1, 1, 2, 1]))  # RAS+
    with pytest.warns(VolumeWarning, match="RAS with a spacing of"):
        write_volume(volume, tmp_path / "a.npy")
    # Slices from feet to head, rows from front to back, columns from right to left.
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), array[::-1, ::-1].transpose(2, 1, 0))


@pytest.mark.parametrize(
    ("stored", "message"),
    [
        (np.full((3, 4, 5), 7.0), "every voxel has the value 7"),
        (np.zeros((3, 0, 5)), "no voxel"),
        (np.zeros(60), "three axes"),
        (np.zeros((2, 3, 4, 5)), "three axes"),
        (np.zeros((3, 4, 5), complex), "complex128"),
        (np.zeros((3, 4, 5), "U3"), "Expected real numbers"),
        (np.zeros((3, 4, 5), "i2,i2"), "Expected real numbers"),
        (np.array([[[1.0, np.nan]]]), "1 of 2 values are NaN"),
        (np.array([[[1.0, -np.inf]]]), "1 of 2 values are NaN"),
        (np.array([[[1.0, 1e300]]]), "beyond"),
    ],
)
def test_arrays_that_are_no_scan(tmp_path, stored, message):
    assert message in _error(tmp_path / "a.npy", _npy(stored))


def test_nan_is_filled_on_request(tmp_path):
    np.save(tmp_path / "a.npy", np.array([[[1.0, np.nan, np.inf, -np.inf]]]))
    volume = read_volume(tmp_path / "a.npy", fill_nan=-2)
    assert volume.array.ravel().tolist() == [1, -2, -2, -2]
    np.save(tmp_path / "b.npy", np.array([[[1.0, np.nan, 1e300]]]))
    assert "beyond" in _error(tmp_path / "b.npy", fill_nan=0)


class _Evil:
    def __reduce__(self):
        return os.mkdir, ("made_by_pickle",)


def test_pickles_are_never_loaded(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = np.empty((1, 1, 1), object)
    stored[0, 0, 0] = _Evil()
    np.save("a.npy", stored, allow_pickle=True)
    np.savez("a.npz", stored)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(_Evil()))
    for name in ("a.npy", "a.npz"):
        assert "never unpickled" in _error(tmp_path / name)
    assert "it starts with" in _error(tmp_path / "b.npy")
    assert not os.path.exists("made_by_pickle")


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"PK\x03\x04", b"hello, world" * 20])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_other_content(tmp_path, content, name):
    _error(tmp_path / name, content)


@pytest.mark.parametrize("change", [-1, 1])
def test_npy_of_the_wrong_length(tmp_path, change):
    content = _npy(_stored())
    content = content[:change] if change < 0 else content + b"\0"
    assert f"{120 + change} bytes of voxels. Expected 120" in _error(tmp_path / "a.npy", content)


def test_npz_truncated_or_with_a_flipped_bit(tmp_path):
    np.savez(tmp_path / "a.npz", _stored())
    content = bytearray((tmp_path / "a.npz").read_bytes())
    _error(tmp_path / "b.npz", bytes(content[:-30]))
    content[200] ^= 1  # a voxel: only the checksum knows
    assert "CRC" in _error(tmp_path / "c.npz", bytes(content))


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_claims_of_petabytes_take_no_memory(tmp_path, name):
    path = tmp_path / name
    content = _with_header((2**17, 2**17, 2**17), data=b"\0" * 100)
    if name == "a.npy":
        path.write_bytes(content)
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("scan.npy", content)
    assert cost(lambda: _error(path))[0] < 2**20
    message = _error(path, max_voxels=2**60)
    assert "bytes of voxels" in message or "voxels a byte" in message


def test_max_voxels(tmp_path):
    np.save(tmp_path / "a.npy", _stored())
    assert "max_voxels=60" in _error(tmp_path / "a.npy", max_voxels=59)
    assert read_volume(tmp_path / "a.npy", max_voxels=60).shape == (5, 4, 3)


def test_a_zip_bomb_takes_no_memory(tmp_path):
    # 64 Mi voxels of a single value in 64 KB.
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("scan.npy", "w") as member,
    ):
        member.write(_with_header((64, 1024, 1024), "|u1"))
        for _ in range(64):
            member.write(bytes(2**20))
    assert os.path.getsize(tmp_path / "a.npz") < 100_000
    assert cost(lambda: _error(tmp_path / "a.npz"))[0] < 2**21


def test_a_zip_whose_sizes_lie(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scan.npy", _npy(_stored()) + bytes(2**24))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    struct.pack_into("<I", content, directory + 24, len(_npy(_stored())))
    (tmp_path / "a.npz").write_bytes(content)
    assert cost(lambda: _error(tmp_path / "a.npz"))[0] < 2**22


def test_names_that_lead_out_of_the_archive_are_only_names(tmp_path):
    folder = tmp_path / "inner"
    folder.mkdir()
    with zipfile.ZipFile(folder / "a.npz", "w") as archive:
        archive.writestr("../../escaped.npy", _npy(_stored()))
    assert read_volume(folder / "a.npz").shape == (5, 4, 3)
    assert sorted(os.listdir(tmp_path)) == ["inner"]


def test_several_arrays_of_one_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", _npy(_stored()))
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("x.npy", _npy(_stored()))
    assert "2 arrays" in _error(tmp_path / "a.npz::x")


def test_a_name_where_there_is_none(tmp_path):
    np.save(tmp_path / "a.npy", _stored())
    assert "one array" in _error(tmp_path / "a.npy::x")
