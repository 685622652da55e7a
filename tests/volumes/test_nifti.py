"""NIfTI in and out, compared with nibabel; and files that must be refused."""

import dataclasses
import errno
import gzip
import itertools
import json
import os
import struct
import time
import tracemalloc
import warnings

import nibabel as nib
import numpy as np
import pytest

from keras_mri_cyclegan.volumes import Volume, VolumeError, VolumeWarning, nifti, nifti_scaling

SHAPE = (5, 7, 3)
SUFFIXES = ("nii", "nii.gz", "hdr")
PROVENANCE = {
    "Synthetic": True,
    "Warning": "Synthetic, not for diagnosis.",
    "GeneratedBy": {"Name": "keras_mri_cyclegan", "Version": "0.3.1"},
}


def rotation(degrees=20.0):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ [[1, 0, 0], [0, c, -s], [0, s, c]]


def oblique(zooms=(0.9, 1.1, 4.0)):
    affine = np.eye(4)
    affine[:3, :3] = rotation() @ np.diag(zooms)
    affine[:3, 3] = -90.5, 126.25, -72.1
    return affine


def voxels(dtype="int16", shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 300, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(max(limits.min, -1000), min(limits.max, 3000), shape).astype(dtype)


def image(data=None, affine=None, kind=nib.Nifti1Image, slope=None, inter=None, order="<"):
    """A nibabel image whose header holds something in every field that has to come back."""
    data = voxels() if data is None else data
    pair = {nib.Nifti1Image: nib.Nifti1Header, nib.Nifti2Image: nib.Nifti2Header}
    header = pair.get(kind, kind.header_class)(endianness=order)
    header.set_data_dtype(data.dtype)
    header.set_xyzt_units("mm", "sec")
    header["intent_code"], header["cal_max"], header["descrip"] = 1001, 2500, b"a scanner's words"
    header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"kept"))
    made = kind(data, oblique() if affine is None else affine, header)
    made.set_sform(made.affine, 4)
    made.set_qform(made.affine, 1)
    if slope is not None:
        made.header.set_slope_inter(slope, inter)
    return made


def save(made, path):
    made.to_filename(path)
    return str(path)


def file(tmp_path, data=None, name="t1.nii", **kwargs):
    return save(image(data, **kwargs), tmp_path / name)


def raw_file(tmp_path, change=None, name="t1.nii", data=None, cls=nib.Nifti1Header, tail=b""):
    """A file whose header nibabel would not write: `change(header)` edits any field."""
    data = voxels() if data is None else data
    header = cls()
    header.set_data_shape(data.shape)
    header.set_data_dtype(data.dtype)
    header.set_sform(np.diag([1.0, 1.0, 2.0, 1.0]), 1)
    header["vox_offset"] = header.single_vox_offset
    if change is not None:
        change(header)
    content = header.binaryblock + b"\0" * 4 + data.tobytes(order="F") + tail
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return str(path)


def setting(**fields):
    def change(header):
        for name, value in fields.items():
            header[name] = value

    return change


def refused(path, match, **kwargs):
    with pytest.raises(VolumeError, match=match) as caught:
        nifti.read(path, **kwargs)
    assert path in str(caught.value)
    return str(caught.value)


def same_header(ours, theirs):
    """The fields of a header that say where and what the voxels are."""
    assert ours.get_data_shape() == theirs.get_data_shape()
    assert ours.get_data_dtype().newbyteorder("=") == theirs.get_data_dtype().newbyteorder("=")
    assert type(ours) is type(theirs)
    np.testing.assert_array_equal(ours.get_zooms(), theirs.get_zooms())
    for form in ("sform", "qform"):
        (one, one_code), (other, other_code) = (
            getattr(header, f"get_{form}")(coded=True) for header in (ours, theirs)
        )
        assert one_code == other_code
        np.testing.assert_array_equal(one, other)
    for field in ("xyzt_units", "intent_code", "descrip", "cal_max", "cal_min"):
        assert ours[field] == theirs[field]
    assert [e.get_content() for e in ours.extensions] == [
        e.get_content() for e in theirs.extensions
    ]


