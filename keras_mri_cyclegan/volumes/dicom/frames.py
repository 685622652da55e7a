"""Position and rescaling of each image of a DICOM file."""

import dataclasses
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes.dicom.values import number, numbers
from keras_mri_cyclegan.volumes.errors import VolumeError

# What may differ between two images at one place, in the order in which it says most.
DISTINCTIONS = (
    "SOPInstanceUID",
    "EchoTime",
    "EffectiveEchoTime",
    "EchoNumbers",
    "InversionTime",
    "DiffusionBValue",
    "DiffusionGradientOrientation",
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "TriggerTime",
    "ComplexImageComponent",
    "FrameType",
    "ImageType",
    "StackID",
    "AcquisitionNumber",
    "AcquisitionTime",
    "ContentTime",
)


@dataclasses.dataclass(frozen=True, eq=False)
class Frame:
    """One image: a classic file, or one frame of a multi-frame file.

    Args:
        path: Its file.
        file: The number of the file among those of the volume, from 0.
        number: The number of the frame in the file, from 0.
        position: ImagePositionPatient, the centre of the first pixel, `(3,)`, LPS, in mm.
        orientation: ImageOrientationPatient, `(2, 3)`: the direction in which the column index
            grows (along a row), and that in which the row index grows (down a column).
        spacing: PixelSpacing in mm, `(2,)`: between rows, then between columns.
        thickness: SpacingBetweenSlices or else SliceThickness in mm; `None` if neither is known.
        slope: RescaleSlope, by which a stored number is multiplied. 1 if there is none.
        intercept: RescaleIntercept, which is then added. 0 if there is none.
        distinctions: Attributes that may tell it from another image at the same place.
    """

    path: str
    file: int
    number: int
    position: np.ndarray
    orientation: np.ndarray
    spacing: np.ndarray
    thickness: float | None
    slope: float
    intercept: float
    distinctions: dict[str, str]


def is_multiframe(header: Any) -> bool:
    """Return whether a file has functional groups (enhanced or legacy converted)."""
    return "PerFrameFunctionalGroupsSequence" in header


def frames_of(path: str, header: Any, file: int, count: int) -> list[Frame]:
    """Return the images of a file in stored order.

    Args:
        path: The file.
        header: Its attributes.
        file: Its number among the files of the volume.
        count: How many frames it claims to have.

    Raises:
        VolumeError: A frame without position, orientation or pixel spacing, or with values that
            cannot be; several frames without functional groups; a table of real-world values.
    """
    if not is_multiframe(header):
        if count != 1:
            raise VolumeError(
                path,
                f"{count} frames, and nothing that says where each is. Expected an enhanced "
                "multi-frame file, with functional groups, or single images. Ask the archive to "
                "export it as single images.",
            )
        return [_frame(path, file, 0, [header] * 4, [header])]
    per_frame = list(header.PerFrameFunctionalGroupsSequence)
    if len(per_frame) != count:
        raise VolumeError(
            path,
            f"NumberOfFrames is {count}, and its functional groups describe {len(per_frame)}. "
            "Expected the same number. The file is damaged: export it again.",
        )
    shared: Any = next(iter(header.get("SharedFunctionalGroupsSequence") or []), {})
    frames = []
    for index, own in enumerate(per_frame):
        groups = [
            _group(own, shared, keyword)
            for keyword in (
                "PlanePositionSequence",
                "PlaneOrientationSequence",
                "PixelMeasuresSequence",
                "PixelValueTransformationSequence",
            )
        ]
        inside = [item for element in own if element.VR == "SQ" for item in element.value]
        frames.append(_frame(path, file, index, groups, inside))
    return frames


def _group(own: Any, shared: Any, keyword: str) -> Any:
    return next(iter(own.get(keyword) or shared.get(keyword) or []), {})


def _frame(
    path: str,
    file: int,
    index: int,
    groups: list[Any],
    described_by: list[Any],
) -> Frame:
    position_in, orientation_in, measures, values = groups
    position = numbers(path, position_in, "ImagePositionPatient", 3)
    orientation = numbers(path, orientation_in, "ImageOrientationPatient", 6)
    spacing = numbers(path, measures, "PixelSpacing", 2)
    missing = [
        keyword
        for keyword, value in (
            ("ImagePositionPatient", position),
            ("ImageOrientationPatient", orientation),
            ("PixelSpacing", spacing),
        )
        if value is None
    ]
    if position is None or orientation is None or spacing is None:
        raise VolumeError(
            path,
            f"image {index + 1} has no {' and no '.join(missing)}, so nothing says where its "
            "pixels are. Expected an MR, CT or PET image of a patient. Export the original "
            "series, or save the pictures as PNG and read these.",
        )
    axes = np.array(orientation).reshape(2, 3)
    if not np.allclose(axes @ axes.T, np.eye(2), atol=1e-3):
        raise VolumeError(
            path,
            f"ImageOrientationPatient is {orientation}. Expected two directions of length 1 at a "
            "right angle. The attribute is damaged: export the file again.",
        )
    if min(spacing) <= 0:
        raise VolumeError(path, f"PixelSpacing is {spacing}. Expected lengths above 0, in mm.")
    slope, intercept = _rescale(path, values)
    distinctions = {
        keyword: str(found.get(keyword))[:60]
        for keyword in DISTINCTIONS
        for found in described_by
        if keyword in found
    }
    return Frame(
        path,
        file,
        index,
        np.array(position),
        axes,
        np.array(spacing),
        _thickness(path, measures),
        slope,
        intercept,
        distinctions,
    )


def _thickness(path: str, measures: Any) -> float | None:
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        # Some scanners give the distance a sign: the direction in which they counted.
        found = abs(number(path, measures, keyword) or 0.0)
        if found > 0:
            return found
    return None


def _rescale(path: str, values: Any) -> tuple[float, float]:
    if values.get("ModalityLUTSequence"):
        raise VolumeError(
            path,
            "its numbers have to be looked up in a table (ModalityLUTSequence). Expected "
            "RescaleSlope and RescaleIntercept, or nothing. Convert it with "
            "`pydicom.pixels.apply_modality_lut`.",
        )
    slope = number(path, values, "RescaleSlope")
    intercept = number(path, values, "RescaleIntercept")
    if slope == 0:
        raise VolumeError(
            path,
            "RescaleSlope is 0, which makes every voxel the same. Expected another number. "
            "Export the file again, or mend the attribute with pydicom.",
        )
    return 1.0 if slope is None else slope, 0.0 if intercept is None else intercept
