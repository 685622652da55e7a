"""The files of the data set: what their names say, and which of them lie in a folder."""

import os
import re
from pathlib import Path

from keras_mri_cyclegan.volumes import members
from keras_mri_cyclegan.volumes.errors import VolumeError

SITES = ("Guys", "HH", "IOP")
# IXI002-Guys-0828-T1.nii.gz: patient, site, examination, contrast.
NAME = re.compile(r"((IXI[0-9]{3,})-([A-Za-z]+)-(\w+))-([A-Z0-9]+)\.nii(?:\.gz)?", re.ASCII)


def patient_of(path: str | os.PathLike) -> str:
    """Return the patient that a scan of the IXI data set shows.

    Args:
        path: The file; only its name counts.

    Returns:
        The patient's number, for example `"IXI002"`.

    Raises:
        ValueError: The file is not named as the data set's are.

    Example:
        >>> from keras_mri_cyclegan.datasets.ixi import patient_of
        >>> patient_of("IXI-T1/IXI002-Guys-0828-T1.nii.gz")
        'IXI002'
    """
    found = NAME.fullmatch(Path(path).name)
    if found is None:
        raise ValueError(
            f"`{os.fspath(path)}` is not named as a scan of the IXI data set. Expected a name like "
            "`IXI002-Guys-0828-T1.nii.gz`."
        )
    return found[2]


def is_scan(name: str, contrast: str) -> bool:
    """Say whether a file of this name (without folder) is a scan in `contrast`."""
    found = NAME.fullmatch(name)
    return found is not None and found[5] == contrast.upper()


def find_scans(folder: Path, contrast: str, sites: tuple[str, ...] | None) -> dict[str, str]:
    """Find the scans in one contrast in a folder and in the folders directly in it.

    Args:
        folder: The folder.
        contrast: `"t1"`, say.
        sites: The sites to take, or `None` for all.

    Returns:
        The path of each scan under its examination, `"IXI002-Guys-0828"`, sorted.

    Raises:
        VolumeError: One scan lies in two files, or cannot be read.
    """
    scans: dict[str, str] = {}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        found = NAME.fullmatch(path.name)
        if found is None or found[5] != contrast.upper() or path.is_dir():
            if path.parent == folder and path.is_symlink() and not path.exists():
                raise VolumeError(path, str(members.fault_of(str(path))))  # scans may lie in it
            continue
        if sites is not None and found[3] not in sites:
            continue
        if (fault := members.fault_of(str(path))) is not None:
            raise VolumeError(path, fault)
        if found[1] in scans:
            raise VolumeError(
                path,
                f"the same scan as `{scans[found[1]]}`. Expected one file for each scan: move the "
                "copies elsewhere.",
            )
        scans[found[1]] = str(path)
    return dict(sorted(scans.items()))