def round_trip(source, target):
    """Read and write; all that nibabel sees in both files must agree."""
    volume = nifti.read(source)
    nifti.write(volume, str(target))
    before, after = nib.load(source), nib.load(target)
    expected = before.get_fdata()
    np.testing.assert_array_equal(
        volume.array, expected.reshape(volume.shape).astype("float32"), strict=True
    )
    np.testing.assert_array_equal(volume.affine, before.affine)
    rounding = np.finfo("float32").eps * np.abs(expected).max()
    np.testing.assert_allclose(after.get_fdata(), expected, rtol=0, atol=rounding)
    np.testing.assert_array_equal(after.affine, before.affine)
    return before, after


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("dtype", ["int16", "float64"])
def test_versions_and_byte_orders(tmp_path, suffix, order, version, dtype):
    name = f"Nifti{version}" + ("Pair" if suffix == "hdr" else "Image")
    kind = getattr(nib, name)
    path = file(tmp_path, voxels(dtype), f"t1.{suffix}", kind=kind, order=order)
    assert nib.load(path).header.endianness == order
    before, after = round_trip(path, tmp_path / f"copy.{suffix}")
    same_header(after.header, before.header)


DTYPES = [kind + size for kind in ("int", "uint") for size in ("8", "16", "32", "64")]


@pytest.mark.parametrize("dtype", [*DTYPES, "float32", "float64"])
def test_types(tmp_path, dtype):
    before, after = round_trip(file(tmp_path, voxels(dtype)), tmp_path / "copy.nii")
    same_header(after.header, before.header)
    np.testing.assert_array_equal(
        np.asarray(after.dataobj.get_unscaled()).astype("float32"),
        np.asarray(before.dataobj.get_unscaled()).astype("float32"),
    )


@pytest.mark.parametrize(
    ("slope", "inter"), [(0.37, -12.5), (2.0, 0.0), (-1.5, 4.0), (1e-4, 1000.0), (37.0, -1e6)]
)
@pytest.mark.parametrize("dtype", ["int16", "uint8", "int32"])
def test_slope_and_intercept(tmp_path, slope, inter, dtype):
    path = file(tmp_path, voxels(dtype), slope=slope, inter=inter)
    before, after = round_trip(path, tmp_path / "copy.nii.gz")
    same_header(after.header, before.header)
    if abs(inter) * np.finfo("float32").eps < abs(slope):  # steps that float32 tells apart
        np.testing.assert_array_equal(before.dataobj.get_unscaled(), after.dataobj.get_unscaled())
    assert (after.dataobj.slope, after.dataobj.inter) == (
        before.dataobj.slope,
        before.dataobj.inter,
    )
    assert before.dataobj.slope == np.float32(slope)


def test_float_with_a_slope(tmp_path):
    path = file(tmp_path, voxels("float32"), slope=3.0, inter=7.0)
    before, after = round_trip(path, tmp_path / "copy.nii")
    same_header(after.header, before.header)


ORIENTATIONS = [
    "".join(codes)
    for axes in itertools.permutations(("LR", "PA", "IS"))
    for codes in itertools.product(*axes)
]


def test_all_48_orientations(tmp_path):
    assert len(set(ORIENTATIONS)) == 48
    for codes in ORIENTATIONS:
        flip = nib.orientations.axcodes2ornt(codes)
        affine = np.zeros((4, 4))
        affine[3, 3] = 1
        for axis, (world, sign) in enumerate(flip):
            affine[int(world), axis] = sign * (0.8, 1.3, 5.0)[axis]
        affine[:3, :3] = rotation(4.0) @ affine[:3, :3]
        affine[:3, 3] = 11.5, -20.25, 33.125
        path = file(tmp_path, affine=affine)
        before, after = round_trip(path, tmp_path / "copy.nii")
        same_header(after.header, before.header)
        assert nifti.read(path).orientation == codes


def test_only_a_qform(tmp_path):
    made = image()
    made.set_sform(None, 0)
    made.set_qform(oblique(), 2)
    before, after = round_trip(save(made, tmp_path / "q.nii"), tmp_path / "copy.nii")
    same_header(after.header, before.header)
    assert after.header["sform_code"] == 0


def test_sheared_sform_and_another_qform_are_kept(tmp_path):
    made = image()
    sheared = oblique()
    sheared[:3, 0] += [0, 0.3, 0.1]
    made.set_sform(sheared, 3)
    before, after = round_trip(save(made, tmp_path / "s.nii"), tmp_path / "copy.nii")
    same_header(after.header, before.header)


@pytest.mark.parametrize("shape", [(5, 7), (5, 7, 1), (5, 7, 3, 1), (1, 7, 3, 1, 1)])
def test_fewer_and_trailing_axes(tmp_path, shape):
    path = file(tmp_path, voxels(shape=shape))
    before, after = round_trip(path, tmp_path / "copy.nii")
    same_header(after.header, before.header)
    volume = nifti.read(path)
    assert volume.header.shape == shape
    assert volume.shape == (*shape, 1)[:3]


