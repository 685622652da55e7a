"""NIfTI files that cannot be read, and places that cannot be written to."""

import errno
import gzip
import os
import struct
import warnings

import nibabel as nib
import numpy as np
import pytest
from cost import cost
from nifti_files import (
    PROVENANCE,
    SHAPE,
    file,
    oblique,
    raw_file,
    refused,
    save,
    setting,
    voxels,
    written,
)

from keras_mri_cyclegan.volumes import VolumeError, VolumeWarning, nifti


def test_truncated(tmp_path):
    for name, kind in (("a.nii", nib.Nifti1Image), ("b.nii.gz", nib.Nifti2Image)):
        path = file(tmp_path, name=name, kind=kind)
        whole = (tmp_path / name).read_bytes()
        for length in range(0, len(whole), 7):
            (tmp_path / name).write_bytes(whole[:length])
            refused(path, "truncated|a file of|checksum|not a NIfTI")


def test_every_flipped_byte_of_a_compressed_file(tmp_path):
    path = file(tmp_path, name="t1.nii.gz")
    whole = (tmp_path / "t1.nii.gz").read_bytes()
    content, accepted = gzip.decompress(whole), 0
    for position in range(len(whole)):
        for bits in (0xFF, 1 << position % 8):
            damaged = bytearray(whole)
            damaged[position] ^= bits
            (tmp_path / "t1.nii.gz").write_bytes(damaged)
            try:
                volume = nifti.read(path)
            except VolumeError:
                continue
            # The time in gzip's own header, say, or where in a run of zeros a zero is copied from.
            assert gzip.decompress(damaged) == content
            np.testing.assert_array_equal(volume.array, voxels())
            accepted += 1
    assert 0 < accepted < 60


@pytest.mark.parametrize("name", ["t1.nii", "t1.nii.gz"])
@pytest.mark.parametrize(
    ("cls", "dim"),
    [
        (nib.Nifti1Header, [3, 32767, 32767, 32767, 1, 1, 1, 1]),
        (nib.Nifti1Header, [3, 600, 600, 600, 1, 1, 1, 1]),
        (nib.Nifti2Header, [3, 2**62, 2**62, 2**62, 1, 1, 1, 1]),
    ],
)
def test_claims_more_than_it_holds(tmp_path, name, cls, dim):
    path = raw_file(tmp_path, setting(dim=dim), name, cls=cls)
    memory, _ = cost(lambda: refused(path, "claims"))
    assert memory < 2**24
    if dim[1] == 600:
        refused(path, "claims 216000000 voxels.*at most 1000", max_voxels=1000)


def bomb(path, header, size):
    """Write a header and `size` zeros, packed: gzip files may be joined, so pack some once."""
    zeros = gzip.compress(bytes(2**24), 9)
    path.write_bytes(gzip.compress(header) + zeros * (size // 2**24))
    return str(path)


def test_two_megabytes_that_inflate_to_two_gigabytes(tmp_path):
    header = nib.Nifti1Header()
    header["vox_offset"] = 352
    header.set_sform(np.eye(4), 1)
    header.set_data_dtype("uint8")
    header.set_data_shape((512, 512, 512))
    honest = header.binaryblock + bytes(4)
    header.set_data_shape((5, 7, 3))
    path = bomb(tmp_path / "bomb.nii.gz", header.binaryblock + bytes(3) + b"\0" + b"\1", 2**31)
    assert os.path.getsize(path) < 2.2e6
    memory, seconds = cost(lambda: refused(path, "more data than"))
    assert memory < 2**24
    assert seconds < 2
    # The same with a header that tells the truth.
    path = bomb(tmp_path / "big.nii.gz", honest, 2**27)
    memory, seconds = cost(lambda: refused(path, "claims 134217728 voxels"))
    assert memory < 2**24
    assert seconds < 2


def test_compressed_constant_takes_no_memory(tmp_path):
    header = nib.Nifti1Header()
    header["vox_offset"] = 352
    header.set_sform(np.eye(4), 1)
    header.set_data_dtype("float64")
    header.set_data_shape((256, 256, 256))
    path = bomb(tmp_path / "zeros.nii.gz", header.binaryblock + bytes(4), 2**27)
    assert "in all 16777216 voxels" in refused(path, "same value, 0")


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (setting(dim=[3, 5, 0, 3, 1, 1, 1, 1]), r"claims 3 axes of sizes \(5, 0, 3\)"),
        (setting(dim=[3, 5, -7, 3, 1, 1, 1, 1]), r"claims 3 axes of sizes \(5, -7, 3\)"),
        (setting(dim=[3, -1, 1, 1, 1, 1, 1, 1]), "at least one voxel"),
        (setting(dim=[0, 5, 7, 3, 1, 1, 1, 1]), "claims 0 axes"),
        (setting(dim=[-3, 5, 7, 3, 1, 1, 1, 1]), "claims -3 axes"),
        (setting(dim=[9, 5, 7, 3, 1, 1, 1, 1]), "claims 9 axes"),
        (setting(dim=[1, 105, 1, 1, 1, 1, 1, 1]), "one axis, of 105"),
        (setting(datatype=77), "77 not recognized"),
        (setting(datatype=1), "1 not supported"),
        (setting(vox_offset=100), "too low"),
        (setting(vox_offset=-16), "too low"),
        (setting(vox_offset=np.nan), "voxels from byte nan"),
        (setting(vox_offset=1e30), "voxels from byte 1e"),
        (setting(vox_offset=353.5), "voxels from byte 353.5"),
        (setting(scl_slope=2.0, scl_inter=np.inf), "scl_inter"),
        (setting(srow_x=[0, 0, 0, 0]), "cannot be inverted"),
        (setting(srow_x=[np.nan, 0, 0, 0]), "affine of.*finite"),
        (setting(srow_x=[np.inf, 0, 0, 0]), "affine of.*finite"),
        (setting(sform_code=0, qform_code=1, quatern_b=7.0), "no rotation"),
        (setting(sform_code=0, qform_code=1, quatern_b=np.nan), "affine of|no rotation"),
        (setting(magic=b"ni1"), "header of a pair"),
        (setting(magic=b""), "Analyze"),
        (setting(magic=b"n+9"), "Analyze"),
        (setting(sizeof_hdr=1234), "not a NIfTI header"),
    ],
)
def test_headers_that_make_no_sense(tmp_path, change, match):
    refused(raw_file(tmp_path, change), match)


