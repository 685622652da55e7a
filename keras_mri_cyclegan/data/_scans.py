"""Lists of scans: paths of files, or volumes in memory."""

import os
from collections.abc import Sequence
from typing import Any

from keras_mri_cyclegan import volumes
from keras_mri_cyclegan.volumes import Volume

Scan = str | Volume


def scan_list(
    name: str, value: Any, unreadable: str = "error", slice_tolerance: float | None = None
) -> list[Scan]:
    """Return a folder, a glob, or a list of paths and volumes as a list of paths and volumes.

    With `unreadable="warn"`, as in `find_volumes`, unreadable scans are left out.

    Raises:
        ValueError: `value` is of another type, is empty, or holds a scan twice.
        VolumeError: There is no such file.
    """
    if isinstance(value, (str, os.PathLike)):
        scans: list[Scan] = list(
            volumes.find_volumes(os.fspath(value), unreadable, slice_tolerance)
        )
    elif isinstance(value, Sequence) and all(
        isinstance(scan, (str, os.PathLike, Volume)) for scan in value
    ):
        scans = [scan if isinstance(scan, Volume) else os.fspath(scan) for scan in value]
        paths = [scan for scan in scans if isinstance(scan, str)]
        if unreadable == "warn" and paths:
            kept = {*volumes.find_volumes(paths, unreadable, slice_tolerance)}
            scans = [scan for scan in scans if isinstance(scan, Volume) or scan in kept]
    else:
        raise ValueError(
            f"`{name}` must be a folder, a glob such as 't1/**/*.nii.gz', or a list of paths and "
            f"Volumes. Received: {value!r}.{_several(value)}"
        )
    if not scans:
        raise ValueError(f"`{name}` must hold at least one scan. Received: {value!r}.")
    seen: dict = {}
    for scan in scans:
        if identity(scan) in seen:
            raise ValueError(
                f"`{name}` must hold every scan once. Received twice: {scan_name(scan)}."
            )
        seen[identity(scan)] = scan
    return scans


def _several(value: Any) -> str:
    """Return advice for several contrasts passed in place of one scan, or an empty text."""
    if not isinstance(value, Sequence) or not any(isinstance(one, (tuple, list)) for one in value):
        return ""
    return (
        " For several contrasts of a patient as channels, cut each separately, on one grid, and "
        "pass arrays: `np.concatenate([preprocessing.cutter.cut(preprocessing.prepare(scan)"
        ".volume) for scan in scans], axis=-1)` of each patient, to `UnpairedDataset` or `fit`."
    )


def identity(scan: Scan) -> Any:
    """Return a value that is equal for equal scans: the volume's id, or the real path."""
    if isinstance(scan, Volume):
        return id(scan)
    path, separator, inside = scan.partition("::")
    return os.path.realpath(path) + separator + inside


def scan_name(scan: Scan) -> str:
    """Return the name of a scan for a message."""
    if isinstance(scan, Volume):
        return f"`{scan.path}`" if scan.path else f"a Volume of shape {scan.shape} without a path"
    return f"`{scan}`"
