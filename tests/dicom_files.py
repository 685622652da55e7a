"""Small DICOM series, classic and enhanced, that the tests read."""

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    EnhancedMRImageStorage,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    MRImageStorage,
)

STUDY, SERIES, FRAME_OF_REFERENCE = "1.2.826.1", "1.2.826.1.1", "1.2.826.1.9"
# Rows and columns at a slant, and no right angle that a mistake could hide behind.
OBLIQUE = np.linalg.qr(np.array([[1.0, 0.2, -0.1], [0.1, 0.9, 0.4], [0.3, -0.3, 1.0]]))[0]


def scan(shape=(4, 7, 6), dtype="int16", low=0, high=900):
    """Integers (slices, rows, columns), all different enough for a mix-up to show."""
    return np.random.default_rng(3).integers(low, high, shape).astype(dtype)


def orientation(axes=OBLIQUE):
    """ImageOrientationPatient: the first two columns."""
    return axes[:, 0].round(6).tolist() + axes[:, 1].round(6).tolist()


def image(stored, index=0, spacing=(0.8, 1.3), step=2.5, axes=OBLIQUE, origin=(-31, 12, 5.5)):
    """One slice as a classic MR image with everything that has to be dealt with."""
    dataset = Dataset()
    dataset.SOPClassUID = MRImageStorage
    dataset.SOPInstanceUID = f"{SERIES}.{index + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, SERIES
    dataset.FrameOfReferenceUID = FRAME_OF_REFERENCE
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "M", "ND"]
    dataset.Modality, dataset.SeriesNumber, dataset.InstanceNumber = "MR", 4, index + 1
    dataset.SeriesDescription, dataset.ProtocolName = "t1_mprage", "head t1"
    dataset.PatientName, dataset.PatientID = "Doe^Jane", "P7"
    dataset.PatientBirthDate, dataset.PatientSex = "19700101", "F"
    dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20200102", "101112", "S1"
    dataset.AccessionNumber, dataset.ReferringPhysicianName = "A1", "Roe^R"
    dataset.Manufacturer, dataset.ManufacturerModelName = "ACME", "Magnet 3000"
    dataset.StationName, dataset.DeviceSerialNumber = "MR1", "4711"
    dataset.InstitutionName, dataset.SoftwareVersions = "Hospital", "V1"
    dataset.RepetitionTime, dataset.EchoTime, dataset.FlipAngle = "2000", "2.5", "9"
    dataset.InversionTime, dataset.EchoTrainLength, dataset.EchoNumbers = "900", "1", "1"
    dataset.ScanningSequence, dataset.SequenceVariant = ["GR", "IR"], "SK"
    dataset.SequenceName, dataset.ScanOptions, dataset.MRAcquisitionType = "tfl3d", "IR", "3D"
    dataset.MagneticFieldStrength, dataset.ImagingFrequency = "3", "123.2"
    dataset.ContrastBolusAgent, dataset.BodyPartExamined = "Gd", "HEAD"
    dataset.PatientPosition = "HFS"
    dataset.BurnedInAnnotation, dataset.LossyImageCompression = "NO", "00"
    dataset.ImageComments, dataset.InstanceCreatorUID = "T1 weighted", "1.2.3"
    dataset.SliceThickness = str(step)
    dataset.PixelSpacing = list(spacing)
    dataset.ImageOrientationPatient = orientation(axes)
    dataset.ImagePositionPatient = (np.array(origin) + index * step * axes[:, 2]).round(6).tolist()
    dataset.WindowCenter, dataset.WindowWidth = "1", "2"
    dataset.PixelPaddingValue = 0 if stored.dtype.kind == "u" else -7
    icon = Dataset()
    icon.Rows = 1
    dataset.IconImageSequence = [icon]
    mapping = Dataset()
    mapping.RealWorldValueSlope = 3.0
    dataset.RealWorldValueMappingSequence = [mapping]
    request = Dataset()
    request.RequestedProcedureID = "R1"
    request.private_block(0x0029, "SECRET", create=True).add_new(1, "LO", "inside")
    dataset.RequestAttributesSequence = [request]
    dataset.private_block(0x0029, "SECRET", create=True).add_new(1, "LO", "outside")
    dataset.add_new(0x60003000, "OW", b"\1\2")
    put_pixels(dataset, stored)
    return dataset


