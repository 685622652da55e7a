import pathlib
import struct
import sys
import tracemalloc
import warnings
import zlib

import dicom_files
import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.pixels import get_decoder
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

from keras_mri_cyclegan.volumes import VolumeError, VolumeWarning, dicom, read_volume

LARGE = 2**28
LPS_TO_RAS = np.array([-1, -1, 1])
# Voxel axes along each pair of the patient's axes, either way.
SIGNED_AXES = [
    np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]]),
    np.array([[0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]]),
    np.array([[-1, 0, 0], [0, 1, 0], [0, 0, -1]]),
]


def test_file(name):
    return get_testdata_file(name, download=False)


test_file.__test__ = False


def refused(path, *words, max_voxels=LARGE):
    with pytest.raises(VolumeError) as caught:
        dicom.read(str(path), max_voxels)
    for word in words:
        assert word in str(caught.value), (word, str(caught.value))


# === What is read ===


@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8"])
@pytest.mark.parametrize("shape", [(4, 7, 6), (3, 5, 9), (2, 1, 3)])
def test_voxels_and_type(tmp_path, dtype, shape):
    stored = dicom_files.scan(shape, dtype, low=-400 if dtype == "int16" else 0, high=250)
    volume = dicom.read(dicom_files.series(tmp_path / "s", stored), LARGE)
    np.testing.assert_array_equal(volume.array, stored.transpose(2, 1, 0))
    assert volume.header.kind == "dicom"
    assert volume.header.dtype == dtype
    assert volume.header.shape == shape
    assert volume.header.has_geometry


@pytest.mark.parametrize("axes", [dicom_files.OBLIQUE, *SIGNED_AXES])
@pytest.mark.parametrize("step", [2.5, -2.5])  # reversed: the last file is the first slice
def test_each_voxel_is_where_the_standard_says(tmp_path, axes, step):
    stored = dicom_files.scan()
    folder = dicom_files.series(tmp_path / "s", stored, axes=axes, step=step)
    volume = dicom.read(folder, LARGE)
    by_value = {}
    for path in pathlib.Path(folder).iterdir():
        dataset = pydicom.dcmread(path)
        for row, column in np.ndindex(dataset.pixel_array.shape):
            place = dicom_files.place(dataset, column, row) * LPS_TO_RAS
            by_value.setdefault(int(dataset.pixel_array[row, column]), []).append(place)
    for index in np.ndindex(volume.shape):
        place = (volume.affine @ [*index, 1])[:3]
        distance = np.abs(np.array(by_value[int(volume.array[index])]) - place).max(1).min()
        assert distance < 1e-4
    np.testing.assert_allclose(volume.spacing, (1.3, 0.8, 2.5), rtol=1e-5)


@pytest.mark.parametrize("step", [2.5, -2.5])
def test_highdicom_reads_the_same(tmp_path, step):
    folder = dicom_files.series(tmp_path / "s", step=step)
    ours = dicom.read(folder, LARGE)
    theirs = highdicom.get_volume_from_series(
        [pydicom.dcmread(path) for path in pathlib.Path(folder).iterdir()],
        apply_real_world_transform=False,
    )
    dicom_files.check_equal(ours, theirs)


@pytest.mark.parametrize("name", ["MR_small.dcm", "examples_overlay.dcm"])
def test_files_of_pydicom_against_highdicom(name):
    ours = dicom.read(test_file(name), LARGE)
    dataset = pydicom.dcmread(test_file(name))
    theirs = highdicom.spatial.ImageToReferenceTransformer.for_image(dataset)
    corners = np.array([[0, 0], [5, 3], [2, 60]])
    # highdicom counts from the corner of the first pixel, voxels from its centre.
    expected = theirs(corners + 0.5) * LPS_TO_RAS
    found = (ours.affine @ np.c_[corners, np.zeros(3), np.ones(3)].T).T[:, :3]
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_array_equal(ours.array[:, :, 0], dataset.pixel_array.T)


def test_rescale_of_each_slice(tmp_path):
    def change(dataset, index):
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.5 + index, -10.0 * index

    stored = dicom_files.scan()
    volume = dicom.read(dicom_files.series(tmp_path / "s", stored, change), LARGE)
    for index in range(4):
        expected = stored[index].astype("float64") * (0.5 + index) - 10 * index
        np.testing.assert_allclose(volume.array[:, :, index], expected.T, rtol=1e-7)