@pytest.mark.parametrize("given", ["t1.hdr", "t1.img", "t1.hdr.gz", "t1.img.gz"])
def test_pair_by_either_name(tmp_path, given):
    gz = ".gz" if given.endswith("gz") else ""
    image(kind=nib.Nifti1Pair).to_filename(tmp_path / ("t1.img" + gz))
    volume = nifti.read(str(tmp_path / given))
    np.testing.assert_array_equal(volume.array, voxels())
    nifti.write(volume, str(tmp_path / given.replace("t1", "copy")))
    np.testing.assert_array_equal(nib.load(tmp_path / ("copy.img" + gz)).dataobj, voxels())


def test_half_a_pair(tmp_path):
    path = file(tmp_path, name="t1.hdr", kind=nib.Nifti1Pair)
    os.remove(tmp_path / "t1.img")
    refused(path, r"no t1\.img beside it")


def test_capitals_and_wrong_suffix(tmp_path):
    path = file(tmp_path, name="t1.nii.gz")
    for name in ("T1.NII.GZ", "packed.nii"):
        (tmp_path / name).write_bytes((tmp_path / "t1.nii.gz").read_bytes())
        np.testing.assert_array_equal(nifti.read(str(tmp_path / name)).array, voxels())
    nifti.write(nifti.read(path), str(tmp_path / "U1.NII.GZ"))
    assert (tmp_path / "U1.NII.GZ").read_bytes()[:2] == b"\x1f\x8b"


def test_between_single_files_and_pairs(tmp_path):
    path = file(tmp_path, voxels("float32"))
    nifti.write(nifti.read(path), str(tmp_path / "pair.img"))
    nifti.write(nifti.read(str(tmp_path / "pair.hdr")), str(tmp_path / "back.nii"))
    before, after = nib.load(path), nib.load(tmp_path / "back.nii")
    same_header(after.header, before.header)
    np.testing.assert_array_equal(after.dataobj, before.dataobj)


def test_equal_bytes(tmp_path, monkeypatch):
    volume = nifti.read(file(tmp_path))
    for name, now in (("a", 1e9), ("b", 2e9)):
        monkeypatch.setattr(time, "time", lambda now=now: now)
        nifti.write(volume, str(tmp_path / f"{name}.nii.gz"))
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


# --- What was not in the file -------------------------------------------------------------------


def changed(volume, array, **kwargs):
    return volume.replace(array=array, **kwargs)


def written(volume, path, provenance=None):
    nifti.write(volume, str(path), provenance)
    return nib.load(path)


def test_integers_that_were_rounded_by_the_way(tmp_path):
    volume = nifti.read(file(tmp_path))
    noisy = volume.array * np.float32(1 + 1e-7) + np.float32(1e-5)
    after = written(changed(volume, noisy), tmp_path / "copy.nii")
    np.testing.assert_array_equal(after.dataobj.get_unscaled(), voxels())


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "int64"])
@pytest.mark.parametrize("low", [0.0, -0.7, 90.0, 1e6])
def test_new_values_get_a_new_slope(tmp_path, dtype, low):
    volume = nifti.read(file(tmp_path, voxels(dtype)))
    values = np.linspace(low, low + 1.3, 105).reshape(SHAPE).astype("float32")
    after = written(changed(volume, values), tmp_path / "t2.nii")
    assert after.get_data_dtype() == np.dtype(dtype)
    # Zero stays zero at the cost of a factor of two in 8 and 16 bits, where there are steps enough.
    steps = min(2 ** (8 * np.dtype(dtype).itemsize), 2**24)
    step = max(1.3 / (steps - 1), 1.3 / 1000 if steps > 256 else 0)
    rounding = 4 * np.finfo("float32").eps * np.abs(values).max()
    np.testing.assert_allclose(after.get_fdata(), values, rtol=0, atol=0.55 * step + rounding)
    if low == 0 and dtype != "int8":  # where half of the steps would be too few
        assert after.get_fdata()[0, 0, 0] == 0


def test_source_slope_for_new_values(tmp_path):
    volume = nifti.read(file(tmp_path, voxels("int16"), slope=0.5, inter=10.0))
    values = np.linspace(0, 900, 105).reshape(SHAPE).astype("float32")
    after = written(changed(volume, values), tmp_path / "t2.nii")
    assert (after.dataobj.slope, after.dataobj.inter) == (0.5, 10.0)
    np.testing.assert_allclose(after.get_fdata(), values, rtol=0, atol=0.2501)


