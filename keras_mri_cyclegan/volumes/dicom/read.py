"""Reading of a DICOM series as one volume."""

import os
import warnings

import numpy as np

from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.volumes.dicom import series
from keras_mri_cyclegan.volumes.dicom.frames import Frame, frames_of, is_multiframe
from keras_mri_cyclegan.volumes.dicom.geometry import arrange
from keras_mri_cyclegan.volumes.dicom.opening import guarded
from keras_mri_cyclegan.volumes.dicom.patient import text_of
from keras_mri_cyclegan.volumes.dicom.pixels import Layout, check_size, decoded, layout_of
from keras_mri_cyclegan.volumes.dicom.replacing import says_synthetic
from keras_mri_cyclegan.volumes.dicom.source import DicomSource
from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning
from keras_mri_cyclegan.volumes.validate import claimed, finished
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume


def read(
    path: str,
    max_voxels: int,
    fill_nan: float | None = None,
    slice_tolerance: float | None = None,
) -> Volume:
    """Read a DICOM series: classic single images, or one enhanced multi-frame file.

    The slices are sorted by their positions, whatever the file names. The array is
    `(columns, rows, slices)`, slices along the normal of their plane, and the affine is RAS+. Its
    values are the stored ones times RescaleSlope plus RescaleIntercept, each slice with its own;
    real-world value mappings, windows and PixelPaddingValue are not applied.

    Args:
        path: A folder that holds one series; `folder::SeriesInstanceUID` where it holds several; a
            multi-frame file; or a single image, which is a volume of one slice. Subfolders
            are not searched, and files that are not DICOM images are ignored.
        max_voxels: Maximum number of voxels; checked before memory is allocated.
        fill_nan: As for other formats. A DICOM file holds integers. Defaults to `None`.
        slice_tolerance: As for `read_volume`. Defaults to `None`.

    Returns:
        The volume. Its header's content is a `DicomSource`.

    Warns:
        VolumeWarning: Images have several frames of reference, or slices are treated as evenly
            spaced.

    Raises:
        VolumeError: The images are not one volume on one grid: see the tests for each case. Nothing
            is skipped, filled in or interpolated.
        ImportError: pydicom is not installed.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> from keras_mri_cyclegan.volumes import dicom
        >>> volume = dicom.read(get_testdata_file("MR_small.dcm"), max_voxels=2**28)
        >>> volume.shape, volume.orientation
        ((64, 64, 1), 'LPS')
        >>> [round(size, 4) for size in volume.spacing]
        [0.3125, 0.3125, 0.8]
    """
    require("pydicom", extra="dicom")
    files = series.find(path)
    multiframe = any(is_multiframe(header) for _, header in files)
    if multiframe and len(files) > 1:
        raise VolumeError(
            path,
            f"a series of {len(files)} files, multi-frame ones among them. Expected one: pass the "
            "path of the file itself.",
        )
    layouts = [layout_of(file, header) for file, header in files]
    layout = _common(path, files, layouts)
    _check_patient(path, files)
    _compare_frames_of_reference(path, files)
    count = sum(each.frames for each in layouts)
    compressed = sum(_length(file) for file, _ in files)
    claimed((layout.columns, layout.rows, count), path, max_voxels, compressed)
    frames: list[Frame] = []
    for number, ((file, header), each) in enumerate(zip(files, layouts, strict=True)):
        check_size(file, header, each)
        with guarded(file, "reading where it is"):
            frames += frames_of(file, header, number, each.frames)
    ordered, affine = arrange(path, frames, slice_tolerance)
    array = _voxels(files, layouts, ordered)
    source = DicomSource(
        tuple(header for _, header in files),
        tuple(ordered),
        affine,
        multiframe,
        max(each.bits for each in layouts),
        layout.dtype,
    )
    shape = (count, layout.rows, layout.columns)
    header = SourceHeader(
        "dicom",
        layout.dtype,
        shape,
        has_geometry=True,
        content=source,
        synthetic=any(says_synthetic(file, header) for file, header in files),
    )
    return finished(array, affine, header, path, fill_nan)


def _check_patient(path: str, files: list) -> None:
    found = _files_by(files, "PatientID")
    if len(found) > 1:
        first, other = list(found.values())[:2]
        raise VolumeError(
            path,
            f"images of {len(found)} patients: {first[0]} and {other[0]} differ in PatientID. "
            "Expected one patient: put the images of each in a folder of their own.",
        )


def _compare_frames_of_reference(path: str, files: list) -> None:
    """Warn of positions that count from several origins; some anonymisers renew each file's UID."""
    groups = sorted(_files_by(files, "FrameOfReferenceUID").values(), key=len, reverse=True)
    if len(groups) > 1:
        warnings.warn(
            f"`{path}`: {groups[1][0]} has another FrameOfReferenceUID than {groups[0][0]} "
            f"({len(groups)} in {len(files)} files), so their positions may count from different "
            "origins. They are taken as slices of one volume. Expected one: if the patient was "
            "moved between them, put the images of each in a folder of their own.",
            VolumeWarning,
            stacklevel=2,
        )


def _files_by(files: list, keyword: str) -> dict[str, list[str]]:
    """Group files by the value of an attribute, leaving out those without a value."""
    found: dict[str, list[str]] = {}
    for file, header in files:
        with guarded(file, f"reading its {keyword}"):
            if value := text_of(header, keyword):
                found.setdefault(value, []).append(file)
    return found


def _length(file: str) -> int:
    with guarded(file, "reading its length"):
        return os.path.getsize(file)


def _common(path: str, files: list, layouts: list[Layout]) -> Layout:
    first = layouts[0]
    for (file, _), layout in zip(files, layouts, strict=True):
        if (layout.rows, layout.columns, layout.dtype) != (first.rows, first.columns, first.dtype):
            raise VolumeError(
                path,
                f"images of different kinds: {files[0][0]} is {first.dtype} {first.rows} x "
                f"{first.columns}, {file} is {layout.dtype} {layout.rows} x {layout.columns}. "
                "Expected slices of one grid: put those that belong together in a folder.",
            )
    return first


def _voxels(files: list, layouts: list[Layout], ordered: list[Frame]) -> np.ndarray:
    slices = {(frame.file, frame.number): index for index, frame in enumerate(ordered)}
    array = np.empty((layouts[0].columns, layouts[0].rows, len(ordered)), "float32")
    for number, ((file, _), layout) in enumerate(zip(files, layouts, strict=True)):
        for index, stored in enumerate(decoded(file, layout)):
            place = slices[number, index]
            frame = ordered[place]
            with np.errstate(over="ignore"):  # what float32 cannot hold is found afterwards
                array[:, :, place] = (stored * np.float64(frame.slope) + frame.intercept).T
    return array
