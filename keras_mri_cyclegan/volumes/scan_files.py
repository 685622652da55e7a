"""The files of a scan: one file, a NIfTI pair, or all files of a folder."""

import os

from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.members import has_prefix
from keras_mri_cyclegan.volumes.names import split_inner

PARTNERS = {".hdr": ".img", ".img": ".hdr", ".HDR": ".IMG", ".IMG": ".HDR"}


def files_of(path: str | os.PathLike) -> list[str]:
    """Return the files that a scan is read from, sorted.

    Readers, the cache, provenance and `find_volumes` all ask this function, so that none of them
    knows of fewer files than another.

    Args:
        path: The scan, as for `read_volume`. It need not exist.

    Returns:
        Paths: both files of a `.hdr`/`.img` pair, packed or not; the files directly in a folder (a
        hidden one only if it is DICOM); the file itself for `file.h5::name` and any other.

    Raises:
        VolumeError: A folder that cannot be listed.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes.scan_files import files_of
        >>> folder = tempfile.mkdtemp()
        >>> for name in ("t1.hdr", "t1.img.gz"):
        ...     open(os.path.join(folder, name), "w").close()
        >>> [os.path.basename(file) for file in files_of(os.path.join(folder, "t1.hdr"))]
        ['t1.hdr', 't1.img.gz']
        >>> files_of("knee.h5::reconstruction_rss")
        ['knee.h5']
    """
    file, _ = split_inner(path)
    if os.path.isdir(file):
        return _in_folder(file)
    pair = pair_of(file)
    return [file] if pair is None else sorted(n for n in pair if n == file or os.path.isfile(n))


def pair_of(path: str) -> tuple[str, str] | None:
    """Return the header's and the image's path of a NIfTI pair, `None` for any other name.

    Args:
        path: Either file of the pair. The other is looked for beside it: packed (`.gz`) or not, in
            upper or lower case. If there is none, it is the name that was looked for first.

    Example:
        >>> from keras_mri_cyclegan.volumes.scan_files import pair_of
        >>> pair_of("t1.IMG"), pair_of("t1.nii")
        (('t1.HDR', 't1.IMG'), None)
    """
    stem, suffix, gz = _split(path)
    if suffix.lower() not in PARTNERS:
        return None
    spelt = _partner(suffix)
    names = dict.fromkeys((spelt, spelt.lower(), spelt.upper()))
    candidates = [stem + name + packed for packed in (gz, "" if gz else ".gz") for name in names]
    there = (
        name for found in (os.path.isfile, os.path.lexists) for name in filter(found, candidates)
    )
    partner = next(there, candidates[0])
    return (path, partner) if suffix.lower() == ".hdr" else (partner, path)


def files_to_write(path: str) -> list[str]:
    """Return the files that a volume is written to: both of a pair, header first, or `path` itself.

    Args:
        path: The target's file, without `::name`.

    Example:
        >>> from keras_mri_cyclegan.volumes.scan_files import files_to_write
        >>> files_to_write("t2.img"), files_to_write("t2.nii.gz")
        (['t2.hdr', 't2.img'], ['t2.nii.gz'])
    """
    stem, suffix, gz = _split(path)
    if suffix.lower() not in PARTNERS or gz:  # a packed pair is read, and never written
        return [path]
    partner = stem + _partner(suffix)
    return [path, partner] if suffix.lower() == ".hdr" else [partner, path]


def _split(path: str) -> tuple[str, str, str]:
    """Return the stem, the suffix, and `.gz` as it is spelt, or an empty string."""
    stem, gz = (path[:-3], path[-3:]) if path.lower().endswith(".gz") else (path, "")
    stem, suffix = os.path.splitext(stem)
    return stem, suffix, gz


def _partner(suffix: str) -> str:
    return PARTNERS.get(suffix, PARTNERS[suffix.lower()])


def _in_folder(folder: str) -> list[str]:
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise VolumeError(
            folder, f"it cannot be listed ({error.strerror}). Expected a folder that may be read."
        ) from error
    files = [os.path.join(folder, name) for name in sorted(names)]
    # The DICOM reader takes every file that begins as DICOM does, whatever its name.
    return [
        file
        for file in files
        if os.path.isfile(file) and (os.path.basename(file)[0] != "." or has_prefix(file))
    ]
