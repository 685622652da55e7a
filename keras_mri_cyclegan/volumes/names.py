"""Parsing of file names: suffix, part inside the file, natural order."""

import itertools
import math
import os
import re
from collections.abc import Sequence

# Suffix to the module of this package that reads it. DICOM files need none.
MODULES = {
    ".nii": "nifti",
    ".nii.gz": "nifti",
    ".hdr": "nifti",
    ".img": "nifti",
    ".hdr.gz": "nifti",
    ".img.gz": "nifti",
    ".mgz": "mgh",
    ".mgh": "mgh",
    ".mnc": "minc",
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


def split_inner(path: str | os.PathLike) -> tuple[str, str | None]:
    """Split `file.h5::dataset` into the file and the name inside it.

    Args:
        path: A path, with or without `::`. One that exists as it is, is a path without.

    Returns:
        The path of the file or folder, and the name inside it, `None` if there is none.

    Example:
        >>> from keras_mri_cyclegan.volumes.names import split_inner
        >>> split_inner("knee.h5::reconstruction_rss"), split_inner("t1.nii")
        (('knee.h5', 'reconstruction_rss'), ('t1.nii', None))
    """
    path = os.fspath(path)
    if "::" not in path or os.path.exists(path):
        return path, None
    file, _, inner = path.partition("::")
    return file, inner


def suffix_of(path: str | os.PathLike) -> str:
    """Return a file's suffix in lower case, with both parts of double ones such as `.nii.gz`.

    Example:
        >>> from keras_mri_cyclegan.volumes.names import suffix_of
        >>> suffix_of("sub-01.T1w.NII.GZ"), suffix_of("IM0001"), suffix_of("a.h5::b.c")
        ('.nii.gz', '', '.h5')
    """
    stem, suffix = os.path.splitext(split_inner(path)[0].rstrip("/\\"))
    suffix = suffix.lower()
    return os.path.splitext(stem)[1].lower() + suffix if suffix == ".gz" else suffix


def natural(name: str) -> tuple:
    """Return the sort key of natural order: "Image #2" before "Image #10".

    Example:
        >>> from keras_mri_cyclegan.volumes.names import natural
        >>> sorted(["Image #10.png", "image #2.png"], key=natural)
        ['image #2.png', 'Image #10.png']
    """
    # Every second part is a number: numbers are compared with numbers, text with text.
    parts = re.split(r"([0-9]+)", name.lower())
    return [int(part) if k % 2 else part for k, part in enumerate(parts)], name


def missing_among(names: Sequence[str]) -> list[int]:
    """Return the numbers missing in a sequence of names that differ in one number.

    A constant gap, such as every second number, is no gap. None is missing if there would be more
    missing than there are: such names, times say, are no row.

    Example:
        >>> from keras_mri_cyclegan.volumes.names import missing_among
        >>> missing_among(["s1", "s2", "s4"]), missing_among(["s2", "s4", "s6"])
        ([3], [])
    """
    parts = [re.split(r"([0-9]+)", name.lower()) for name in names]
    if len({(*each[::2],) for each in parts}) != 1:
        return []
    columns = [{int(each[k]) for each in parts} for k in range(1, len(parts[0]), 2)]
    rows = [column for column in columns if len(column) > 1]
    if len(rows) != 1 or len(rows[0]) != len(names):
        return []
    numbers = sorted(rows[0])
    step = math.gcd(*(other - one for one, other in itertools.pairwise(numbers)))
    if (numbers[-1] - numbers[0]) // step >= 2 * len(numbers):
        return []
    return sorted(set(range(numbers[0], numbers[-1], step)) - set(numbers))


def outline(name: str) -> str:
    """Return a name without its numbers, which is the same for all files of a series.

    Example:
        >>> from keras_mri_cyclegan.volumes.names import outline
        >>> outline("IM0007") == outline("IM0012"), outline("IM0007") == outline("README")
        (True, False)
    """
    # Numbers, and hexadecimal ones such as those of UUIDs.
    return re.sub(r"[a-f]*[0-9][0-9a-f]*", "#", name.lower())
