import dataclasses
import pathlib
import warnings

import dicom_files
import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian

from keras_mri_cyclegan.volumes import Volume, VolumeError, dicom

LARGE = 2**28
PROVENANCE = {
    "Synthetic": True,
    "Warning": "Synthetic, not for diagnosis.",
    "Description": "T1 translated to T2 by a CycleGAN.",
    "GeneratedBy": {"Name": "keras_mri_cyclegan", "Version": "0.1.0"},
    "Model": {"SHA256": "ab" * 32, "Name": "t1_t2", "Direction": "ab"},
    "Source": {"File": "t1", "SHA256": "cd" * 32},
}
# What described how the source was acquired, and its numbers.
GONE = [
    "FlipAngle",
    "InversionTime",
    "EchoNumbers",
    "SequenceName",
    "MagneticFieldStrength",
    "ImagingFrequency",
    "ContrastBolusAgent",
    "ProtocolName",
]
NEVER = [
    "PixelPaddingValue",
    "IconImageSequence",
    "RealWorldValueMappingSequence",
    "InstanceCreatorUID",
]
KEPT = [
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
    "StudyInstanceUID",
    "StudyDate",
    "StudyTime",
    "StudyID",
    "AccessionNumber",
    "ReferringPhysicianName",
    "FrameOfReferenceUID",
    "InstitutionName",
    "Modality",
    "BodyPartExamined",
    "PatientPosition",
    "MRAcquisitionType",
    "SOPClassUID",
    "BurnedInAnnotation",
    "LossyImageCompression",
    "SliceThickness",
    "PixelSpacing",
    "ImageOrientationPatient",
    "ImagePositionPatient",
]


def written(folder):
    return [pydicom.dcmread(path) for path in sorted(pathlib.Path(folder).iterdir())]


def source(tmp_path, *args, **kwargs):
    return dicom.read(dicom_files.series(tmp_path / "source", *args, **kwargs), LARGE)


# === Voxels and geometry ===


@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8"])
@pytest.mark.parametrize("shape", [(4, 7, 6), (2, 5, 3)])
@pytest.mark.parametrize("step", [2.5, -2.5])
def test_a_copy_has_the_same_voxels_at_the_same_places(tmp_path, dtype, shape, step):
    stored = dicom_files.scan(shape, dtype, -400 if dtype == "int16" else 0, 250)
    volume = source(tmp_path, stored, step=step)
    dicom.write(volume, str(tmp_path / "copy"))
    again = dicom.read(str(tmp_path / "copy"), LARGE)
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_array_equal(again.affine, volume.affine)
    assert again.header.dtype == dtype
    originals = {  # by position, with pydicom alone
        tuple(dataset.ImagePositionPatient): dataset.pixel_array
        for dataset in map(pydicom.dcmread, (tmp_path / "source").iterdir())
    }
    for dataset in written(tmp_path / "copy"):
        np.testing.assert_array_equal(
            dataset.pixel_array, originals[tuple(dataset.ImagePositionPatient)]
        )
        assert dataset.pixel_array.dtype == dtype
        assert dataset.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
        assert "RescaleSlope" not in dataset


def test_slopes_of_the_source_stay_if_values_are_on_its_grid(tmp_path):
    def change(dataset, index):
        dataset.RescaleSlope, dataset.RescaleIntercept = 0.3 + index, -7.1 * index

    volume = source(tmp_path, dicom_files.scan(high=20), change)
    dicom.write(volume, str(tmp_path / "copy"), PROVENANCE)
    np.testing.assert_allclose(dicom.read(str(tmp_path / "copy"), LARGE).array, volume.array)
    assert [float(dataset.RescaleSlope) for dataset in written(tmp_path / "copy")] == [
        pytest.approx(0.3 + index) for index in range(4)
    ]


@pytest.mark.parametrize("dtype", ["int16", "uint16", "uint8"])
@pytest.mark.parametrize(("low", "high"), [(-1, 1), (0, 90000), (-3e6, 5), (1e-9, 3e-9)])
def test_other_values_get_a_slope_of_their_own(tmp_path, dtype, low, high):
    volume = source(tmp_path, dicom_files.scan(dtype=dtype, high=250))
    values = np.random.default_rng(0).uniform(low, high, volume.shape).astype("float32")
    dicom.write(volume.replace(array=values), str(tmp_path / "t2"), PROVENANCE)
    for index, dataset in enumerate(written(tmp_path / "t2")):
        assert dataset.BitsStored == 16
        assert dataset.pixel_array.dtype.kind == np.dtype(dtype).kind
        found = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
        step = (values.max() - values.min()) / 65000
        np.testing.assert_allclose(found.T, values[:, :, index], atol=float(step))
    again = dicom.read(str(tmp_path / "t2"), LARGE)
    np.testing.assert_allclose(again.array, values, atol=float(step))


