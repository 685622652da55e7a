"""Discovery of the DICOM files of one volume."""

import contextlib
import os
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes.dicom.opening import (
    DICOMDIR,
    guarded,
    read_header,
)
from keras_mri_cyclegan.volumes.dicom.pixels import layout_of
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.members import (
    CUT_DICOM,
    check_members,
    has_prefix,
    kinds_in,
    listing,
)

PLANES = ("sagittal", "coronal", "axial")  # by the patient's axis that is nearest to their normal


def find(path: str) -> list[tuple[str, Any]]:
    """Return the files of a volume with their attributes, in order of name.

    Args:
        path: A file, a folder that holds one series, or `folder::SeriesInstanceUID`. Folders are
            not searched for folders. Passed over are files that are not DICOM, a `DICOMDIR`, and
            objects that are no images (reports, presentation states); not what by its name or as a
            link belongs to the series and cannot be read.

    Raises:
        VolumeError: No such file, a damaged file, no image, several series, or not this one.
    """
    folder, uid = path, ""
    if not os.path.exists(path) and "::" in path:
        folder, _, uid = path.rpartition("::")
    if os.path.isdir(folder):
        return _of_folder(path, folder, uid)
    if uid and os.path.exists(folder):
        raise VolumeError(path, "a series is chosen of a folder, and this is a file.")
    return [(path, read_header(path))]


def _of_folder(path: str, folder: str, uid: str) -> list[tuple[str, Any]]:
    all_series: dict[str, list[tuple[str, Any]]] = {}
    with guarded(folder, "listing the folder"):
        names = sorted(os.listdir(folder))
    # A damaged image must not be ignored: at the end of a series its absence would go unnoticed.
    check_members(path, kinds_in(listing(folder)))
    for name in names:
        file = os.path.join(folder, name)
        if has_prefix(file):
            header = read_header(file)
            with guarded(file, "reading its attributes"):
                if header.file_meta.get("MediaStorageSOPClassUID") == DICOMDIR:
                    continue
                if "Rows" in header or "Image Storage" in _kind(header):
                    layout_of(file, header)
                    series = str(header.get("SeriesInstanceUID") or "")
                    all_series.setdefault(series, []).append((file, header))
                elif "SOPClassUID" not in header and not _is_known(header):
                    raise VolumeError(file, CUT_DICOM)
    if not all_series:
        raise VolumeError(
            path,
            f"none of the {len(names)} entries of this folder is a DICOM image. Expected the "
            "folder that holds a series' files itself: folders in it are not searched.",
        )
    if uid and uid not in all_series:
        raise VolumeError(
            path, f"no series {uid} in this folder. Expected one of:\n{_listed(folder, all_series)}"
        )
    if not uid and len(all_series) > 1:
        raise VolumeError(
            path,
            f"this folder holds {len(all_series)} series. Expected one: name it, `folder::UID`.\n"
            + _listed(folder, all_series),
        )
    return all_series[uid] if uid else next(iter(all_series.values()))


def _kind(header: Any) -> str:
    uid = header.file_meta.get("MediaStorageSOPClassUID")
    return "" if uid is None else str(uid.name)


def _is_known(header: Any) -> bool:
    """Return whether the meta header has a known SOP class; a truncated UID is unknown."""
    return _kind(header) != str(header.file_meta.get("MediaStorageSOPClassUID") or "")


def _listed(folder: str, all_series: dict[str, list[tuple[str, Any]]], most: int = 20) -> str:
    lines = []
    for uid, files in list(all_series.items())[:most]:
        with guarded(files[0][0], "reading its SeriesDescription"):
            description = str(files[0][1].get("SeriesDescription") or "no description")
        told = ", ".join([description, *_described(files), f"{len(files)} files"])
        lines.append(f"  {folder}::{uid}  ({told})")
    if len(all_series) > most:
        lines.append(f"  and {len(all_series) - most} more")
    return "\n".join(lines)


def _described(files: list[tuple[str, Any]]) -> list[str]:
    """Return the known sizes and planes of a series' images."""
    sizes: dict[str, None] = {}  # in the order of the files
    planes: dict[str, None] = {}
    for _, header in files:
        with contextlib.suppress(Exception):  # pydicom raises nearly any on what is damaged
            sizes[f"{int(header.Columns)} x {int(header.Rows)}"] = None
            axes = np.array(header.ImageOrientationPatient, "float64").reshape(2, 3)
            planes[PLANES[int(np.argmax(np.abs(np.cross(*axes))))]] = None
    return [" and ".join(found) for found in (sizes, planes) if found]
