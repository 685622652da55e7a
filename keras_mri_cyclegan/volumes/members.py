"""Files that belong to a scan, including damaged ones, which must not be skipped silently."""

import glob
import os
from collections.abc import Iterable

from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.names import MODULES, natural, outline, suffix_of

HEAD = 4096  # bytes read from the start of a file
# Names without a suffix that are found beside scans and are never one: a dangling link neither.
NO_SCANS = (
    *("readme", "changes", "changelog", "license", "licence", "copying", "authors", "notice"),
    *("version", "citation", "install", "todo", "makefile", "dockerfile", "snakefile", "lockfile"),
    *("code", "logs", "stimuli", "phenotype"),
)
COPIES = (
    *(".part", ".crdownload", ".filepart", ".download", ".tmp", "~"),  # unfinished
    *(".gz", ".bz2", ".zst", ".gpg", ".zip"),  # packed
)
UNPACK = {".bz2": ": `bunzip2`", ".zip": ": `unzip`", ".gz": ": `gunzip`", ".zst": ": `unzstd`"}
NO_PREAMBLE = (
    "not a DICOM file: the letters `DICM` after 128 bytes are missing. If it is one that was "
    "stored without them, `pydicom.dcmread(path, force=True)` reads it and `save_as(new_path, "
    "enforce_file_format=True)` writes it as it should be."
)
CUT_DICOM = "its attributes end before they say what it is. The file is truncated: copy it again."


def listing(folder: str) -> list[str]:
    """Return the paths in a folder in natural order, without hidden files.

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


def kinds_in(paths: Iterable[str]) -> dict[str, list[str]]:
    """Group files by the module that reads them, leaving out folders and other files.

    A file belongs to the data by its suffix, also that of the file that it is an unfinished or
    packed copy of, by its content, by a name like those of the DICOM
    files beside it (`IM0007` beside `IM0001`), or as a link whose target is not there and whose
    name has no suffix and is not of `NO_SCANS`. Whether it can be read is not asked: `fault_of`.
    """
    kinds: dict[str, list[str]] = {}
    others = []
    for path in paths:
        if os.path.isdir(path):
            continue
        module = MODULES.get(suffix_of(path)) or MODULES.get(suffix_of(copied_by(path)))
        if module is None and (is_unknown_link(path) or is_dicom_file(path)):
            module = "dicom"  # the one format whose files need no suffix
        if os.path.basename(path).upper() == "DICOMDIR":
            continue
        if module is None:
            others.append(path)
        else:
            kinds.setdefault(module, []).append(path)
    alike = {_outline(path) for path in kinds.get("dicom", []) if not os.path.islink(path)}
    siblings = [path for path in others if _outline(copied_by(path) or path) in alike]
    if siblings:
        kinds["dicom"] = sorted([*kinds["dicom"], *siblings], key=natural)
    return kinds


def is_dicom_file(path: str) -> bool:
    """Return whether a file is DICOM, by its name or content; an index (`DICOMDIR`) is not."""
    if os.path.basename(path).upper() == "DICOMDIR" or not os.path.isfile(path):
        return False
    module = MODULES.get(suffix_of(path))
    if module is not None:
        return module == "dicom"
    head = _head(path)
    return head[128:132] == b"DICM" or (_may_be_bare(path) and _is_bare(head))


def has_prefix(path: str) -> bool:
    """Return whether a regular file begins with the DICOM prefix."""
    return os.path.isfile(path) and _head(path)[128:132] == b"DICM"


def fault_of(path: str, module: str | None = None) -> str | None:
    """Return why a file that belongs to the data cannot be read, `None` if its start is sound.

    Args:
        path: The file, or a link to it; or a folder of which nothing can be read.
        module: `"dicom"`: it must begin as DICOM files do. Defaults to `None`.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes.members import fault_of
        >>> path = os.path.join(tempfile.mkdtemp(), "t1.nii.gz")
        >>> open(path, "w").close()
        >>> fault_of(path)
        'it is empty (0 bytes), as an interrupted copy is. Get it again.'
    """
    link = next((part for part in _parts(path) if _is_dangling(part)), None)
    if link is not None:
        which = "a link" if link == path else f"`{link}` is a link"
        return (
            f"{which} whose target `{os.readlink(link)}` is not there. If DataLad or git-annex "
            "keeps the data, fetch them: `datalad get` or `git annex get`."
        )
    if not os.path.exists(path):
        if glob.has_magic(path):
            return (
                "there is no such file. If it is a pattern, `find_volumes(pattern)` lists the "
                "scans that match it."
            )
        return (
            "there is no such file or folder. Expected one that exists: look at the spelling, and "
            "whether it is relative to the folder that Python runs in."
        )
    if os.path.isdir(path):
        closed = not os.access(path, os.R_OK | os.X_OK)
        if closed:
            return "a folder that may not be listed."
        files = listing(path)
        if not files:
            return "an empty folder."
        return f"a folder of which no file can be read. `{files[0]}`: {fault_of(files[0])}"
    if not os.path.isfile(path):  # reading from a pipe would block
        return "this is neither a file nor a folder. Expected one of them."
    try:
        with open(path, "rb") as file:
            head = file.read(HEAD)
    except OSError as error:
        return f"it cannot be opened ({error.strerror}). Look at its permissions and the disk."
    if not head:
        return "it is empty (0 bytes), as an interrupted copy is. Get it again."
    if head.startswith(b"version https://git-lfs"):
        return "a pointer of Git LFS, and not the file itself. Fetch that: `git lfs pull`."
    if b"annex/objects/" in head and b"\0" not in head:
        return (
            "a pointer of git-annex, and not the file itself. Fetch that: `datalad get` or `git "
            "annex get`."
        )
    whole = copied_by(path)
    belongs = suffix_of(whole) in MODULES or module == "dicom"
    if whole and belongs and head[128:132] != b"DICM":
        return (
            f"an unfinished or packed copy of `{whole}`, which is not there. Get it again, or "
            f"unpack it{UNPACK.get(os.path.splitext(path)[1], '')}."
        )
    # Voxels of a pair may begin with air, and HDF5 with a block that is the user's.
    if not head.strip(b"\0") and suffix_of(path) not in (".img", ".h5", ".hdf5"):
        return "it begins with nothing but zeros: its content was lost. Get it again."
    if module == "dicom" and head[128:132] != b"DICM":
        cut = f"cut off after {len(head)} bytes, or " if len(head) < 132 else ""
        return cut + NO_PREAMBLE
    if module == "dicom" and len(head.rstrip(b"\0")) <= _end_of_meta(head):
        return CUT_DICOM
    return None


def faults_in(kinds: dict[str, list[str]]) -> dict[str, str]:
    """Return the faults of files grouped by `kinds_in`, by path."""
    found = {path: fault_of(path, module) for module, files in kinds.items() for path in files}
    return {path: fault for path, fault in found.items() if fault is not None}


def check_members(folder: str, kinds: dict[str, list[str]]) -> None:
    """Raise a `VolumeError` that names the unreadable files of a folder's data."""
    faults = faults_in(kinds)
    if faults:
        raise VolumeError(folder, named(faults, sum(map(len, kinds.values()))))


