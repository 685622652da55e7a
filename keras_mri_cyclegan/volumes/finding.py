"""Discovery of scans: every volume in a folder or matching a pattern."""

import glob
import os
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.volumes import formats, members
from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning
from keras_mri_cyclegan.volumes.names import natural, outline, split_inner, suffix_of
from keras_mri_cyclegan.volumes.other_formats import ways_from
from keras_mri_cyclegan.volumes.scan_files import pair_of


def find_volumes(
    source: str | os.PathLike | Iterable[str | os.PathLike],
    unreadable: str = "error",
    slice_tolerance: float | None = None,
) -> list[str]:
    """List the scans of a study.

    Only the first bytes of each file are read. Hidden files and files that are not scans (`.json`,
    `.tsv`, `.txt`, ...) are ignored; a `.hdr` and `.img` pair is one scan, by the name of its
    header. A file with a scan's suffix, a file named like the DICOM files beside it, and a dangling
    link count as scans: if such a file is empty, a pointer of Git LFS or git-annex, or cannot be
    opened, it is never ignored silently.

    Args:
        source: One of

            - a folder: the scans directly in it, and every sub-folder that is one scan (a DICOM
              series or a stack of pictures). A folder with DICOM files or pictures directly in it
              is one scan itself;
            - a pattern: `"study/sub-*/anat/*_T1w.nii.gz"`, `"study/**/*.nii"` for folders at any
              depth, `"knee/*.h5::reconstruction_rss"` for a dataset of each. A pattern that
              matches all DICOM files of a folder finds that folder;
            - the path of one scan;
            - several paths: they are checked and kept in the given order.
        unreadable: How to handle a scan that cannot be read. `"error"`: raise an error that names
            it. `"warn"`: leave it out (the whole series if one file is damaged), with one warning
            that names all such scans; this reads every scan to its end. Defaults to
            `"error"`.
        slice_tolerance: As for `read_volume`, with `"warn"`. Defaults to `None`.

    Returns:
        Paths for `read_volume`; those of a folder or a pattern in natural order, `sub-2` before
        `sub-10`.

    Raises:
        VolumeError: No scan is found (the message lists what is there), one scan cannot be told
            from several, or a file of the scans is unreadable by its first bytes.
        ValueError: `source` is none of these.

    Warns:
        VolumeWarning: With `unreadable="warn"`, scans are left out.

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
    _checks.one_of("unreadable", unreadable, ("error", "warn"))
    name = "a list of paths"
    if isinstance(source, (str, os.PathLike)):
        name = os.fspath(source)
        found, others = _one(name)
    else:
        paths = list(source) if isinstance(source, Iterable) else None
        if paths is None or not all(isinstance(path, (str, os.PathLike)) for path in paths):
            raise ValueError(
                f"`source` must be a folder, a pattern, or a list of paths. Received: {source!r}."
            )
        if not paths:
            raise ValueError("`source` must hold at least one path. Received: none.")
        found, others = [os.fspath(path) for path in paths], []
    faults = {path: str(members.fault_of(path)) for path in others}
    if unreadable == "warn":
        return _readable(name, found, faults, slice_tolerance)
    for path in found:
        faults.update(_faults_of(path))
    if faults:
        raise VolumeError(
            name,
            f"{members.named(faults, len(found) + len(others))} Leave out what cannot be read with "
            "`find_volumes(source, unreadable='warn')`.",
        )
    return found


def _one(source: str) -> tuple[list[str], list[str]]:
    """Return the scans that a path names, and unreadable paths that belong to them."""
    file, inner = split_inner(source)
    if os.path.isdir(file) and inner is None:
        return _in_folder(file)
    if os.path.lexists(file) or not glob.has_magic(file):
        formats.of_source(source)  # raises an error that says what is wrong
        return [source], []
    found, others = _matching(file, inner)
    return [path if inner is None else f"{path}::{inner}" for path in found], others


def _in_folder(folder: str) -> tuple[list[str], list[str]]:
    paths = members.listing(folder)
    kinds = members.kinds_in(paths)
    others = _links_apart(kinds)
    slices = [module for module in ("dicom", "pictures") if module in kinds]
    if slices and len(kinds) > 1:
        counts = ", ".join(f"{len(files)} x {module}" for module, files in sorted(kinds.items()))
        raise VolumeError(
            folder,
            f"a folder with {counts}. Expected either the slices of one scan or scans of one file "
            "each: give a pattern, such as `folder/*.nii.gz`.",
        )
    if slices:
        return [folder], []
    folders, empty = _scans_among(paths)
    found = [path for files in kinds.values() for path in files] + folders
    others += empty
    if not found and not others:
        raise VolumeError(
            folder,
            f"it holds no scan. Found: {_counted(paths)}. Expected {formats.READABLE}. For scans "
            "in deeper folders give a pattern: `folder/**/*` for all, `folder/**/*.nii.gz`."
            f"{ways_from(paths)}",
        )
    return _sorted(_without_partners(found)), others


def _matching(pattern: str, inner: str | None) -> tuple[list[str], list[str]]:
    matches = glob.glob(pattern, recursive=True)
    kinds = members.kinds_in(matches)
    found, empty = _scans_among(matches)
    others = [*_links_apart(kinds), *_closed_folders(pattern), *empty]
    folders: dict[str, set[str]] = {}
    for module, files in kinds.items():
        if module != "dicom":
            found += files
            continue
        for path in files:
            folders.setdefault(os.path.dirname(path), set()).add(path)
    for folder, matched in folders.items():
        every = members.kinds_in(members.listing(folder or "."))["dicom"]
        if len(every) != len(matched):
            raise VolumeError(
                pattern,
                f"it matches {len(matched)} of the {len(every)} DICOM files in `{folder or '.'}`. "
                "Expected whole series: let it match folders, or move each series to its own.",
            )
        found.append(folder or ".")
    if inner is not None:
        found = [path for path in found if suffix_of(path) in (".h5", ".hdf5", ".npz")]
    if not found and not others:
        raise VolumeError(
            pattern,
            f"no scan matches this pattern. Matches: {_counted(matches)}. Expected "
            f"{formats.READABLE}. `*` does not cross folders, `**/` does."
            f"{_folders_of(pattern, matches)}{_brackets_in(pattern)}{ways_from(matches)}",
        )
    return _sorted(_without_partners(set(found))), others


def _folders_of(pattern: str, matches: list[str]) -> str:
    """Return a sentence with the pattern for scans inside the matched folders, or `""`."""
    folders = bool(matches) and all(os.path.isdir(path) for path in matches)
    return f" For the scans in these folders: `{pattern.rstrip('/')}/*`." if folders else ""


def _brackets_in(pattern: str) -> str:
    """Return a sentence on how to escape brackets in a pattern, or `""`."""
    if "[" not in pattern:
        return ""
    parts = Path(pattern).parts
    start = next((k for k in range(len(parts), 0, -1) if Path(*parts[:k]).exists()), 0)
    written = [glob.escape(part) for part in parts[:start]] + list(parts[start:])
    meant = f": `{Path(*written)}`, if a name is meant" if "[" in "".join(parts[:start]) else ""
    return f" `[...]` stands for one of the letters in it; `[[]` is a bracket{meant}."


def _links_apart(kinds: dict[str, list[str]]) -> list[str]:
    """Remove and return dangling links without a suffix, which may be DICOM, among other files."""
    links = [path for path in kinds.get("dicom", []) if not os.path.exists(path)]
    if len(kinds) > 1 and links == kinds.get("dicom"):
        return kinds.pop("dicom")
    return []


def _closed_folders(pattern: str) -> list[str]:
    """Return what a pattern cannot descend into: dangling links and folders without permission."""
    closed = []
    parent = os.path.dirname(pattern)
    while glob.has_magic(parent):
        for path in glob.glob(parent, recursive=True):
            # `**` also matches files, and what git-annex links to are files.
            lost = members.is_unknown_link(path) and not suffix_of(path)
            lost = lost and "annex/objects" not in os.readlink(path)
            if lost or (os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK)):
                closed.append(path)
        parent = os.path.dirname(parent)
    return _sorted(set(closed))


def _scans_among(paths: list[str]) -> tuple[list[str], list[str]]:
    """Return the folders that are scans, and unreadable folders with names like theirs."""
    folders = [path for path in paths if os.path.isdir(path)]
    scans = [path for path in folders if _is_scan(path)]
    alike = {outline(path) for path in scans}
    others = set(folders) - set(scans)
    called_alike = [path for path in others if outline(path) in alike]
    return scans, _sorted(path for path in called_alike if _is_lost(path))


def _is_lost(folder: str) -> bool:
    """Whether a folder is empty, or holds files of which none can be read."""
    paths = members.listing(folder)
    return all(not os.path.isdir(path) and members.fault_of(path) for path in paths)


def _is_scan(folder: str) -> bool:
    kinds = members.kinds_in(members.listing(folder))
    return len(kinds) == 1 and ("dicom" in kinds or "pictures" in kinds)


def _faults_of(scan: str) -> dict[str, str]:
    """Return the unreadable files of a scan, judged by their first bytes, and their faults."""
    file, _ = split_inner(scan)
    if os.path.isdir(file):
        return members.faults_in(members.kinds_in(members.listing(file)))
    fault = members.fault_of(file)
    if fault is None:
        formats.of_source(scan)  # raises an error for an unsupported format
        pair = pair_of(file) or ()
        lost = [half for half in pair if half != file and os.path.lexists(half)]
        return members.faults_in({"nifti": lost})
    return {scan: fault}


def _readable(
    name: str, scans: list[str], faults: dict[str, str], slice_tolerance: float | None
) -> list[str]:
    """Return the readable scans and warn about the others."""
    from keras_mri_cyclegan.volumes.files import read_volume  # a circular import at module level

    faults, kept = dict(faults), []
    for scan in scans:
        try:
            with warnings.catch_warnings():  # the caller is warned when reading it
                warnings.simplefilter("ignore")
                read_volume(scan, fill_nan=0.0, slice_tolerance=slice_tolerance)
        except VolumeError as error:
            faults[scan] = str(error).removeprefix(f"`{scan}`: ")
        else:
            kept.append(scan)
    if not kept:
        raise VolumeError(name, members.named(faults, len(scans)))
    if faults:
        lines = "\n".join(f"  `{path}`: {fault}" for path, fault in faults.items())
        warnings.warn(
            f"`{name}`: {len(faults)} left out, which cannot be read; {len(kept)} kept.\n{lines}",
            VolumeWarning,
            stacklevel=3,
        )
    return kept


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