def test_bits_that_are_not_in_use_are_ignored(tmp_path):
    stored = dicom_files.scan(dtype="uint16")

    def change(dataset, index):  # an old overlay in the highest bits
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.PixelData = (stored[index] | 0xF000).tobytes()

    volume = dicom.read(dicom_files.series(tmp_path / "s", stored, change), LARGE)
    np.testing.assert_array_equal(volume.array, stored.transpose(2, 1, 0))


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_encodings(tmp_path, syntax):
    stored = dicom_files.scan()
    path = dicom_files.save(dicom_files.image(stored[0]), tmp_path / "x.dcm", syntax)
    np.testing.assert_array_equal(dicom.read(path, LARGE).array[:, :, 0], stored[0].T)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
def test_compressed(tmp_path, syntax):
    stored = dicom_files.scan((1, 64, 48), "uint16")
    dataset = dicom_files.image(stored[0])
    path = dicom_files.save(dataset, tmp_path / "x.dcm")
    dataset = pydicom.dcmread(path)
    if not pydicom.pixels.get_encoder(syntax).is_available:
        pytest.skip(f"no encoder for {syntax.name} is installed")
    dataset.compress(syntax)
    dataset.save_as(path)
    np.testing.assert_array_equal(dicom.read(path, LARGE).array[:, :, 0], stored[0].T)


def test_one_byte_of_padding(tmp_path):
    stored = dicom_files.scan((1, 5, 3), "uint8", high=200)
    path = dicom_files.save(dicom_files.image(stored[0]), tmp_path / "x.dcm")
    assert len(pydicom.dcmread(path).PixelData) == 16
    np.testing.assert_array_equal(dicom.read(path, LARGE).array[:, :, 0], stored[0].T)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1]])
def test_enhanced(tmp_path, order):
    stored = dicom_files.scan()
    slopes = [(1.5, 0), (2, -1), (0.25, 3), (1, 0)]
    path = dicom_files.enhanced(tmp_path / "e.dcm", stored, order, slopes)
    volume = dicom.read(path, LARGE)
    expected = [stored[index] * slopes[index][0] + slopes[index][1] for index in range(4)]
    np.testing.assert_allclose(volume.array, np.array(expected).transpose(2, 1, 0), rtol=1e-7)
    classic = dicom.read(dicom_files.series(tmp_path / "s", stored), LARGE)
    np.testing.assert_allclose(volume.affine, classic.affine, atol=1e-9)
    assert dicom.read(str(tmp_path / "e.dcm"), LARGE).header.content.multiframe


def test_a_folder_with_an_enhanced_file(tmp_path):
    dicom_files.enhanced(tmp_path / "e.dcm")
    assert dicom.read(str(tmp_path), LARGE).shape == (6, 7, 4)


def test_a_series_of_several(tmp_path):
    stored = dicom_files.scan()
    dicom_files.series(tmp_path, stored)
    other = dicom_files.image(stored[1])
    other.SeriesInstanceUID, other.SeriesDescription = "1.2.3.4", "scout"
    dicom_files.save(other, tmp_path / "scout.dcm")
    images = "(t1_mprage, 6 x 7, axial, 4 files)"
    refused(tmp_path, "2 series", f"::{dicom_files.SERIES}  {images}", "(scout, 6 x 7, axial, 1 f")
    volume = dicom.read(f"{tmp_path}::{dicom_files.SERIES}", LARGE)
    np.testing.assert_array_equal(volume.array, stored.transpose(2, 1, 0))
    refused(f"{tmp_path}::9.9", "no series 9.9", dicom_files.SERIES)


def test_series_are_told_apart_by_size_and_plane(tmp_path):
    planes = {"sagittal": [0, 1, 0, 0, 0, -1], "coronal": [1, 0, 0, 0, 0, -1], "axial": None}
    for number, (plane, axes) in enumerate(planes.items()):
        for index in range(2):
            dataset = dicom_files.image(dicom_files.scan((1, 7, 6 + number))[0], index)
            dataset.SeriesInstanceUID = f"1.2.{min(number, 1)}"
            if axes is not None:
                dataset.ImageOrientationPatient = axes
            dicom_files.save(dataset, tmp_path / f"{plane}{index}.dcm")
    both = "8 x 7 and 7 x 7, axial and coronal, 4 files"
    refused(tmp_path, "1.2.0  (t1_mprage, 6 x 7, sagittal, 2 files)", both)
    dataset = pydicom.dcmread(tmp_path / "axial0.dcm")
    dataset.SeriesInstanceUID, dataset.ImageOrientationPatient = "1.2.5", ""
    dicom_files.save(dataset, tmp_path / "odd.dcm")
    refused(tmp_path, "1.2.5  (t1_mprage, 8 x 7, 1 files)")


