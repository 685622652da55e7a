"""Attributes that a derived file keeps from its source."""

import copy
from typing import Any

# Attributes that describe the source's pixel values, or hold an icon or a signature of them.
OF_THE_PIXELS = (
    "DigitalSignaturesSequence",
    "IconImageSequence",
    "InstanceCreatorUID",
    "LargestImagePixelValue",
    "LargestPixelValueInSeries",
    "MACParametersSequence",
    "PixelPaddingRangeLimit",
    "PixelPaddingValue",
    "RealWorldValueMappingSequence",
    "ReferencedPerformedProcedureStepSequence",
    "SmallestImagePixelValue",
    "SmallestPixelValueInSeries",
    "VOILUTFunction",
    "VOILUTSequence",
    "WindowCenter",
    "WindowCenterWidthExplanation",
    "WindowWidth",
)
SERIES_NUMBER = 0x00200011
# Group 0018 is how an image was acquired. Of it, a translation leaves true where the slices are.
KEPT_OF_0018 = (
    "BodyPartExamined",
    "MRAcquisitionType",
    "PatientPosition",
    "SliceThickness",
    "SpacingBetweenSlices",
)
# Elsewhere: what tells this contrast, echo or time point from others of the acquisition.
OF_THE_ACQUISITION = (
    "AcquisitionContrast",
    "ImageComments",
    "NumberOfTemporalPositions",
    "PulseSequenceName",
    "ReferencedRawDataSequence",
    "TemporalPositionIdentifier",
    "TemporalResolution",
    "UnassignedPerFrameConvertedAttributesSequence",
    "UnassignedSharedConvertedAttributesSequence",
)


def kept(source: Any, synthetic: bool) -> Any:
    """Return a copy of a file's attributes without those that do not hold for a translation.

    Patient, study, frame of reference and geometry stay. Removed are private attributes,
    overlays, signatures, thumbnails, windows and tables; from a synthetic image also how the
    source was acquired.

    Args:
        source: The source's `pydicom.FileDataset`, which is left as it is.
        synthetic: Whether the image shows another contrast than its source.

    Returns:
        A `pydicom.Dataset`.
    """
    import pydicom

    dataset = pydicom.Dataset()
    source = copy.deepcopy(source)
    for tag in sorted(source.keys()):
        try:
            dataset.add(source[tag])  # which decodes, so that any encoding can be written
        except ValueError:
            if tag != SERIES_NUMBER:  # often text, and given anew
                raise
    dataset.remove_private_tags()
    for tag in list(dataset.keys()):
        acquired = synthetic and tag.group == 0x0018
        if (
            tag.group >> 8 in (0x50, 0x60)
            or tag.group >= 0x7FE0
            or (acquired and pydicom.datadict.keyword_for_tag(tag) not in KEPT_OF_0018)
        ):
            del dataset[tag]
    for keyword in OF_THE_PIXELS + (OF_THE_ACQUISITION if synthetic else ()):
        if keyword in dataset:
            del dataset[keyword]
    if synthetic:
        _fill_required(dataset, source)
    return dataset


def _fill_required(dataset: Any, source: Any) -> None:
    # What a classic MR or CT image must have, even empty: PS3.3 C.8.3.1 (MR Image Module), where
    # RM is the term for research, and C.8.2.1 (CT).
    from pydicom.uid import CTImageStorage, MRImageStorage

    if source.SOPClassUID == MRImageStorage:
        dataset.ScanningSequence, dataset.SequenceVariant = "RM", "NONE"
        dataset.ScanOptions = dataset.RepetitionTime = dataset.EchoTime = None
        dataset.EchoTrainLength = None
        dataset.MRAcquisitionType = dataset.get("MRAcquisitionType")
    elif source.SOPClassUID == CTImageStorage:
        dataset.KVP = None