def test_values_of_a_large_range_are_rounded_on_the_source_grid(tmp_path):
    volume = source(tmp_path, dicom_files.scan(high=4000))
    dicom.write(volume.replace(array=volume.array + np.float32(0.3)), str(tmp_path / "t2"))
    dataset = written(tmp_path / "t2")[0]
    assert "RescaleSlope" not in dataset
    np.testing.assert_array_equal(dataset.pixel_array, volume.array[:, :, 0].T)


def test_a_constant_result_can_be_written(tmp_path):
    volume = source(tmp_path)
    dicom.write(volume.replace(array=np.full(volume.shape, 0.25)), str(tmp_path / "t2"))
    dataset = written(tmp_path / "t2")[0]
    value = dataset.pixel_array * float(dataset.RescaleSlope) + float(dataset.RescaleIntercept)
    np.testing.assert_allclose(value, 0.25)


def test_bits_in_use(tmp_path):
    def change(dataset, index):
        dataset.BitsStored, dataset.HighBit = 12, 11

    volume = source(tmp_path, dicom_files.scan(dtype="uint16", high=4000), change)
    dicom.write(volume, str(tmp_path / "same"))
    assert [dataset.BitsStored for dataset in written(tmp_path / "same")] == [12] * 4
    dicom.write(volume.replace(array=volume.array + 3000), str(tmp_path / "more"))
    dataset = written(tmp_path / "more")[0]
    assert (dataset.BitsStored, dataset.HighBit) == (16, 15)
    np.testing.assert_array_equal(dataset.pixel_array, volume.array[:, :, 0].T + 3000)


def test_highdicom_finds_the_copy_where_the_source_is(tmp_path):
    volume = source(tmp_path)
    dicom.write(volume, str(tmp_path / "t2"), PROVENANCE)
    theirs = highdicom.get_volume_from_series(written(tmp_path / "t2"))
    dicom_files.check_equal(volume, theirs)
    assert theirs.frame_of_reference_uid == dicom_files.FRAME_OF_REFERENCE


# === Tags ===


@pytest.fixture
def pair(tmp_path):
    """The files of a synthetic series, and its sources, in the order of the slices."""
    volume = source(tmp_path)
    dicom.write(volume, str(tmp_path / "t2"), PROVENANCE)
    return list(zip(written(tmp_path / "t2"), volume.header.content.datasets, strict=True)), volume


def by_place(pair):
    pairs, volume = pair
    datasets = volume.header.content.datasets
    return [
        (new, datasets[frame.file])
        for (new, _), frame in zip(pairs, volume.header.content.frames, strict=True)
    ]


def test_patient_study_and_geometry_are_kept(pair):
    for new, old in by_place(pair):
        for keyword in KEPT:
            assert new[keyword].value == old[keyword].value, keyword


def test_identity_is_new(pair):
    pairs = by_place(pair)
    instances = {new.SOPInstanceUID for new, _ in pairs}
    assert len(instances) == 4
    assert not instances & {old.SOPInstanceUID for _, old in pairs}
    assert len({new.SeriesInstanceUID for new, _ in pairs}) == 1
    for index, (new, old) in enumerate(pairs):
        assert new.file_meta.MediaStorageSOPInstanceUID == new.SOPInstanceUID
        assert UID(new.SOPInstanceUID).is_valid
        assert UID(new.SeriesInstanceUID).is_valid
        assert new.SeriesInstanceUID != old.SeriesInstanceUID
        assert new.SeriesNumber == 1004
        assert new.InstanceNumber == index + 1
        assert new.SeriesDescription == "t1_mprage synthetic"
        for kind in ("InstanceCreation", "Series", "Content"):
            assert len(new[f"{kind}Date"].value) == 8
            assert new[f"{kind}Date"].value > "2024"
            assert len(new[f"{kind}Time"].value) == 6


def test_it_says_what_it_is(pair):
    for new, old in by_place(pair):
        assert new.SyntheticData == "YES"
        assert list(new.ImageType) == ["DERIVED", "SECONDARY", "OTHER"]
        assert new.DerivationDescription == (
            "Synthetic, not for diagnosis. T1 translated to T2 by a CycleGAN. By "
            f"keras_mri_cyclegan 0.1.0. Model t1_t2 direction ab. Model SHA-256 {'ab' * 32}. "
            f"Source SHA-256 {'cd' * 32}."
        )
        assert new.ImageComments == "Synthetic, not for diagnosis."
        (reference,) = new.SourceImageSequence
        assert reference.ReferencedSOPClassUID == old.SOPClassUID
        assert reference.ReferencedSOPInstanceUID == old.SOPInstanceUID
        (purpose,) = reference.PurposeOfReferenceCodeSequence
        assert (purpose.CodeValue, purpose.CodingSchemeDesignator) == ("121322", "DCM")


