"""Patient identity of a DICOM series."""

import os
from typing import Any

from keras_mri_cyclegan.volumes.dicom.opening import guarded, read_header
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.members import has_prefix
from keras_mri_cyclegan.volumes.names import split_inner


def patient_id(path: str) -> str:
    """Return the PatientID of a scan's first image that has one, or an empty string.

    Args:
        path: The scan, as for `read_volume`. One that is not DICOM, or cannot be read, has none:
            the error is for the reader.

    Example:
        >>> from pydicom.data import get_testdata_file
        >>> from keras_mri_cyclegan.volumes.dicom.patient import patient_id
        >>> patient_id(get_testdata_file("MR_small.dcm")), patient_id("no such file")
        ('4MR1', '')
    """
    file, uid = split_inner(path)
    try:
        folder = os.path.isdir(file)
        files = (
            [os.path.join(file, name) for name in sorted(os.listdir(file))] if folder else [file]
        )
        for each in filter(has_prefix, files):
            header = read_header(each)
            with guarded(each, "reading its PatientID"):
                found = text_of(header, "PatientID")
                if found and uid in (None, str(header.get("SeriesInstanceUID"))):
                    return found
    except (VolumeError, ImportError, OSError):
        pass
    return ""


def text_of(header: Any, keyword: str) -> str:
    """Return an attribute of a file as text without spaces around it, empty if there is none."""
    return str(header.get(keyword) or "").strip()