def test_a_series_of_two_patients(tmp_path):
    def change(dataset, index):
        dataset.PatientID = ["P7", "P7 ", "", "P8"][index]

    with pytest.raises(VolumeError, match="images of 2 patients"):
        read_volume(dicom_files.series(tmp_path / "two", change=change))
    stored = dicom_files.scan((3, 7, 6))
    assert read_volume(dicom_files.series(tmp_path / "one", stored, change)).shape == (6, 7, 3)


def test_a_series_of_two_frames_of_reference(tmp_path):
    def change(dataset, index):
        dataset.FrameOfReferenceUID = ["1.9", "", "1.8", "1.9"][index]

    path = dicom_files.series(tmp_path / "moved", change=change)
    uids = {
        file: pydicom.dcmread(file).FrameOfReferenceUID for file in pathlib.Path(path).iterdir()
    }
    odd = next(file.name for file, uid in uids.items() if uid == "1.8")
    with pytest.warns(VolumeWarning, match=f"{odd} has another FrameOfReferenceUID .*2 in 4 files"):
        assert read_volume(path).shape == (6, 7, 4)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_volume(dicom_files.series(tmp_path / "one", dicom_files.scan((2, 7, 6)), change))


def test_what_is_not_an_image_is_passed_over(tmp_path):
    dicom_files.series(tmp_path)
    (tmp_path / "notes.txt").write_text("not DICOM")
    (tmp_path / "deeper").mkdir()
    directory = pydicom.dcmread(test_file("DICOMDIR"))
    directory.save_as(tmp_path / "DICOMDIR")
    pydicom.dcmread(test_file("test-SR.dcm")).save_as(tmp_path / "report.dcm")
    assert dicom.read(str(tmp_path), LARGE).shape == (6, 7, 4)


def test_single_slice_without_thickness_warns(tmp_path):
    dataset = dicom_files.image(dicom_files.scan()[0])
    del dataset.SliceThickness
    path = dicom_files.save(dataset, tmp_path / "x.dcm")
    with pytest.warns(VolumeWarning, match="taken as 1 mm"):
        assert dicom.read(path, LARGE).spacing[2] == pytest.approx(1)
    dataset.SpacingBetweenSlices = "-4.5"
    dicom_files.save(dataset, path)
    with warnings.catch_warnings():
        warnings.simplefilter("error", VolumeWarning)
        assert dicom.read(path, LARGE).spacing[2] == pytest.approx(4.5)


def test_is_dicom(tmp_path):
    folder = dicom_files.series(tmp_path / "s")
    (tmp_path / "x.txt").write_text("x" * 200)
    assert dicom.is_dicom(folder)
    assert dicom.is_dicom(f"{folder}::1.2.3")
    assert dicom.is_dicom(f"{folder}/0.ima")
    assert not dicom.is_dicom(str(tmp_path))
    assert not dicom.is_dicom(str(tmp_path / "x.txt"))
    assert not dicom.is_dicom(str(tmp_path / "nothing"))


def test_private_attributes_are_not_kept_in_memory(tmp_path):
    volume = dicom.read(dicom_files.series(tmp_path / "s"), LARGE)
    for dataset in volume.header.content.datasets:
        assert "PixelData" not in dataset
        assert not any(tag.is_private or tag.group == 0x6000 for tag in dataset.keys())  # noqa: SIM118


# === What is refused ===


def put(**values):
    def change(dataset, index=1):
        if index == 1:
            for keyword, value in values.items():
                if value is None:
                    del dataset[keyword]
                else:
                    setattr(dataset, keyword, value)

    return change


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}, ["different orientations"]),
        ({"PixelSpacing": [0.8, 1.4]}, ["different pixel spacings", "1.4"]),
        ({"ImagePositionPatient": None}, ["no ImagePositionPatient", "PNG"]),
        ({"ImageOrientationPatient": None}, ["no ImageOrientationPatient"]),
        ({"PixelSpacing": None}, ["no PixelSpacing"]),
        ({"ImageOrientationPatient": [1, 0, 0, 1, 0, 0]}, ["right angle"]),
        ({"ImageOrientationPatient": [1, 0, 0]}, ["Expected 6"]),
        ({"PixelSpacing": [0, 1]}, ["above 0"]),
        ({"PixelData": None}, ["no pixel data"]),
        ({"PixelData": b"\0" * 82}, ["82 bytes", "Expected 84", "truncated"]),
        ({"PixelData": b"\0" * 86}, ["86 bytes", "2 too many"]),
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, ["RGB", "colour"]),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, ["PALETTE COLOR"]),
        ({"PhotometricInterpretation": "MONOCHROME1"}, ["MONOCHROME1", "invert"]),
        ({"RescaleSlope": "0", "RescaleIntercept": "0"}, ["RescaleSlope is 0"]),
        ({"RescaleSlope": "1e39", "RescaleIntercept": "0"}, ["infinite"]),
        ({"Rows": 0}, ["0 rows"]),
        ({"Columns": 0}, ["0 columns"]),
        ({"Rows": 8}, ["different kinds", "8 x 6"]),
        ({"Rows": None}, ["Rows is missing"]),
        ({"PixelRepresentation": 0, "PixelPaddingValue": None}, ["different kinds", "uint16"]),
        ({"BitsAllocated": 32}, ["BitsAllocated 32", "dcm2niix"]),
        ({"HighBit": 11}, ["HighBit 11"]),
        ({"NumberOfFrames": 3}, ["3 frames", "functional groups"]),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "M", "MOSAIC"]}, ["mosaic", "dcm2niix"]),
        ({"ModalityLUTSequence": [pydicom.Dataset()]}, ["ModalityLUTSequence"]),
    ],
    ids=str,
)
def test_bad_images(tmp_path, values, words):
    refused(dicom_files.series(tmp_path / "s", change=put(**values)), *words)