def test_equipment(pair):
    for new, _ in by_place(pair):
        acquired, made = new.ContributingEquipmentSequence
        assert acquired.PurposeOfReferenceCodeSequence[0].CodeValue == "109101"
        assert acquired.Manufacturer == "ACME"
        assert acquired.ManufacturerModelName == "Magnet 3000"
        assert acquired.DeviceSerialNumber == "4711"
        assert acquired.StationName == "MR1"
        (purpose,) = made.PurposeOfReferenceCodeSequence
        assert (purpose.CodeValue, purpose.CodingSchemeDesignator, purpose.CodeMeaning) == (
            "109100",
            "DCM",
            "Synthesizing Equipment",
        )
        for item in (made, new):
            assert item.Manufacturer == "keras_mri_cyclegan"
            assert item.ManufacturerModelName == "t1_t2"
            assert item.SoftwareVersions == "0.1.0"
        assert made.ContributionDescription == new.DerivationDescription
        assert len(made.ContributionDateTime) >= 14
        assert "StationName" not in new


def test_equipment_of_the_source_stays_in_front(tmp_path):
    def change(dataset, index):
        item = pydicom.Dataset()
        item.Manufacturer = "Gateway"
        item.PurposeOfReferenceCodeSequence = [dicom_files._item(CodeValue="109101")]
        dataset.ContributingEquipmentSequence = [item]

    dicom.write(source(tmp_path, change=change), str(tmp_path / "t2"), PROVENANCE)
    items = written(tmp_path / "t2")[0].ContributingEquipmentSequence
    assert [item.Manufacturer for item in items] == ["Gateway", "keras_mri_cyclegan"]


def test_what_no_longer_holds_is_gone(pair):
    for new, _ in by_place(pair):
        for keyword in GONE + NEVER:
            assert keyword not in new, keyword
        assert new.ScanningSequence == "RM"
        assert new.SequenceVariant == "NONE"
        for keyword in ("ScanOptions", "RepetitionTime", "EchoTime", "EchoTrainLength"):
            assert keyword in new  # required, may be empty
            assert not new[keyword].value
        assert 0x60003000 not in new
        private = []
        new.walk(
            lambda dataset, element, found=private: found.extend(
                [element.tag] if element.tag.is_private else []
            )
        )
        assert private == []
        assert new.RequestAttributesSequence[0].RequestedProcedureID == "R1"


def test_window_and_extremes_are_those_of_the_new_numbers(pair):
    pairs, volume = pair
    low, high = np.percentile(volume.array, (0.5, 99.5))
    for new, _ in pairs:
        assert new.SmallestImagePixelValue == new.pixel_array.min()
        assert new.LargestImagePixelValue == new.pixel_array.max()
        assert new["LargestImagePixelValue"].VR == "SS"
        assert float(new.WindowCenter) == pytest.approx((low + high) / 2)
        assert float(new.WindowWidth) == pytest.approx(high - low)


def test_a_copy_is_derived_and_not_synthetic(tmp_path):
    volume = source(tmp_path)
    dicom.write(volume, str(tmp_path / "copy"))
    for new in written(tmp_path / "copy"):
        assert "SyntheticData" not in new
        assert "ContributingEquipmentSequence" not in new
        assert list(new.ImageType) == ["DERIVED", "SECONDARY", "M", "ND"]
        assert (new.EchoTime, new.Manufacturer) == (2.5, "ACME")
        assert new.SourceImageSequence[0].ReferencedSOPInstanceUID.startswith(dicom_files.SERIES)
        for keyword in NEVER:
            assert keyword not in new
    assert volume.header.content.datasets[0].ImageType[0] == "ORIGINAL"  # the source is untouched


def test_names_with_any_letter(tmp_path):
    def change(dataset, index):
        dataset.SpecificCharacterSet = "ISO_IR 100"
        dataset.PatientName = "Müller^Jörg"

    volume = source(tmp_path, change=change)
    dicom.write(volume, str(tmp_path / "a"), PROVENANCE)
    assert written(tmp_path / "a")[0].PatientName == "Müller^Jörg"
    named = {**PROVENANCE, "SeriesDescription": "T2 合成", "Description": "Ω"}
    dicom.write(volume, str(tmp_path / "b"), named)
    new = written(tmp_path / "b")[0]
    assert (new.PatientName, new.SeriesDescription) == ("Müller^Jörg", "T2 合成")
    assert "Ω" in new.DerivationDescription
    assert new.SpecificCharacterSet == "ISO_IR 192"


