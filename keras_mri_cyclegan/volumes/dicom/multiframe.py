"""The attributes of a derived enhanced multi-frame file."""

import datetime
from collections.abc import Sequence
from typing import Any

from keras_mri_cyclegan.volumes.dicom import attributes, describe
from keras_mri_cyclegan.volumes.dicom.classic import put_pixels, set_window
from keras_mri_cyclegan.volumes.dicom.frames import Frame
from keras_mri_cyclegan.volumes.dicom.rescale import Stored, decimal_string

# Functional groups that also hold for another contrast; the others describe the acquisition.
KEPT_GROUPS = {
    "CTImageFrameTypeSequence",
    "FrameAnatomySequence",
    "FrameContentSequence",
    "MRImageFrameTypeSequence",
    "PixelMeasuresSequence",
    "PixelValueTransformationSequence",
    "PlaneOrientationSequence",
    "PlanePositionSequence",
    "ReferencedImageSequence",
}
REPLACED_GROUPS = {
    "DerivationImageSequence",
    "FrameVOILUTSequence",
    "RealWorldValueMappingSequence",
}
# The standard's list of derivations (CID 7203) may be extended, has none that fits, and requires
# one here. Schemes that begin with 99 are private.
SYNTHESIS = ("SYNTHESIS", "99KMC", "Image synthesis by a neural network")
PROCESSING = ("PROCESSING", "99KMC", "Image processing")


def derived(
    source: Any,
    frames: Sequence[Frame],
    stored: Stored,
    bits: int,
    window: tuple[float, float],
    series: str,
    description: str,
    provenance: dict | None,
    now: datetime.datetime,
) -> Any:
    """Return a `pydicom.Dataset` with the frames in the order of the source.

    Args:
        source: The attributes of the source's file.
        frames: The frame of each slice.
        stored: The integers and their meaning.
        bits: How many bits of an integer are in use.
        window: Centre and width of a window that shows the series.
        series: The new SeriesInstanceUID.
        description: The new SeriesDescription.
        provenance: How the volume was generated, or `None` for an ordinary copy.
        now: The time.
    """
    synthetic = provenance is not None
    dataset = attributes.kept(source, synthetic)
    describe.identify(dataset, series, now)
    dataset.SeriesDescription = description
    others = ["OTHER", "OTHER"] if synthetic else list(source.get("ImageType") or [])[2:]
    # Enhanced images are PRIMARY even if derived: PS3.3 C.8.16.1.2 knows no other term.
    image_type = ["DERIVED", "PRIMARY", *others]
    dataset.ImageType = image_type
    if provenance is not None:
        describe.mark_synthetic(dataset, source, provenance, now)
        dataset.AcquisitionContrast = "UNKNOWN"
        dataset.ContentQualification = "RESEARCH"
    if not dataset.get("SharedFunctionalGroupsSequence"):
        from pydicom import Dataset

        dataset.SharedFunctionalGroupsSequence = [Dataset()]
    shared = dataset.SharedFunctionalGroupsSequence[0]
    per_frame = list(dataset.PerFrameFunctionalGroupsSequence)
    removed = set()
    for groups in (shared, *per_frame):
        removed |= _clean_groups(groups, synthetic, image_type, stored.kept)
    if not stored.kept:
        shared.PixelValueTransformationSequence = [_transformation(stored)]
    shared.FrameVOILUTSequence = [_window_item(window)]
    for number, groups in enumerate(per_frame):
        groups.DerivationImageSequence = [_derivation(source, number + 1, provenance)]
    _drop_dimensions(dataset, per_frame, removed)
    order = [0] * len(frames)
    for index, frame in enumerate(frames):
        order[frame.number] = index
    put_pixels(dataset, stored.array[order], bits)
    return dataset


def _clean_groups(groups: Any, synthetic: bool, image_type: list[str], keep_scale: bool) -> set:
    from pydicom.datadict import keyword_for_tag

    removed = set()
    for tag in list(groups.keys()):
        keyword = keyword_for_tag(tag)
        if keyword in REPLACED_GROUPS or (synthetic and keyword not in KEPT_GROUPS):
            del groups[tag]
            removed.add(tag)
    if not keep_scale and "PixelValueTransformationSequence" in groups:
        del groups.PixelValueTransformationSequence
    for keyword in ("MRImageFrameTypeSequence", "CTImageFrameTypeSequence"):
        for item in groups.get(keyword) or []:
            item.FrameType = image_type
            if synthetic and "AcquisitionContrast" in item:
                item.AcquisitionContrast = "UNKNOWN"
    return removed


def _transformation(stored: Stored) -> Any:
    from pydicom import Dataset

    item = Dataset()
    item.RescaleIntercept = decimal_string(stored.intercepts[0])
    item.RescaleSlope = decimal_string(stored.slopes[0])
    item.RescaleType = "US"
    return item


def _window_item(window: tuple[float, float]) -> Any:
    from pydicom import Dataset

    item = Dataset()
    set_window(item, window)
    return item


def _derivation(source: Any, frame: int, provenance: dict | None) -> Any:
    from pydicom import Dataset

    item = Dataset()
    if provenance is not None:
        item.DerivationDescription = describe.sentence(provenance)
    item.DerivationCodeSequence = describe.code(PROCESSING if provenance is None else SYNTHESIS)
    item.SourceImageSequence = [describe.source_image(source, frame)]
    return item


def _drop_dimensions(dataset: Any, per_frame: list[Any], removed: set) -> None:
    # A dimension that counted echoes would point at a group that is no longer there.
    dimensions = list(dataset.get("DimensionIndexSequence") or [])
    stay = [d.get("FunctionalGroupPointer") not in removed for d in dimensions]
    if all(stay):
        return
    dataset.DimensionIndexSequence = [
        dimension for dimension, keep in zip(dimensions, stay, strict=True) if keep
    ]
    for groups in per_frame:
        for content in groups.get("FrameContentSequence") or []:
            values = content.get("DimensionIndexValues")
            found = list(values) if isinstance(values, Sequence) else [values]
            if len(found) == len(stay):
                content.DimensionIndexValues = [
                    value for value, keep in zip(found, stay, strict=True) if keep
                ]