def named(faults: dict[str, str], count: int, most: int = 5) -> str:
    """Return a text that lists the unreadable files, out of `count`, with their faults."""
    alike: dict[str, list[str]] = {}  # all files of a series may have one fault
    for path, fault in list(faults.items())[:most]:
        alike.setdefault(fault, []).append(f"`{path}`")
    lines = [f"{', '.join(paths)}: {fault}" for fault, paths in alike.items()]
    more = f" And {len(faults) - most} more." if len(faults) > most else ""
    return (
        f"{len(faults)} of the {count} files that belong to the data cannot be read. "
        f"{' '.join(lines)}{more} Expected all of them: nothing is left out unasked."
    )


def _parts(path: str) -> list[str]:
    """Return a path and the folders above it, the outermost first."""
    parts = [path.rstrip("/\\") or path]
    while (parent := os.path.dirname(parts[0])) not in ("", parts[0]):
        parts.insert(0, parent)
    return parts


def _is_dangling(path: str) -> bool:
    return os.path.islink(path) and not os.path.exists(path)


def copied_by(path: str) -> str:
    """Return the path that a file is an unfinished or packed copy of; `""`: none, or it is there.

    Example:
        >>> from keras_mri_cyclegan.volumes.members import copied_by
        >>> copied_by("t1.nii.bz2"), copied_by("IM0007.dcm.part"), copied_by("t1.nii.gz")
        ('t1.nii', 'IM0007.dcm', '')
    """
    end = next((end for end in COPIES if path.lower().endswith(end)), None)
    if end is None or suffix_of(path) in MODULES:
        return ""
    whole = path[: -len(end)]
    names = {whole, f"{whole}.gz", whole.removesuffix(".gz")} - {path}
    return "" if any(os.path.lexists(name) for name in names) else whole


def is_unknown_link(path: str) -> bool:
    """Return whether a path is a dangling link without a suffix, as DICOM files may have."""
    named = os.path.basename(path).casefold() in NO_SCANS
    return _is_dangling(path) and _may_be_bare(path) and not named


def _outline(path: str) -> tuple[str, str]:
    folder, name = os.path.split(path)
    return folder, outline(name)


def _head(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read(132)
    except OSError:
        return b""


def _end_of_meta(head: bytes) -> int:
    """Return where the meta header of a DICOM file ends, as its start says, if within `head`."""
    if head[132:138] != b"\2\0\0\0UL":
        return 132
    end = 144 + int.from_bytes(head[140:144], "little")
    return end if end < HEAD else 144


def _may_be_bare(path: str) -> bool:
    """Return whether a file name has no suffix, or ends in numbers as a UID does."""
    return suffix_of(path)[1:].isdigit() or not suffix_of(path)


def _is_bare(head: bytes) -> bool:
    """Whether a file begins with an attribute of DICOM, of group 2 or 8, and no preamble."""
    if head[:2] not in (b"\x02\0", b"\x08\0") or head[3:4] != b"\0" or len(head) < 12:
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    return explicit or (head[:1] == b"\x08" and int.from_bytes(head[4:8], "little") <= 256)