def put_pixels(dataset, stored):
    bits = 8 * stored.dtype.itemsize
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = stored.shape[-2:]
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = bits, bits, bits - 1
    dataset.PixelRepresentation = int(stored.dtype.kind == "i")
    content = stored.astype(stored.dtype.newbyteorder("<")).tobytes()
    dataset.add_new("PixelData", "OB" if bits == 8 else "OW", content + b"\0" * (len(content) % 2))


def save(dataset, path, syntax=ExplicitVRLittleEndian):
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = syntax
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta = meta
    if syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    dataset.save_as(path, enforce_file_format=True)
    return str(path)


def series(folder, stored=None, change=None, **geometry):
    """Write a series with file names in no order; `change(dataset, index)` may alter each."""
    stored = scan() if stored is None else stored
    folder.mkdir(parents=True, exist_ok=True)
    names = np.random.default_rng(1).permutation(len(stored))
    for index, name in enumerate(names):
        dataset = image(stored[index], index, **geometry)
        if change is not None:
            change(dataset, index)
        save(dataset, folder / f"{name}.ima")
    return str(folder)


def enhanced(path, stored=None, order=None, slopes=None, change=None, **geometry):
    """Write an enhanced multi-frame file with the frames in `order`, half of the groups shared."""
    stored = scan() if stored is None else stored
    order = range(len(stored)) if order is None else order
    dataset = image(stored[0], 0, **geometry)
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        del dataset[keyword]
    dataset.SOPClassUID = EnhancedMRImageStorage
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.AcquisitionContrast, dataset.ContentQualification = "T1", "PRODUCT"
    dataset.NumberOfFrames = len(stored)
    put_pixels(dataset, stored[list(order)])
    shared = Dataset()
    shared.PixelMeasuresSequence = [_item(PixelSpacing=list(geometry.get("spacing", (0.8, 1.3))))]
    axes = geometry.get("axes", OBLIQUE)
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=orientation(axes))]
    shared.MREchoSequence = [_item(EffectiveEchoTime=2.5)]
    shared.MRImageFrameTypeSequence = [
        _item(FrameType=["ORIGINAL", "PRIMARY", "VOLUME", "NONE"], AcquisitionContrast="T1")
    ]
    dataset.SharedFunctionalGroupsSequence = [shared]
    dataset.DimensionIndexSequence = [
        _item(DimensionIndexPointer=0x00200032, FunctionalGroupPointer=0x00209113),
        _item(DimensionIndexPointer=0x00189082, FunctionalGroupPointer=0x00189114),
    ]
    groups = []
    for index in order:
        position = image(stored[index], index, **geometry).ImagePositionPatient
        item = Dataset()
        item.PlanePositionSequence = [_item(ImagePositionPatient=position)]
        item.FrameContentSequence = [_item(DimensionIndexValues=[index + 1, 1])]
        slope, intercept = (1.0, 0.0) if slopes is None else slopes[index]
        item.PixelValueTransformationSequence = [
            _item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType="US")
        ]
        item.FrameVOILUTSequence = [_item(WindowCenter=1.0, WindowWidth=2.0)]
        groups.append(item)
    dataset.PerFrameFunctionalGroupsSequence = groups
    if change is not None:
        change(dataset)
    return save(dataset, path)


def _item(**attributes):
    dataset = Dataset()
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def place(dataset, column, row):
    """The millimetres (LPS) of a pixel, by the equation of DICOM PS3.3 C.7.6.2.1.1, in float64."""
    x = np.array([float(value) for value in dataset.ImageOrientationPatient[:3]])
    y = np.array([float(value) for value in dataset.ImageOrientationPatient[3:]])
    between_rows, between_columns = (float(value) for value in dataset.PixelSpacing)
    matrix = np.zeros((4, 4))
    matrix[:3, 0], matrix[:3, 1] = x * between_columns, y * between_rows
    matrix[:3, 3] = [float(value) for value in dataset.ImagePositionPatient]
    matrix[3, 3] = 1
    return (matrix @ [column, row, 0, 1])[:3]


def check_equal(ours, theirs, atol=0.0):
    """Compare a `Volume` with highdicom's (LPS), whose axes and slices may go another way."""
    assert sorted(ours.shape) == sorted(theirs.shape)
    for index in np.ndindex(theirs.shape):
        place = np.array([-1, -1, 1, 1]) * (theirs.affine @ [*index, 1])
        exact = np.linalg.solve(ours.affine, place)[:3]
        nearest = np.rint(exact).astype(int)
        np.testing.assert_allclose(exact, nearest, atol=1e-3)
        np.testing.assert_allclose(ours.array[tuple(nearest)], theirs.array[index], atol=atol)