@pytest.mark.parametrize("value", [b"NaN", b"inf ", b"-inf", b"x "])
def test_slopes_that_are_not_numbers(tmp_path, value):
    path = dicom_files.save(dicom_files.image(dicom_files.scan()[0]), tmp_path / "x.dcm")
    dataset = pydicom.dcmread(path)
    dataset.RescaleSlope, dataset.RescaleIntercept = "7777", "0"
    dataset.save_as(path)
    damage(path, b"7777", value.ljust(4))
    refused(path, "RescaleSlope", "Expected")


def damage(path, old, new):
    path = pathlib.Path(path)
    content = path.read_bytes()
    assert content.count(old) == 1
    path.write_bytes(content.replace(old, new))


@pytest.mark.parametrize("extra", [{"EchoTime": "90"}, {"TemporalPositionIdentifier": 2}])
def test_two_images_at_one_place(tmp_path, extra):
    folder = dicom_files.series(tmp_path / "s", change=put(TemporalPositionIdentifier=1))
    dataset = dicom_files.image(dicom_files.scan()[1], 1)
    dataset.TemporalPositionIdentifier = 1
    dataset.SOPInstanceUID = "1.2.3"
    put(**extra)(dataset)
    dicom_files.save(dataset, tmp_path / "s" / "again")
    refused(folder, "same place", *extra)


def test_the_same_file_twice(tmp_path):
    folder = dicom_files.series(tmp_path / "s")
    (tmp_path / "s" / "copy").write_bytes((tmp_path / "s" / "0.ima").read_bytes())
    refused(folder, "same place", "one is a copy")


def test_two_echoes_in_an_enhanced_file(tmp_path):
    def change(dataset):
        groups = dataset.PerFrameFunctionalGroupsSequence
        groups[1].PlanePositionSequence = groups[0].PlanePositionSequence
        for index, group in enumerate(groups):
            echo = pydicom.Dataset()
            echo.EffectiveEchoTime = 10.0 + index
            group.MREchoSequence = [echo]

    path = dicom_files.enhanced(tmp_path / "e.dcm", change=change)
    refused(path, "same place", "EffectiveEchoTime 10.0 and 11.0", "frame 2")


def test_a_missing_slice(tmp_path):
    folder = dicom_files.series(tmp_path / "s", dicom_files.scan((5, 7, 6)))
    for path in pathlib.Path(folder).iterdir():
        if pydicom.dcmread(path).InstanceNumber == 3:
            path.unlink()
    refused(folder, "evenly", "2.5 mm apart", "5 mm", "missing")


def test_slices_off_the_line(tmp_path):
    def change(dataset, index):
        if index == 2:
            dataset.ImagePositionPatient = (
                np.array(dataset.ImagePositionPatient, float) + 3 * dicom_files.OBLIQUE[:, 0]
            ).tolist()

    refused(dicom_files.series(tmp_path / "s", change=change), "straight line", "off")


def test_groups_and_frames_must_agree(tmp_path):
    path = dicom_files.enhanced(
        tmp_path / "e.dcm", change=lambda dataset: setattr(dataset, "NumberOfFrames", 3)
    )
    refused(path, "NumberOfFrames is 3", "describe 4")


