"""Whose scan a DICOM series says that it is."""

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
                found = id_in(header)
                if found and uid in (None, str(header.get("SeriesInstanceUID"))):
                    return found
    except (VolumeError, ImportError, OSError):
        pass
    return ""


def id_in(header: Any) -> str:
    """Return the PatientID in a file's attributes, or an empty string."""
    return str(header.get("PatientID") or "").strip()