def test_long_texts(tmp_path):
    volume = source(tmp_path)
    dicom.write(volume, str(tmp_path / "a"), {"Description": "x" * 2000})
    assert len(written(tmp_path / "a")[0].DerivationDescription) == 1024
    with pytest.raises(VolumeError, match="at most 64"):
        dicom.write(volume, str(tmp_path / "b"), {"SeriesDescription": "x" * 65})
    assert not (tmp_path / "b").exists()


def test_a_source_in_another_encoding(tmp_path):
    def change(dataset, index):
        dataset.RequestAttributesSequence[0].add_new(0x00280010, "US", 258)  # nested, two bytes

    stored = dicom_files.scan()
    dataset = dicom_files.image(stored[0])
    change(dataset, 0)
    path = dicom_files.save(dataset, tmp_path / "x.dcm", ExplicitVRBigEndian)
    dicom.write(dicom.read(path, LARGE), str(tmp_path / "t2.dcm"), PROVENANCE)
    new = pydicom.dcmread(tmp_path / "t2.dcm")
    assert new.RequestAttributesSequence[0].Rows == 258
    np.testing.assert_array_equal(new.pixel_array, stored[0])


@pytest.mark.parametrize(
    "name", ["MR_small.dcm", "MR_small_bigendian.dcm", "MR_small_jp2klossless.dcm", "CT_small.dcm"]
)
def test_files_of_pydicom(tmp_path, name):
    path = get_testdata_file(name, download=False)
    dicom.write(dicom.read(path, LARGE), str(tmp_path / "t2.dcm"), PROVENANCE)
    new, old = pydicom.dcmread(tmp_path / "t2.dcm"), pydicom.dcmread(path)
    np.testing.assert_array_equal(new.pixel_array, old.pixel_array)
    assert (new.PatientName, new.SyntheticData) == (old.PatientName, "YES")


# === Enhanced ===


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [2, 0, 3, 1]])
@pytest.mark.parametrize("new_values", [False, True])
def test_enhanced(tmp_path, order, new_values):
    slopes = [(1.5, 0), (2, -1), (0.25, 3), (1, 0)]
    path = dicom_files.enhanced(tmp_path / "e.dcm", order=order, slopes=slopes)
    volume = dicom.read(path, LARGE)
    if new_values:
        volume = volume.replace(array=np.sin(volume.array))
    dicom.write(volume, str(tmp_path / "t2.dcm"), PROVENANCE)
    again = dicom.read(str(tmp_path / "t2.dcm"), LARGE)
    np.testing.assert_allclose(again.array, volume.array, atol=4e-5 if new_values else 0)
    np.testing.assert_array_equal(again.affine, volume.affine)
    theirs = highdicom.imread(str(tmp_path / "t2.dcm")).get_volume()
    dicom_files.check_equal(again, theirs, atol=1e-4)


def test_tags_of_an_enhanced_file(tmp_path):
    path = dicom_files.enhanced(tmp_path / "e.dcm")
    dicom.write(dicom.read(path, LARGE), str(tmp_path / "t2"), PROVENANCE)
    (new,) = written(tmp_path / "t2")
    assert list(new.ImageType) == ["DERIVED", "PRIMARY", "OTHER", "OTHER"]
    assert (new.SyntheticData, new.PatientID, new.StudyInstanceUID) == (
        "YES",
        "P7",
        dicom_files.STUDY,
    )
    assert (new.AcquisitionContrast, new.ContentQualification) == ("UNKNOWN", "RESEARCH")
    assert "EchoTime" not in new
    assert new.ContributingEquipmentSequence[-1].Manufacturer == "keras_mri_cyclegan"
    (shared,) = new.SharedFunctionalGroupsSequence
    assert "MREchoSequence" not in shared
    assert list(shared.MRImageFrameTypeSequence[0].FrameType) == list(new.ImageType)
    assert float(shared.FrameVOILUTSequence[0].WindowWidth) > 100
    assert len(new.DimensionIndexSequence) == 1  # that of the echoes is gone
    for number, groups in enumerate(new.PerFrameFunctionalGroupsSequence, 1):
        assert "FrameVOILUTSequence" not in groups
        assert groups.FrameContentSequence[0].DimensionIndexValues == number
        (derivation,) = groups.DerivationImageSequence
        assert derivation.DerivationCodeSequence[0].CodeValue == "SYNTHESIS"
        (reference,) = derivation.SourceImageSequence
        assert reference.ReferencedFrameNumber == number
        assert reference.ReferencedSOPInstanceUID == pydicom.dcmread(path).SOPInstanceUID