def test_data_beyond_the_claim(tmp_path):
    for name in ("t1.nii", "t1.nii.gz"):
        path = raw_file(tmp_path, name=name, tail=b"\1" * 70_000)
        refused(path, "more data than the 562 bytes")
        path = raw_file(tmp_path, name=name, tail=b"\0" * 100)
        with pytest.warns(VolumeWarning, match="100 bytes after"):
            np.testing.assert_array_equal(nifti.read(path).array, voxels())


def test_not_finite(tmp_path):
    data = voxels("float64")
    data[0, 0, 0], data[1, 2, 1], data[4, 6, 2] = np.nan, np.inf, -np.inf
    path = raw_file(tmp_path, data=data)
    refused(path, "3 of 105 values are NaN.*fill_nan")
    filled = nifti.read(path, fill_nan=-5.0).array
    np.testing.assert_array_equal(filled, np.where(np.isfinite(data), data, -5).astype("float32"))
    data[0, 0, 0] = 1e300  # a number, but not for float32: never filled
    refused(raw_file(tmp_path, data=np.nan_to_num(data)), "beyond .*float32 holds", fill_nan=0.0)


def test_constant(tmp_path):
    refused(raw_file(tmp_path, data=np.full(SHAPE, 7, "int16")), "same value, 7, in all 105")


def test_series_complex_and_colours(tmp_path):
    refused(file(tmp_path, voxels(shape=(5, 7, 3, 2))), r"4 axes of sizes.*slicer")
    made = nib.Nifti1Image(voxels("float32").astype("complex64"), np.eye(4))
    refused(save(made, tmp_path / "c.nii"), "complex")
    colours = np.zeros(SHAPE, [(c, "u1") for c in "RGB"])
    refused(save(nib.Nifti1Image(colours, np.eye(4)), tmp_path / "rgb.nii"), "RGB")


