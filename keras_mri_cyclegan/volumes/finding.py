"""The scans of a study: every volume in a folder, or that a pattern matches."""

import glob
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from keras_mri_cyclegan.volumes import formats
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.names import natural, split_inner, suffix_of
from keras_mri_cyclegan.volumes.scan_files import pair_of


def find_volumes(source: str | os.PathLike | Iterable[str | os.PathLike]) -> list[str]:
    """List scans.

    Nothing is opened but, where a name does not tell, the first bytes of a file, to see whether it
    is DICOM. Hidden files and files that are no scans (`.json`, `.tsv`, `.txt`, ...) are passed
    over; a `.hdr` and `.img` pair is one scan, by the name of its header.

    Args:
        source: One of

            - a folder: the scans directly in it, and every sub-folder that is one scan (a DICOM
              series or a stack of pictures). A folder with DICOM files or pictures directly in it
              is one scan itself;
            - a pattern: `"study/sub-*/anat/*_T1w.nii.gz"`, `"study/**/*.nii"` for folders at any
              depth, `"knee/*.h5::reconstruction_rss"` for a dataset of each. A pattern that
              matches all DICOM files of a folder finds that folder;
            - the path of one scan;
            - several paths: they are checked and kept in their order.

    Returns:
        Paths for `read_volume`; those of a folder or a pattern in natural order, `sub-2` before
        `sub-10`.

    Raises:
        VolumeError: Nothing found (the message says what is there), or not clear what one scan is.
        ValueError: `source` is none of these.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import find_volumes
        >>> folder = tempfile.mkdtemp()
        >>> for k in (10, 2):
        ...     np.save(os.path.join(folder, f"sub-{k}.npy"), np.zeros((2, 3, 4)))
        >>> [os.path.basename(path) for path in find_volumes(folder)]
        ['sub-2.npy', 'sub-10.npy']
    """
    if isinstance(source, (str, os.PathLike)):
        return _one(os.fspath(source))
    paths = list(source) if isinstance(source, Iterable) else None
    if paths is None or not all(isinstance(path, (str, os.PathLike)) for path in paths):
        raise ValueError(
            f"`source` must be a folder, a pattern, or a list of paths. Received: {source!r}."
        )
    if not paths:
        raise ValueError("`source` must hold at least one path. Received: none.")
    listed = [os.fspath(path) for path in paths]
    for path in listed:
        formats.of_source(path)
    return listed


def _one(source: str) -> list[str]:
    file, inner = split_inner(source)
    if os.path.isdir(file) and inner is None:
        return _in_folder(file)
    if os.path.exists(file):
        formats.of_source(source)
        return [source]
    if not glob.has_magic(file):
        formats.of_source(source)  # says that it does not exist
    found = _matching(file, inner)
    return [path if inner is None else f"{path}::{inner}" for path in found]


def _in_folder(folder: str) -> list[str]:
    paths = formats.listing(folder)
    kinds = formats.kinds_in(paths)
    slices = [module for module in ("dicom", "pictures") if module in kinds]
    if slices and len(kinds) > 1:
        counts = ", ".join(f"{len(files)} x {module}" for module, files in sorted(kinds.items()))
        raise VolumeError(
            folder,
            f"a folder with {counts}. Expected either the slices of one scan or scans of one file "
            "each: give a pattern, such as `folder/*.nii.gz`.",
        )
    if slices:
        return [folder]
    found = [path for files in kinds.values() for path in files]
    found += [path for path in paths if os.path.isdir(path) and _is_scan(path)]
    if not found:
        raise VolumeError(
            folder,
            f"it holds no scan. Found: {_counted(paths)}. Expected {formats.READABLE}. For scans "
            "in deeper folders give a pattern: `folder/**/*.nii.gz`.",
        )
    return _sorted(_without_partners(found))


def _matching(pattern: str, inner: str | None) -> list[str]:
    matches = glob.glob(pattern, recursive=True)
    found = [path for path in matches if os.path.isdir(path) and _is_scan(path)]
    folders: dict[str, set[str]] = {}
    for module, files in formats.kinds_in(matches).items():
        if module != "dicom":
            found += files
            continue
        for path in files:
            folders.setdefault(os.path.dirname(path), set()).add(path)
    for folder, matched in folders.items():
        every = formats.kinds_in(formats.listing(folder or "."))["dicom"]
        if len(every) != len(matched):
            raise VolumeError(
                pattern,
                f"it matches {len(matched)} of the {len(every)} DICOM files in `{folder or '.'}`. "
                "Expected whole series: let it match folders, or move each series to its own.",
            )
        found.append(folder or ".")
    if inner is not None:
        found = [path for path in found if suffix_of(path) in (".h5", ".hdf5", ".npz")]
    if not found:
        raise VolumeError(
            pattern,
            f"no scan matches this pattern. Matches: {_counted(matches)}. Expected "
            f"{formats.READABLE}. `*` does not cross folders, `**/` does.",
        )
    return _sorted(_without_partners(set(found)))


def _is_scan(folder: str) -> bool:
    kinds = formats.kinds_in(formats.listing(folder))
    return len(kinds) == 1 and ("dicom" in kinds or "pictures" in kinds)


def _without_partners(paths: Iterable[str]) -> list[str]:
    paths = set(paths)
    pairs = {path: pair_of(path) for path in paths}
    return [
        path
        for path, pair in pairs.items()
        if pair is None or path == pair[0] or pair[0] not in paths
    ]


def _sorted(paths: Iterable[str]) -> list[str]:
    return sorted(paths, key=lambda path: [natural(part) for part in Path(path).parts])


def _counted(paths: list[str]) -> str:
    kinds = Counter(
        "folders" if os.path.isdir(path) else suffix_of(path) or "files without a suffix"
        for path in paths
    )
    return ", ".join(f"{count} x {kind}" for kind, count in sorted(kinds.items())) or "nothing"
