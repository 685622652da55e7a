"""Checks of existing files and folders that a derived series may replace."""

import os
from typing import Any

from keras_mri_cyclegan.volumes.dicom.opening import guarded, read_header
from keras_mri_cyclegan.volumes.dicom.source import DicomSource
from keras_mri_cyclegan.volumes.errors import VolumeError


def check_replaceable(folder: str) -> None:
    """Raise a `VolumeError` unless every file in a folder is marked as synthetic.

    A scan cannot be acquired again: whatever does not say SyntheticData (0008,001C) YES is taken
    for one. So are copies that were written without provenance, which do not say it.

    Args:
        folder: The path of the series to be. One that does not exist, or is no folder, passes.

    Raises:
        VolumeError: A file that is no synthetic image, or cannot be read.
        ImportError: pydicom is not installed.

    Example:
        >>> import tempfile
        >>> from keras_mri_cyclegan.volumes.dicom.replacing import check_replaceable
        >>> check_replaceable(tempfile.mkdtemp())
    """
    if not os.path.isdir(folder):
        return
    for name in sorted(os.listdir(folder)):
        if not _is_synthetic(os.path.join(folder, name)):
            raise VolumeError(
                folder,
                f"replacing this folder would remove {name}, which does not say that it is "
                "synthetic (SyntheticData YES): it may be an acquired scan, or a copy of one. "
                "Expected a folder of synthetic images only: choose another name, or remove it "
                "yourself.",
            )


def check_one_file(path: str, source: DicomSource) -> None:
    """Raise a `VolumeError` if a series of several images would be written to one file."""
    if not source.one_file:
        raise VolumeError(
            path,
            f"a series of {len(source.datasets)} images for one file. Expected a folder: leave "
            f"out `{os.path.splitext(path)[1]}`.",
        )


def _is_synthetic(file: str) -> bool:
    try:
        return says_synthetic(file, read_header(file))
    except VolumeError:
        return False


def says_synthetic(file: str, header: Any) -> bool:
    """Return whether a file's attributes have SyntheticData (0008,001C) YES."""
    with guarded(file, "reading whether it is synthetic"):
        return str(header.get("SyntheticData") or "").strip().upper() == "YES"