def test_values_beyond_the_source_slope(tmp_path):
    volume = nifti.read(file(tmp_path, voxels("int16")))
    values = np.linspace(-5e4, 5e4, 105).reshape(SHAPE).astype("float32")
    after = written(changed(volume, values), tmp_path / "t2.nii")
    np.testing.assert_allclose(after.get_fdata(), values, rtol=0, atol=1e5 / 65535)


def test_values_that_no_slope_serves(tmp_path, monkeypatch):
    """Not known to happen; if it did, integers would wrap around."""
    volume = nifti.read(file(tmp_path))
    monkeypatch.setattr(nifti_scaling, "_fitted", lambda *args: (1.0, 0.0))
    with pytest.raises(VolumeError, match="cannot hold"):
        nifti.write(changed(volume, volume.array * 1e6), str(tmp_path / "t2.nii"))
    assert os.listdir(tmp_path) == ["t1.nii"]


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint64", "int64"])
def test_any_range_fits_any_integer(tmp_path, dtype):
    volume = nifti.read(file(tmp_path, voxels(dtype)))
    ends = [
        0,
        1e-44,
        -1e-44,
        1e-30,
        0.009,
        1,
        -1,
        1e5 + 0.5,
        1e6,
        -1e6,
        1e25,
        -1e25,
        3.4e38,
        -3.4e38,
    ]
    for low, high in itertools.combinations(sorted(ends), 2):
        values = np.float32(np.where(np.arange(105).reshape(SHAPE) % 2, low, high))
        found = written(changed(volume, values), tmp_path / "t2.nii").get_fdata()
        steps = min(2.0 ** (8 * np.dtype(dtype).itemsize), 1001)
        rounding = 4 * np.finfo("float32").eps * np.abs(values).max() + 2e-45
        atol = (high - low) / (steps - 1) + rounding
        np.testing.assert_allclose(found, values, rtol=0, atol=atol)


def test_constant_and_extreme_values(tmp_path):
    volume = nifti.read(file(tmp_path, voxels("uint8")))
    for value in (-0.3, 1e30, 0.0, 2.5):
        after = written(changed(volume, np.full(SHAPE, value)), tmp_path / "t2.nii")
        np.testing.assert_array_equal(after.get_fdata(), np.float32(value))
    values = np.where(np.arange(105).reshape(SHAPE) % 2, 3e38, -3e38)
    after = written(changed(volume, values), tmp_path / "t2.nii")
    np.testing.assert_allclose(after.get_fdata(), values, rtol=0.01)


def test_dtype_on_request(tmp_path):
    volume = nifti.read(file(tmp_path))
    header = dataclasses.replace(volume.header, dtype=np.dtype("float32"))
    after = written(changed(volume, volume.array / 3, header=header), tmp_path / "t2.nii")
    np.testing.assert_array_equal(after.get_fdata(dtype="float32"), volume.array / 3)
    header = dataclasses.replace(volume.header, dtype=np.dtype("float16"))
    with pytest.raises(VolumeError, match="a type that NIfTI has"):
        nifti.write(volume.replace(header=header), str(tmp_path / "t3.nii"))