def test_analyze(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nib.AnalyzeImage(voxels(), np.eye(4)).to_filename(tmp_path / "old.img")
    refused(str(tmp_path / "old.img"), "Analyze 7.5.*which side is left")


def test_no_file_at_all(tmp_path):
    (tmp_path / "empty.nii").touch()
    refused(str(tmp_path / "empty.nii"), "a file of 0 bytes")
    refused(str(tmp_path / "nowhere.nii"), "there is no file")
    refused(str(tmp_path / "nowhere.hdr"), "there is no file")
    refused(str(tmp_path), "not a file")
    (tmp_path / "text.nii").write_text("not a scan. " * 100)
    refused(str(tmp_path / "text.nii"), "not a NIfTI header")


def test_unreadable(tmp_path, monkeypatch):
    path = file(tmp_path)

    def forbidden(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", forbidden)
    refused(path, "Permission denied")


# --- What is assumed, with a warning ------------------------------------------------------------


def test_no_codes(tmp_path):
    path = raw_file(tmp_path, setting(sform_code=0, qform_code=0, pixdim=[1, 2, 3, 4, 1, 1, 1, 1]))
    with pytest.warns(VolumeWarning, match="Assumed, as nibabel does"):
        volume = nifti.read(path)
    np.testing.assert_array_equal(volume.affine, nib.load(path).affine)
    assert volume.orientation == "LAS"
    after = written(volume, tmp_path / "copy.nii")
    assert (after.header["sform_code"], after.header["qform_code"]) == (0, 0)
    moved = volume.replace(affine=oblique())
    np.testing.assert_allclose(written(moved, tmp_path / "m.nii").affine, oblique(), rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (setting(qform_code=99), "qform_code 99 not valid"),
        (setting(pixdim=[1, 0, 1, 1, 1, 1, 1, 1]), "should be non-zero"),
        (setting(pixdim=[1, -2, 1, 1, 1, 1, 1, 1]), "should be positive"),
        (setting(bitpix=7), "bitpix"),
        (setting(xyzt_units=1), "metres"),
        (setting(xyzt_units=3), "micrometres"),
    ],
)
def test_headers_that_need_a_guess(tmp_path, change, match):
    path = raw_file(tmp_path, change)
    with pytest.warns(VolumeWarning, match=match):
        volume = nifti.read(path)
    np.testing.assert_array_equal(volume.array, voxels())


def test_sound_files_give_no_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        nifti.read(file(tmp_path))
        nifti.read(raw_file(tmp_path, setting(pixdim=[0, 1, 1, 1, 1, 1, 1, 1])))


@pytest.mark.parametrize(
    ("dtype", "value", "exact"),
    [
        ("int32", 2**24 + 1, False),
        ("int32", -(2**24) - 1, False),
        ("int32", 2**30 + 2**7, True),
        ("int64", 2**53 + 1, False),
        ("int64", -(2**63), True),
        ("uint64", 2**64 - 1, False),
        ("uint32", 2**32 - 2**8, True),
    ],
)
def test_integers_that_float32_rounds(tmp_path, dtype, value, exact):
    data = voxels(dtype)
    data[0, 0, 0] = value
    path = raw_file(tmp_path, data=data)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        volume = nifti.read(path)
    assert [w.category for w in caught] == [VolumeWarning] * (not exact)
    assert (int(volume.array[0, 0, 0]) == value) == exact


@pytest.mark.parametrize("order", "<>")
def test_damaged_extensions(tmp_path, order):
    header = nib.Nifti1Header(endianness=order)
    header.set_data_shape(SHAPE)
    header.set_data_dtype("int16")
    header.set_sform(np.eye(4), 1)
    header["vox_offset"] = 352 + 48
    good = struct.pack(order + "ii", 16, 6) + b"comment\0"
    bad = struct.pack(order + "ii", 2**30, 6) + b"x" * 24
    data = voxels().astype(order + "i2").tobytes(order="F")
    path = tmp_path / "t1.nii"
    path.write_bytes(header.binaryblock + b"\1\0\0\0" + good + bad + data)
    with pytest.warns(VolumeWarning, match="32 bytes of damaged header extensions"):
        volume = nifti.read(str(path))
    after = written(volume, tmp_path / "copy.hdr")
    assert [e.get_content() for e in after.header.extensions] == [b"comment"]


# --- Writing that fails -------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["t2.nii", "t2.nii.gz", "t2.hdr"])
@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_full_disk_leaves_nothing(tmp_path, monkeypatch, name, failing):
    volume = nifti.read(file(tmp_path))
    calls, real = [], getattr(os, failing)

    def full(*args):
        calls.append(args)
        if len(calls) == 2:  # the sidecar was sound
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*args)

    monkeypatch.setattr(os, failing, full)
    with pytest.raises(VolumeError, match=r"t2\..*No space left"):
        nifti.write(volume, str(tmp_path / name), PROVENANCE)
    assert os.listdir(tmp_path) == ["t1.nii"]


@pytest.mark.parametrize("name", ["t2.nii", "t2.nii.gz", "t2.img"])
def test_disk_full_in_the_middle(tmp_path, name):
    """The system itself stops the file at some size, as a full disk would."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    volume = nifti.read(file(tmp_path, voxels("float32", (40, 40, 40))))
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
        with pytest.raises(VolumeError, match=r"t2\.") as caught:
            nifti.write(volume, str(tmp_path / name), PROVENANCE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert "File too large" in str(caught.value)
    assert os.listdir(tmp_path) == ["t1.nii"]


def test_paths_that_cannot_be_written(tmp_path):
    volume = nifti.read(file(tmp_path))
    for path, match in (
        (tmp_path / "nowhere" / "t2.nii", "makedirs"),
        (tmp_path / "t1.nii" / "t2.nii", "is a file"),
        (tmp_path / "t2.mgz", "not a NIfTI name"),
    ):
        with pytest.raises(VolumeError, match=match):
            nifti.write(volume, str(path), PROVENANCE)
    with pytest.raises(ValueError, match="`provenance` must hold"):
        nifti.write(volume, str(tmp_path / "t2.nii"), {"x": np.zeros(2)})
    assert os.listdir(tmp_path) == ["t1.nii"]
