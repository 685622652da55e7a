"""Choice of the reader and writer for a path."""

import importlib
import os
from typing import Any

from keras_mri_cyclegan.volumes import members
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.names import MODULES, split_inner, suffix_of
from keras_mri_cyclegan.volumes.other_formats import ways_from

READABLE = (
    f"{', '.join(suffix for suffix in MODULES)}, a DICOM file of any name, a folder that holds a "
    "DICOM series, or one that holds slices as PNG or TIFF"
)


def load(name: str) -> Any:
    """Return a format's module, which has `read` and `write`."""
    return importlib.import_module(f"keras_mri_cyclegan.volumes.{name}")


def of_source(path: str) -> str:
    """Return the name of the module that reads a file or folder.

    Args:
        path: The path, with or without `::name`.

    Raises:
        VolumeError: The file does not exist, or its format is not supported.

    Example:
        >>> import tempfile
        >>> from keras_mri_cyclegan.volumes.formats import of_source
        >>> with tempfile.NamedTemporaryFile(suffix=".NII.GZ") as file:
        ...     _ = file.write(b"something")
        ...     file.flush()
        ...     of_source(file.name)
        'nifti'
    """
    file, inner = split_inner(path)
    if os.path.isdir(file):
        return "dicom" if inner is not None else _of_folder(file)
    if (fault := members.fault_of(file)) is not None:
        raise VolumeError(path, fault)
    module = MODULES.get(suffix_of(file))
    if module is None and members.is_dicom_file(file):
        module = "dicom"
    if module is None:
        raise VolumeError(
            path,
            f"a file of an unknown kind ({suffix_of(file) or 'no suffix'}). Expected {READABLE}."
            f"{ways_from([file])}",
        )
    return module


def _of_folder(folder: str) -> str:
    paths = members.listing(folder)
    kinds = members.kinds_in(paths)
    members.check_members(folder, kinds)
    whole = [module for module in ("dicom", "pictures") if module in kinds]
    if len(whole) == 1:
        return whole[0]
    if whole:
        raise VolumeError(
            folder,
            f"a folder that holds {len(kinds['dicom'])} DICOM files and {len(kinds['pictures'])} "
            "pictures. Expected the slices of one volume: move the others to a folder of their "
            "own, or name one file.",
        )
    raise VolumeError(
        folder,
        f"a folder with {len(paths)} entries, and neither DICOM files nor PNG or TIFF slices "
        "directly in it. Expected one volume: name a file in it, or list all its volumes with "
        f"`find_volumes(folder)`.{ways_from(paths)}",
    )
