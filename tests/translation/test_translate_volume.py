"""From file to file, against nibabel: with a network that changes nothing, nothing may change."""

import gzip
import hashlib
import json
import os
import sys

import keras
import nibabel as nib
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.preprocessing import MinMax, Patches, Preprocessing, Reorient, Slices
from keras_mri_cyclegan.translation.provenance import hash_network
from keras_mri_cyclegan.volumes import Volume, VolumeError, read_volume

SHAPE = (21, 17, 9)  # odd, and no axis like another


def linear(*shape, weights=(1.0,), bias=0.0, name="generator"):
    """Return a network that adds up its channels, weighted: `(1,)` is the identity."""
    layer = keras.layers.Dense(1, name="sum")  # of the last axis, for any rank
    network = keras.Sequential([keras.Input((*shape, len(weights))), layer], name=name)
    layer.set_weights([np.reshape(weights, (-1, 1)), np.array([bias])])
    return network


def minmax(cutter=None):
    return Preprocessing([Reorient(), MinMax()], cutter)


def translate(source, target, network=None, **arguments):
    given = {"preprocessing": minmax(), "intensities": "source", "verbose": 0, **arguments}
    network = linear(None, None) if network is None else network
    return kmc.translate_volume(network, source, target, **given)


def affine(orientation="RAS", spacing=(0.9, 1.1, 3.3), oblique=False):
    matrix = np.diag([*spacing, 1.0])
    if oblique:
        angle = 0.3
        turn = np.eye(4)
        turn[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
        matrix = turn @ matrix
    matrix[:3, 3] = (-12.5, 30.25, 7.0)
    wanted = nib.orientations.axcodes2ornt(orientation)
    return matrix @ nib.orientations.inv_ornt_aff(wanted, SHAPE)


def write_scan(path, dtype="int16", matrix=None, shape=SHAPE):
    rng = np.random.default_rng(1)
    array = rng.integers(-300, 2500, shape) if dtype == "int16" else rng.normal(100, 30, shape)
    image = nib.Nifti1Image(array.astype(dtype), affine() if matrix is None else matrix)
    image.header.set_data_dtype(dtype)
    image.set_qform(image.affine, 1)
    image.set_sform(image.affine, 2)
    nib.save(image, path)
    return str(path)


def assert_same(source, target):
    """Compare two files as nibabel reads them: voxels, grid, codes and type."""
    before, after = nib.load(source), nib.load(target)
    assert after.shape == before.shape
    assert after.get_data_dtype() == before.get_data_dtype()
    np.testing.assert_allclose(after.affine, before.affine, atol=1e-6)
    np.testing.assert_allclose(after.header.get_zooms(), before.header.get_zooms())
    assert after.header["sform_code"] == before.header["sform_code"]
    assert after.header["qform_code"] == before.header["qform_code"]
    expected = before.get_fdata()
    if before.get_data_dtype().kind == "i":
        assert np.array_equal(after.get_fdata(), expected)
    else:
        span = expected.max() - expected.min()
        np.testing.assert_allclose(after.get_fdata(), expected, rtol=0, atol=span * 1e-6)


NETWORKS = [
    ("any size", lambda: linear(None, None), {}, None),
    ("smaller than the slices", lambda: linear(8, 12), {}, None),
    ("larger than the slices", lambda: linear(40, 32), {}, None),
    ("smaller one way, larger the other", lambda: linear(12, 32), {"overlap": 0.3}, None),
    (
        "three planes",
        lambda: linear(None, None),
        {"planes": ["axial", "coronal", "sagittal"]},
        None,
    ),
    ("three planes in windows", lambda: linear(12, 12), {"planes": ("sagittal", "axial")}, None),
    ("coronal", lambda: linear(None, None), {}, Slices("coronal")),
    ("one slice at a time", lambda: linear(None, None), {"batch_size": 1}, None),
    ("all slices at once", lambda: linear(None, None), {"batch_size": 100}, None),
    ("neighbours", lambda: linear(16, 16, weights=(0, 1, 0)), {}, Slices(neighbours=1)),
    ("patches", lambda: linear(6, 8, 8), {}, Patches((6, 8, 8))),
    ("patches, any size", lambda: linear(None, None, None), {}, Patches((6, 8, 40))),
    ("patches, larger", lambda: linear(16, 32, 32), {}, Patches((16, 32, 32))),
]


@pytest.mark.filterwarnings("ignore:.*Expected the plane of acquisition")  # into coronal slices
@pytest.mark.parametrize("dtype", ["int16", "float64"])
@pytest.mark.parametrize(
    ("network", "arguments", "cutter"),
    [case[1:] for case in NETWORKS],
    ids=[case[0] for case in NETWORKS],
)
def test_the_identity_gives_the_file_back(tmp_path, network, arguments, cutter, dtype):
    source = write_scan(tmp_path / "t1.nii.gz", dtype)
    target = str(tmp_path / "t2.nii.gz")
    kmc.translate_volume(
        network(),
        source,
        target,
        preprocessing=minmax(cutter),
        intensities="source",
        verbose=0,
        **arguments,
    )
    assert_same(source, target)


@pytest.mark.parametrize("oblique", [False, True])
@pytest.mark.parametrize("orientation", ["RAS", "LPS", "PIR", "SLA", "ILP"])
def test_the_identity_gives_the_file_back_in_any_orientation(tmp_path, orientation, oblique):
    matrix = affine(orientation, oblique=oblique)
    source = write_scan(tmp_path / "t1.nii", matrix=matrix)
    target = str(tmp_path / "t2.nii")
    kmc.translate_volume(
        linear(12, 32),
        source,
        target,
        preprocessing=minmax(),
        intensities="source",
        planes=("axial", "coronal"),
        verbose=0,
    )
    assert_same(source, target)


def test_the_identity_gives_an_array_back(tmp_path):
    array = np.random.default_rng(0).integers(0, 4000, (5, 11, 7), "uint16")
    np.save(tmp_path / "t1.npy", array)
    translate(tmp_path / "t1.npy", tmp_path / "t2.npy")
    made = np.load(tmp_path / "t2.npy")
    assert made.dtype == array.dtype
    assert np.array_equal(made, array)


def test_the_identity_gives_a_dicom_slice_back(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    source = pydicom.data.get_testdata_file("MR_small.dcm", download=False)
    translate(source, tmp_path / "t2.dcm", linear(24, 96))
    before, after = pydicom.dcmread(source), pydicom.dcmread(tmp_path / "t2.dcm")
    assert np.array_equal(after.pixel_array, before.pixel_array)
    assert after.SyntheticData == "YES"
    assert after.StudyInstanceUID == before.StudyInstanceUID
    assert after.ImagePositionPatient == before.ImagePositionPatient


def test_a_volume_in_memory_gives_a_volume_and_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    scan = Volume(np.random.default_rng(0).normal(size=SHAPE), affine("LPI"))
    made = kmc.translate_volume(
        linear(None, None), scan, preprocessing=minmax(), intensities="source", verbose=0
    )
    np.testing.assert_allclose(made.array, scan.array, atol=1e-5)
    assert np.array_equal(made.affine, scan.affine)
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("kind", ["path", "Volume"])
@pytest.mark.parametrize("target", [None, "t2.nii.gz"])
def test_a_translation_is_not_the_file_of_its_source(tmp_path, kind, target):
    source = write_scan(tmp_path / "t1.nii.gz")
    made = kmc.translate_volume(
        linear(None, None),
        source if kind == "path" else read_volume(source),
        target and tmp_path / target,
        preprocessing=minmax(),
        intensities="source",
        verbose=0,
    )
    assert made.path is None
    assert "t1" not in repr(made)


def test_the_slices_are_what_the_network_says():
    """Against the network itself, on slices that were cut with nothing of ours."""
    network = kmc.resnet_generator((24, 16, 1), blocks=1, filters=2)
    for variable in network.variables:
        variable.assign(np.random.default_rng(0).normal(0, 0.3, variable.shape))
    array = np.random.default_rng(0).uniform(-1, 1, (16, 24, 5)).astype("float32")  # RAS
    made = kmc.translate_volume(
        network,
        Volume(array, np.eye(4)),
        preprocessing=Preprocessing([]),
        intensities="normalized",
        batch_size=2,
        verbose=0,
    )
    slices = array.transpose(2, 1, 0)[:, ::-1, :, None]  # rows from the front
    # Columns from the patient's right, the largest i: the mirror image would be another result.
    expected = keras.ops.convert_to_numpy(network(slices[:, :, ::-1]))[:, ::-1, ::-1, 0]
    mirrored = keras.ops.convert_to_numpy(network(slices))[:, ::-1, :, 0]
    assert np.abs(made.array - mirrored.transpose(2, 1, 0)).max() > 1e-3
    np.testing.assert_allclose(made.array, expected.transpose(2, 1, 0), atol=1e-5)


def test_several_planes_are_averaged():
    """A network that gives the row's number: of three planes, the mean of three ramps."""

    @keras.saving.register_keras_serializable(package="test_translate_volume")
    class Row(keras.layers.Layer):
        def call(self, images):
            rows = keras.ops.arange(keras.ops.shape(images)[1], dtype="float32")
            return 0 * images + rows[None, :, None, None] / 100

    image = keras.Input((16, 16, 1))
    network = keras.Model(image, Row()(image))
    scan = Volume(np.random.default_rng(0).uniform(-1, 1, (16, 16, 16)), np.eye(4))
    arguments = {"preprocessing": Preprocessing([]), "intensities": "normalized", "verbose": 0}
    made = kmc.translate_volume(
        network, scan, planes=("axial", "coronal", "sagittal"), **arguments
    ).array
    _, j, k = np.indices(scan.shape)
    front, feet = (15 - j) / 100, (15 - k) / 100  # rows: from the front; from the head, twice
    np.testing.assert_allclose(made, (front + 2 * feet) / 3, atol=1e-6)


def test_each_direction_has_its_generator():
    model = kmc.CycleGAN(
        linear(None, None),
        linear(None, None, weights=(-1.0,)),
        kmc.patchgan_discriminator((None, None, 1), layers=1, filters=2),
        kmc.patchgan_discriminator((None, None, 1), layers=1, filters=2),
        pool_size=0,
    )
    scan = Volume(np.random.default_rng(0).uniform(0, 900, SHAPE), np.eye(4))
    arguments = {"preprocessing": minmax(), "intensities": "source", "verbose": 0}
    same = kmc.translate_volume(model, scan, direction="ab", **arguments)
    np.testing.assert_allclose(same.array, scan.array, atol=1e-3)
    inverted = kmc.translate_volume(model, scan, direction="ba", **arguments)
    expected = scan.array.min() + scan.array.max() - scan.array
    np.testing.assert_allclose(inverted.array, expected, atol=1e-3)


@pytest.mark.parametrize("direction", ["ab", "ba"])
def test_the_scan_is_prepared_as_one_of_the_domain_that_it_is_of(monkeypatch, direction):
    """It matters to steps that learn from each domain, such as `Nyul`."""
    asked = []
    prepare = Preprocessing.prepare

    def spy(self, volume, domain="a"):
        asked.append(domain)
        return prepare(self, volume, domain)

    monkeypatch.setattr(Preprocessing, "prepare", spy)
    scan = Volume(np.random.default_rng(0).normal(size=SHAPE), np.eye(4))
    translate(scan, None, direction=direction)
    assert asked == [direction[0]]


def test_intensities_are_those_of_the_target_the_source_or_the_network():
    rng = np.random.default_rng(0)
    a, b = ([Volume(rng.uniform(0, top, SHAPE), np.eye(4)) for _ in range(3)] for top in (900, 300))
    preprocessing = minmax().fit(a, b, verbose=0)
    scan = a[0]
    low, high = scan.array.min(), scan.array.max()
    normalized = (scan.array - low) / (high - low) * 2 - 1
    b_low = np.median([volume.array.min() for volume in b])
    b_high = np.median([volume.array.max() for volume in b])
    expected = {
        "source": scan.array,
        "normalized": normalized,
        "target": (normalized + 1) / 2 * (b_high - b_low) + b_low,
    }
    for intensities, array in expected.items():
        made = kmc.translate_volume(
            linear(None, None),
            scan,
            preprocessing=preprocessing,
            intensities=intensities,
            verbose=0,
        )
        np.testing.assert_allclose(made.array, array, atol=1e-3)


def test_preprocessing_may_be_a_file(tmp_path):
    path = tmp_path / "preprocessing.json"
    minmax().save(path)
    scan = Volume(np.random.default_rng(0).normal(size=SHAPE), np.eye(4))
    for given in (path, str(path)):
        made = kmc.translate_volume(
            linear(None, None), scan, preprocessing=given, intensities="source", verbose=0
        )
        np.testing.assert_allclose(made.array, scan.array, atol=1e-5)


def test_the_sidecar_says_how_it_was_made_and_names_no_folder(tmp_path):
    source = write_scan(tmp_path / "t1.nii.gz")
    target = tmp_path / "t2.nii.gz"
    network = linear(None, None)
    preprocessing = minmax()
    kmc.translate_volume(
        network,
        source,
        target,
        preprocessing=preprocessing,
        intensities="source",
        planes=("axial", "coronal"),
        verbose=0,
    )
    text = (tmp_path / "t2.json").read_text()
    said = json.loads(text)
    assert said["Synthetic"] is True
    assert said["Warning"] == "Synthetic, not for diagnosis."
    assert said["GeneratedBy"]["Name"] == "keras_mri_cyclegan"
    assert said["GeneratedBy"]["Version"] == kmc.__version__
    assert said["Model"] == {
        "SHA256": hash_network(network),
        "Name": "generator",
        "Direction": "ab",
    }
    with open(source, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()
    assert said["Source"] == {"File": "t1.nii.gz", "SHA256": digest}
    assert said["Preprocessing"] == json.loads(json.dumps(preprocessing.get_config()))
    assert said["Intensities"] == "source"
    assert said["Planes"] == ["axial", "coronal"]
    assert str(tmp_path) not in text
    assert b"synthetic, not for diagnosis" in nib.load(target).header["descrip"].item()


def test_verbose_shows_a_progress_bar(capsys):
    scan = Volume(np.random.default_rng(0).normal(size=SHAPE), np.eye(4))
    arguments = {"preprocessing": minmax(), "intensities": "source", "batch_size": 4}
    kmc.translate_volume(linear(None, None), scan, verbose=0, **arguments)
    assert capsys.readouterr().out == ""
    kmc.translate_volume(linear(None, None), scan, **arguments)
    assert "3/3" in capsys.readouterr().out


# === What goes wrong, and leaves nothing behind ===


def forbid_work(monkeypatch):
    def work(*_, **__):
        raise AssertionError("the network was asked")

    # By its name the package has the function; the module of that name is only here.
    module = sys.modules["keras_mri_cyclegan.translation.translator"]
    monkeypatch.setattr(module, "translate_windows", work)


def test_a_target_that_cannot_be_written_is_found_before_the_work(tmp_path, monkeypatch):
    forbid_work(monkeypatch)
    source = write_scan(tmp_path / "t1.nii.gz")
    (tmp_path / "t2.nii.gz").write_bytes(b"something")
    before = sorted(os.listdir(tmp_path))
    for target, overwrite, message in [
        ("t2.nii.gz", False, "overwrite=True"),
        ("t1.nii.gz", True, "is the source itself"),
        ("nowhere/t2.nii.gz", False, "folder"),
    ]:
        with pytest.raises(ValueError, match=message):
            translate(source, tmp_path / target, overwrite=overwrite)
    with pytest.raises(ValueError, match="`target` must be a path"):
        translate(source, 3)
    with pytest.raises(VolumeError, match="created in memory"):
        translate(Volume(np.eye(4)[None] + 1, np.eye(4)), tmp_path / "series")
    assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "t2.nii.gz").read_bytes() == b"something"


def test_no_part_of_the_source_is_ever_replaced(tmp_path, monkeypatch):
    """Nor the other file of a pair, nor another dataset's file, nor through a link."""
    forbid_work(monkeypatch)
    pair = write_scan(tmp_path / "t1.img")
    np.savez(tmp_path / "scans.npz", t1=np.random.default_rng(0).normal(size=(3, 4, 5)))
    os.symlink(pair, tmp_path / "link.img")
    write_scan(tmp_path / "packed.img.gz")
    (tmp_path / "packed.hdr").write_bytes(
        gzip.decompress((tmp_path / "packed.hdr.gz").read_bytes())
    )
    (tmp_path / "packed.hdr.gz").unlink()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for source, target in [
        ("t1.img", "t1.hdr"),
        ("t1.hdr", "t1.img"),
        ("t1.img", "link.img"),
        ("packed.hdr", "packed.img"),  # whose header would be replaced
        ("scans.npz::t1", "scans.npz::t2"),
    ]:
        with pytest.raises(VolumeError, match="the source itself"):
            translate(str(tmp_path / source), str(tmp_path / target), overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_overwrite_replaces(tmp_path):
    source = write_scan(tmp_path / "t1.nii.gz")
    target = tmp_path / "t2.nii.gz"
    target.write_bytes(b"something")
    translate(source, target, overwrite=True)
    assert_same(source, target)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_that_gives_nan_writes_nothing(tmp_path, value):
    source = write_scan(tmp_path / "t1.nii.gz")
    with pytest.raises(ValueError, match="NaN or infinite; nothing was written"):
        translate(source, tmp_path / "t2.nii.gz", linear(None, None, bias=value))
    assert os.listdir(tmp_path) == ["t1.nii.gz"]


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    source = write_scan(tmp_path / "t1.nii.gz")
    replace = os.replace

    def full(start, end):
        if str(end).endswith(".nii.gz"):
            raise OSError(28, "No space left on device")
        replace(start, end)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(VolumeError, match="disk is full"):
        translate(source, tmp_path / "t2.nii.gz")
    assert os.listdir(tmp_path) == ["t1.nii.gz"]


def test_values_beyond_a_tanh_are_kept_and_warned_of():
    scan = Volume(np.random.default_rng(0).uniform(0, 900, SHAPE), np.eye(4))
    with pytest.warns(UserWarning, match="The network returned values in"):
        made = translate(scan, None, linear(None, None, weights=(2.0,)))
    middle = (scan.array.max() + scan.array.min()) / 2
    np.testing.assert_allclose(made.array, 2 * (scan.array - middle) + middle, atol=1e-3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "model.keras"}, "load_model"),
        ({"direction": "aa"}, "`direction`"),
        ({"intensities": "mine"}, "`intensities`"),
        ({"intensities": "target"}, r"fitted domains: none.*Preprocessing.load"),
        ({"intensities": "target", "preprocessing": None}, "Received: None"),
        ({"preprocessing": {"steps": []}}, "`preprocessing` must be"),
        ({"overlap": 1.0}, "`overlap`"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"verbose": 3}, "`verbose`"),
        ({"overwrite": "no"}, "`overwrite`"),
        ({"planes": ("axial", "axial")}, "each once"),
        ({"planes": ()}, "`planes`"),
        ({"planes": ("axial",), "preprocessing": minmax(Patches((4, 4, 4)))}, "is for slices"),
        ({"preprocessing": minmax(Patches((4, 4, 4)))}, "extracts 3-D images"),
        ({"preprocessing": minmax(Slices(neighbours=1))}, r"3 channel\(s\)"),
    ],
)
def test_an_argument_that_does_not_fit_is_an_error_before_the_work(monkeypatch, arguments, message):
    forbid_work(monkeypatch)
    scan = Volume(np.random.default_rng(0).normal(size=SHAPE), np.eye(4))
    with pytest.raises(ValueError, match=message):
        translate(scan, None, **arguments)


def test_a_source_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises((VolumeError, OSError), match=r"t1\.nii"):
        translate(tmp_path / "t1.nii", tmp_path / "t2.nii")
    assert os.listdir(tmp_path) == []


def test_pictures_of_normalized_values_are_refused_before_the_network_runs(tmp_path):
    from PIL import Image

    values = np.random.default_rng(0).integers(0, 255, (8, 8), "uint8")
    Image.fromarray(values).save(tmp_path / "a.png")

    image = keras.Input((8, 8, 1))
    generator = keras.Model(image, keras.layers.Conv2D(1, 1)(image))
    generator.predict_on_batch = None  # it would be called
    with pytest.raises(kmc.volumes.VolumeError, match=r"b\.png"):
        kmc.translate_volume(
            generator, tmp_path / "a.png", tmp_path / "b.png", intensities="normalized", verbose=0
        )