# === What is refused, and what is left behind ===


def test_a_volume_of_another_format(tmp_path):
    volume = Volume(np.zeros((2, 3, 4)), np.eye(4))
    with pytest.raises(VolumeError, match="a patient and a study"):
        dicom.write(volume, str(tmp_path / "t2"))


@pytest.mark.parametrize("change", ["shape", "shift", "flip"])
def test_another_grid(tmp_path, change):
    volume = source(tmp_path)
    affine = volume.affine.copy()
    if change == "shape":
        volume = volume.replace(array=volume.array[:, :, :3])
    elif change == "shift":
        affine[0, 3] += 0.5
    else:
        affine[:, 0] *= -1
    with pytest.raises(VolumeError, match="source's grid"):
        dicom.write(volume.replace(affine=affine), str(tmp_path / "t2"))
    assert not (tmp_path / "t2").exists()


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "SOPClassUID"])
def test_a_source_without_identifiers(tmp_path, keyword):
    volume = source(tmp_path)
    del volume.header.content.datasets[2][keyword]
    with pytest.raises(VolumeError, match=f"no {keyword}"):
        dicom.write(volume, str(tmp_path / "t2"), PROVENANCE)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_series_is_no_file(tmp_path):
    with pytest.raises(VolumeError, match=r"leave out `\.dcm`"):
        dicom.write(source(tmp_path), str(tmp_path / "t2.dcm"))


def test_folders_are_not_overwritten(tmp_path):
    volume = source(tmp_path)
    dicom.write(volume, str(tmp_path / "t2"), PROVENANCE)
    before = {path.name: path.read_bytes() for path in (tmp_path / "t2").iterdir()}
    with pytest.raises(VolumeError, match="overwrite"):
        dicom.write(volume, str(tmp_path / "t2"))
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "t2").iterdir()}
    dicom.write(volume, str(tmp_path / "t2"), overwrite=True)
    assert before != {path.name: path.read_bytes() for path in (tmp_path / "t2").iterdir()}


def test_only_synthetic_folders_are_overwritten(tmp_path):
    """An acquired series, and a copy, which does not say what it is, stay."""
    volume = source(tmp_path)
    dicom.write(volume, str(tmp_path / "copy"))
    for name in ("source", "copy"):
        before = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
        with pytest.raises(VolumeError, match="SyntheticData YES"):
            dicom.write(volume, str(tmp_path / name), PROVENANCE, overwrite=True)
        assert before == {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floating_point_values_become_the_sources_integers(tmp_path, dtype):
    """As `Preprocessing.restore` gives them with `intensities="normalized"`."""
    volume = source(tmp_path)
    low, high = volume.array.min(), volume.array.max()
    header = dataclasses.replace(volume.header, dtype=np.dtype(dtype))
    array = (volume.array - low) / (high - low) * 2 - 1
    dicom.write(volume.replace(array=array, header=header), str(tmp_path / "t2"), PROVENANCE)
    again = dicom.read(str(tmp_path / "t2"), LARGE)
    assert again.header.dtype == volume.header.dtype
    np.testing.assert_allclose(again.array, array, atol=2 / 2**15)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyError("x")])
def test_nothing_is_left_of_what_failed(tmp_path, monkeypatch, error):
    volume = source(tmp_path)
    save, calls = pydicom.Dataset.save_as, []

    def fail_at_the_third(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise error
        return save(self, *args, **kwargs)

    monkeypatch.setattr(pydicom.Dataset, "save_as", fail_at_the_third)
    with pytest.raises(VolumeError, match=r"No space|cannot be written"):
        dicom.write(volume, str(tmp_path / "t2"), PROVENANCE)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_pydicom_has_nothing_to_say_about_what_is_written(tmp_path, monkeypatch):
    volume = source(tmp_path)
    monkeypatch.setattr(pydicom.config.settings, "reading_validation_mode", pydicom.config.RAISE)
    monkeypatch.setattr(pydicom.config.settings, "writing_validation_mode", pydicom.config.RAISE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dicom.write(volume, str(tmp_path / "t2"), PROVENANCE)
        for new in written(tmp_path / "t2"):
            new.walk(lambda dataset, element: element.value)