def test_nothing_there(tmp_path):
    refused(tmp_path / "none.dcm", "none.dcm", "exists")
    refused(tmp_path, "none of the 0 entries")
    (tmp_path / "x.txt").write_text("x")
    refused(tmp_path, "none of the 1 entries")
    refused(tmp_path / "x.txt", "not a DICOM file", "force=True")


def test_a_damaged_file_in_a_folder_is_not_skipped(tmp_path):
    folder = dicom_files.series(tmp_path / "s")
    damaged = pathlib.Path(folder) / "3.ima"
    damaged.write_bytes(damaged.read_bytes()[:400])
    refused(folder)
    truncated = pydicom.data.get_testdata_file("MR_truncated.dcm", download=False)
    refused(truncated, "8130 bytes", "truncated")


def test_constant(tmp_path):
    refused(dicom_files.series(tmp_path / "s", np.full((2, 4, 4), 7, "int16")), "value 7")


def test_claims_are_checked_before_memory(tmp_path):
    path = dicom_files.save(dicom_files.image(dicom_files.scan()[0]), tmp_path / "x.dcm")
    refused(path, "42 voxels", "at most 41", max_voxels=41)
    dataset = pydicom.dcmread(path)
    dataset.Rows = dataset.Columns = 65535
    dataset.save_as(path)
    refused(path, "4294836225 voxels")
    refused(path, "bytes", max_voxels=2**40)
    dataset.Rows = dataset.Columns = 4000
    dataset.save_as(path)
    refused(path, "32000000 bytes", "truncated")


def test_a_codestream_larger_than_its_header(tmp_path):
    content = pathlib.Path(test_file("MR_small_jp2klossless.dcm")).read_bytes()
    at = content.index(b"\xff\x4f\xff\x51") + 8
    bomb = content[:at] + struct.pack(">II", 60000, 60000) + content[at + 8 :]
    (tmp_path / "x.dcm").write_bytes(bomb)
    refused(tmp_path / "x.dcm", "(60000, 60000, 1)", "(64, 64, 1)")


def test_a_deflated_bomb(tmp_path):
    path = dicom_files.save(
        dicom_files.image(dicom_files.scan()[0]), tmp_path / "x", DeflatedExplicitVRLittleEndian
    )
    content = pathlib.Path(path).read_bytes()
    start = 144 + struct.unpack("<I", content[140:144])[0]
    packer = zlib.compressobj(9, wbits=-15)
    bomb = packer.compress(b"\x10\x00\x10\x00LT\x00\x00" + b"\0" * (2**26 + 2**16)) + packer.flush()
    assert len(bomb) < 200_000
    pathlib.Path(path).write_bytes(content[:start] + bomb)
    refused(path, "inflate to more than 67108864", "dcmconv")
    pathlib.Path(path).write_bytes(content[:-20])
    refused(path, "end too early")


def test_hostile_nesting(tmp_path):
    nested = b""
    for _ in range(3000):  # sequences of undefined length, never closed
        nested += b"\x40\x00\x75\x02SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    path = dicom_files.save(dicom_files.image(dicom_files.scan()[0]), tmp_path / "x")
    content = pathlib.Path(path).read_bytes()
    at = content.index(b"\x28\x00\x02\x00US")
    pathlib.Path(path).write_bytes(content[:at] + nested + content[at:])
    refused(path)


def test_a_length_of_four_gigabytes_allocates_nothing(tmp_path):
    path = pathlib.Path(
        dicom_files.save(dicom_files.image(dicom_files.scan()[0]), tmp_path / "x.dcm")
    )
    content = path.read_bytes()
    at = content.index(b"\x28\x00\x02\x00US")
    element = b"\x28\x00\x01\x00OB\0\0" + struct.pack("<I", 2**32 - 2)
    path.write_bytes(content[:at] + element + content[at:])
    tracemalloc.start()
    refused(path, "Rows is missing", "truncated")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**24


def test_a_codec_that_is_not_installed(monkeypatch):
    decoder = get_decoder(JPEG2000Lossless)
    monkeypatch.setattr(decoder, "_available", {})
    refused(
        test_file("MR_small_jp2klossless.dcm"),
        "JPEG 2000 Image Compression (Lossless Only)",
        "pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg",
        "python-gdcm",
    )


def test_no_transfer_syntax(tmp_path):
    path = dicom_files.save(dicom_files.image(dicom_files.scan()[0]), tmp_path / "x")
    damage(path, ExplicitVRLittleEndian.encode() + b"\0", b"1.2.840.10008.9.9\0\0\0")
    refused(path, "TransferSyntaxUID")


def test_pydicom_is_an_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(ImportError, match=r"keras-mri-cyclegan\[dicom\]"):
        dicom.read("x.dcm", LARGE)
