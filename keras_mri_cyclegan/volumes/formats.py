"""Which reader and writer a path is for."""

import importlib
import os
from typing import Any

from keras_mri_cyclegan.volumes.dicom import is_dicom
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.names import natural, split_inner, suffix_of

# Suffix to module of this package. A folder, and a file without a known suffix, may be DICOM.
MODULES = {
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".hdr": "nifti",
    ".img": "nifti",
    ".hdr.gz": "nifti",
    ".img.gz": "nifti",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".npy": "numpy_files",
    ".npz": "numpy_files",
    ".png": "pictures",
    ".tif": "pictures",
    ".tiff": "pictures",
    ".dcm": "dicom",
    ".ima": "dicom",
}
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
        VolumeError: No such file, or one that cannot be read.

    Example:
        >>> import tempfile
        >>> from keras_mri_cyclegan.volumes.formats import of_source
        >>> with tempfile.NamedTemporaryFile(suffix=".NII.GZ") as file:
        ...     of_source(file.name)
        'nifti'
    """
    file, inner = split_inner(path)
    if not os.path.exists(file):
        raise VolumeError(
            path,
            "there is no such file or folder. Expected one that exists: look at the spelling, and "
            "whether it is relative to the folder that Python runs in.",
        )
    if os.path.isdir(file):
        return "dicom" if inner is not None else _of_folder(file)
    if not os.path.isfile(file):  # reading a pipe would wait for ever
        raise VolumeError(path, "this is neither a file nor a folder. Expected one of them.")
    module = MODULES.get(suffix_of(file))
    if module is None and is_dicom_file(file):
        module = "dicom"
    if module is None:
        raise VolumeError(
            path,
            f"a file of an unknown kind ({suffix_of(file) or 'no suffix'}). Expected {READABLE}.",
        )
    return module


def is_dicom_file(path: str) -> bool:
    """Say whether a file is DICOM, by its name or by its content; not an index (`DICOMDIR`)."""
    if os.path.basename(path).upper() == "DICOMDIR" or not os.path.isfile(path):
        return False
    module = MODULES.get(suffix_of(path))
    return module == "dicom" or (module is None and is_dicom(path))


def listing(folder: str) -> list[str]:
    """Return the paths in a folder, hidden ones apart, in natural order.

    Raises:
        VolumeError: The folder cannot be listed.
    """
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
    except OSError as error:
        raise VolumeError(
            folder, f"it cannot be listed ({error.strerror}). Expected a folder that may be read."
        ) from error
    return [os.path.join(folder, name) for name in sorted(names, key=natural)]


def kinds_in(paths: list[str]) -> dict[str, list[str]]:
    """Sort the files among `paths` by the module that reads them; what none reads is left out."""
    kinds: dict[str, list[str]] = {}
    for path in paths:
        if os.path.isfile(path):
            module = MODULES.get(suffix_of(path)) or ("dicom" if is_dicom_file(path) else None)
            if module is not None:
                kinds.setdefault(module, []).append(path)
    return kinds


def _of_folder(folder: str) -> str:
    paths = listing(folder)
    kinds = kinds_in(paths)
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
        "`find_volumes(folder)`.",
    )