def test_changed_grid(tmp_path):
    volume = nifti.read(file(tmp_path))
    affine = oblique((2.0, 2.0, 2.0))
    after = written(volume.replace(array=np.ones((4, 6, 2)), affine=affine), tmp_path / "t2.nii")
    assert after.shape == (4, 6, 2)
    for form, code in (("sform", 4), ("qform", 1)):
        found, found_code = getattr(after.header, f"get_{form}")(coded=True)
        assert found_code == code
        np.testing.assert_allclose(found, affine, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(after.header.get_zooms(), (2, 2, 2), rtol=1e-6)


def test_changed_grid_moves_scanner_and_template_space_alike(tmp_path):
    made = image()
    template = np.diag([1.0, 1.2, 4.2, 1.0])
    made.set_sform(template, 4)
    path = save(made, tmp_path / "t1.nii")
    volume = nifti.read(path)
    after = written(
        volume.replace(array=volume.array[::-1, :, 1:], affine=template @ flipped_and_cut()),
        tmp_path / "t2.nii",
    )
    np.testing.assert_allclose(after.get_sform(), template @ flipped_and_cut(), atol=1e-5)
    np.testing.assert_allclose(after.get_qform(), oblique() @ flipped_and_cut(), atol=1e-4)


def flipped_and_cut():
    to_source = np.diag([-1.0, 1.0, 1.0, 1.0])
    to_source[:3, 3] = SHAPE[0] - 1, 0, 1
    return to_source


@pytest.mark.parametrize("codes", [(1, 1), (0, 2)])
def test_sheared_grid_goes_to_the_sform_alone(tmp_path, codes):
    made = image()
    made.set_sform(oblique(), codes[0])
    made.set_qform(oblique(), codes[1])
    sheared = oblique()
    sheared[:3, 0] += [0, 0.3, 0.1]
    volume = nifti.read(save(made, tmp_path / "t1.nii")).replace(affine=sheared)
    after = written(volume, tmp_path / "t2.nii")
    np.testing.assert_allclose(after.affine, sheared, rtol=1e-6, atol=1e-5)
    assert after.header["qform_code"] == 0
    assert after.header["sform_code"] == (codes[0] or codes[1])
    np.testing.assert_allclose(after.header.get_zooms(), volume.spacing, rtol=1e-6)


@pytest.mark.parametrize("shear", [0.0, 0.4])
def test_volume_without_a_file(tmp_path, shear):
    affine = oblique()
    affine[0, 1] += shear
    volume = Volume(voxels("float32"), affine)
    after = written(volume, tmp_path / "new.nii")
    assert isinstance(after, nib.Nifti1Image)
    assert after.get_data_dtype() == np.float32
    np.testing.assert_array_equal(after.get_fdata(), volume.array)
    np.testing.assert_allclose(after.affine, affine, rtol=1e-6, atol=1e-5)
    assert after.header["sform_code"] == 1
    assert after.header["qform_code"] == (0 if shear else 1)
    assert after.header.get_xyzt_units()[0] == "mm"


def test_volume_from_another_format(tmp_path):
    source = nifti.read(file(tmp_path)).header
    header = dataclasses.replace(source, kind="dicom", content=None, dtype=np.dtype("uint16"))
    whole = np.arange(105.0).reshape(SHAPE)
    for array, dtype in ((whole, "uint16"), (whole - 1, "float32"), (whole / 300, "float32")):
        after = written(Volume(array, oblique(), header), tmp_path / "new.nii")
        assert after.get_data_dtype() == np.dtype(dtype)
        np.testing.assert_array_equal(after.get_fdata(), array.astype("float32"))


@pytest.mark.parametrize("order", "<>")
def test_long_axis_needs_nifti2(tmp_path, order):
    made = image(voxels(shape=(5, 7, 3)), order=order)
    volume = nifti.read(save(made, tmp_path / "t1.nii"))
    for shape in ((40000, 2, 1), (163842, 1, 1), (27307, 1, 6)):
        array = np.arange(np.prod(shape), dtype="float32").reshape(shape) % 1009
        after = written(volume.replace(array=array), tmp_path / "long.nii")
        assert isinstance(after, nib.Nifti2Image) == (max(shape) > 32767)
        ours = nifti.read(str(tmp_path / "long.nii"))
        np.testing.assert_array_equal(ours.array, array)
        np.testing.assert_array_equal(np.ravel(after.dataobj, "F"), np.ravel(array, "F"))
        np.testing.assert_allclose(after.affine, volume.affine, rtol=1e-6)
        assert after.header.extensions[0].get_content() == b"kept"


def test_provenance(tmp_path):
    volume = nifti.read(file(tmp_path))
    after = written(volume, tmp_path / "t2.nii.gz", PROVENANCE)
    words = after.header["descrip"].item().decode()
    assert words == "synthetic, not for diagnosis; keras_mri_cyclegan 0.3.1"
    assert after.header["cal_max"] == 0
    assert json.loads((tmp_path / "t2.json").read_text()) == PROVENANCE
    np.testing.assert_array_equal(after.dataobj, voxels())
    long = {"GeneratedBy": {"Version": "9" * 200}}
    assert len(written(volume, tmp_path / "t3.nii", long).header["descrip"].item()) == 79


# --- Files that must be refused -----------------------------------------------------------------


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


def peak(function):
    tracemalloc.start()
    start = time.perf_counter()
    try:
        result = function()
        return result, tracemalloc.get_traced_memory()[1], time.perf_counter() - start
    finally:
        tracemalloc.stop()


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
    _, memory, _ = peak(lambda: refused(path, "claims"))
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
    _, memory, seconds = peak(lambda: refused(path, "more data than"))
    assert memory < 2**24
    assert seconds < 2
    # The same with a header that tells the truth.
    path = bomb(tmp_path / "big.nii.gz", honest, 2**27)
    _, memory, seconds = peak(lambda: refused(path, "claims 134217728 voxels"))
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
    refused(raw_file(tmp_path, data=np.nan_to_num(data)), "as float32", fill_nan=0.0)


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
