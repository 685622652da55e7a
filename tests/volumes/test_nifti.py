"""NIfTI files in and out, compared with nibabel."""

import dataclasses
import gzip
import itertools
import json
import os
import time

import nibabel as nib
import numpy as np
import pytest
from nifti_files import (
    PROVENANCE,
    SHAPE,
    SUFFIXES,
    file,
    image,
    oblique,
    refused,
    rotation,
    save,
    voxels,
    written,
)

from keras_mri_cyclegan.volumes import Volume, VolumeError, nifti, nifti_scaling, write_volume


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
    nifti.write(volume, str(tmp_path / given.replace("t1", "copy").removesuffix(".gz")))
    np.testing.assert_array_equal(nib.load(tmp_path / "copy.img").dataobj, voxels())


@pytest.mark.parametrize("name", ["t2.img.gz", "t2.hdr.gz"])
@pytest.mark.parametrize("write", [nifti.write, write_volume])
def test_packed_pairs_are_not_written(tmp_path, name, write):
    volume = nifti.read(file(tmp_path))
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(VolumeError, match=r"Expected \.nii, \.nii\.gz, \.hdr"):
        write(volume, str(tmp_path / name))
    assert sorted(os.listdir(tmp_path)) == before


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
    np.testing.assert_array_equal(after.affine, volume.affine)
    long = {"GeneratedBy": {"Version": "9" * 200}}
    assert len(written(volume, tmp_path / "t3.nii", long).header["descrip"].item()) == 79


@pytest.mark.parametrize("kind", [nib.Nifti1Image, nib.Nifti2Image])
@pytest.mark.parametrize("target", ["t2.nii", "t2.nii.gz", "t2.hdr"])
def test_a_synthetic_file_keeps_no_words_of_its_source(tmp_path, kind, target):
    """Comments, AFNI's XML, DICOM attributes, names: they may hold a patient's, anywhere."""
    made = image(kind=kind)
    fields = [name for name in made.header if made.header[name].dtype.kind == "S"]
    words = set(fields) - {"magic", "descrip", "regular"}
    for field in words:
        made.header[field] = b"Mary Poe"[: made.header[field].dtype.itemsize]
    for code in (4, 6, 44):
        made.header.extensions.append(nib.nifti1.Nifti1Extension(code, b"Mary Poe"))
    volume = nifti.read(save(made, tmp_path / "t1.nii"))
    written(volume, tmp_path / target)  # an ordinary copy keeps them
    copy = b"".join(_unpacked(path) for path in tmp_path.glob("t2.*"))
    assert copy.count(b"Mary Poe") == 3 + len(words)
    after = written(volume, tmp_path / target, PROVENANCE)
    for path in tmp_path.glob("t2.*"):
        for word in (b"Mary", b"kept", b"scanner's"):
            assert word not in _unpacked(path), path
    np.testing.assert_array_equal(after.dataobj, voxels())
    assert (int(after.header["intent_code"]), len(after.header.extensions)) == (1001, 0)


def _unpacked(path):
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data
