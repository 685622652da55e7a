"""JSON sidecar with the provenance of a written volume."""

import contextlib
import json
import os
from collections.abc import Iterator
from typing import Any

from keras_mri_cyclegan.volumes import atomic
from keras_mri_cyclegan.volumes.errors import VolumeError

LARGEST = 2**24  # bytes: provenance is text that a person reads
PACKAGE = "keras_mri_cyclegan"


def path_of(path: str | os.PathLike) -> str:
    """Return the path of the sidecar of a volume's file.

    Args:
        path: The file, or the folder; `file.h5::dataset` for one of several in a file.

    Returns:
        The same path with `.json` for its suffix.

    Example:
        >>> from keras_mri_cyclegan.volumes import sidecar
        >>> sidecar.path_of("sub-01/t2.nii.gz"), sidecar.path_of("scans.h5::sub-01/t2")
        ('sub-01/t2.json', 'scans.sub-01.t2.json')
    """
    # "C:\..." has one colon; a separator after the two would be a folder's name with colons in it.
    name, _, member = os.fspath(path).partition("::")
    name = name.rstrip("/\\") or name
    stem, suffix = os.path.splitext(name)
    if suffix.lower() == ".gz":
        stem = os.path.splitext(stem)[0]
    member = ".".join(part for part in member.replace("\\", "/").split("/") if part)
    return f"{stem}.{member}.json" if member else f"{stem}.json"


def write(path: str | os.PathLike, provenance: dict[str, Any]) -> str:
    """Write the sidecar of a volume's file atomically.

    Args:
        path: The volume's file, not the sidecar's.
        provenance: What to write; what JSON can hold.

    Returns:
        The sidecar's path. One of this package that is there is replaced.

    Raises:
        ValueError: JSON cannot hold `provenance`.
        VolumeError: The file cannot be written, or is another's (see `check_ours`).

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import sidecar
        >>> path = sidecar.write(os.path.join(tempfile.mkdtemp(), "t2.nii"), {"Synthetic": True})
        >>> print(open(path).read())
        {
          "Synthetic": true
        }
        <BLANKLINE>
    """
    text = to_json(provenance)
    name = path_of(path)
    check_ours(path)
    with (
        atomic.replacing(name) as temporary,
        open(temporary, "w", encoding="utf-8", newline="\n") as file,
    ):
        file.write(text)
    return name


@contextlib.contextmanager
def beside(path: str | os.PathLike, provenance: dict[str, Any] | None) -> Iterator[None]:
    """Write the sidecar before the block that writes the volume, and undo that on failure.

    If the block fails, the previous sidecar is restored.

    Args:
        path: The volume's file.
        provenance: What to write. `None`: no sidecar.

    Raises:
        ValueError: JSON cannot hold `provenance`.
        VolumeError: The sidecar cannot be written, or is another's (see `check_ours`).

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import atomic, sidecar
        >>> path = os.path.join(tempfile.mkdtemp(), "t2.npy")
        >>> with sidecar.beside(path, {"Synthetic": True}), atomic.replacing(path) as temporary:
        ...     _ = open(temporary, "wb").write(b"data")
        >>> sorted(os.listdir(os.path.dirname(path)))
        ['t2.json', 't2.npy']
    """
    if provenance is None:
        yield
        return
    check_ours(path)
    with atomic.restoring(path_of(path)):
        write(path, provenance)
        yield


def check_ours(path: str | os.PathLike) -> None:
    """Raise a `VolumeError` if another kind of file has the path of the sidecar.

    A study may have its own JSON files beside its scans, such as those of BIDS. A JSON file is
    replaced only if it says `"Synthetic": true` and that this package made it, `GeneratedBy.Name`.

    Args:
        path: The volume's file, not the sidecar's.

    Raises:
        VolumeError: There is a file (or anything else) that is no sidecar of this package.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import sidecar
        >>> path = os.path.join(tempfile.mkdtemp(), "t2.nii.gz")
        >>> made = {"Synthetic": True, "GeneratedBy": {"Name": "keras_mri_cyclegan"}}
        >>> _ = sidecar.write(path, made)
        >>> sidecar.check_ours(path)
    """
    name = path_of(path)
    if os.path.lexists(name) and not _is_ours(name):
        raise VolumeError(
            path,
            f"the place of its sidecar is taken by `{name}`, which does not say that "
            f"{PACKAGE} made it (Synthetic and GeneratedBy), and so is never replaced. Choose "
            "another name for the volume, or move that file away.",
        )


def content(name: str) -> dict[str, Any]:
    """Return the object in a JSON file, or `{}` if the file is unreadable or holds no object."""
    found = parsed(name)
    return found if isinstance(found, dict) else {}


def parsed(name: str) -> Any:
    """Return the content of a JSON file, or `None` if it cannot be read."""
    if not os.path.isfile(name):  # reading from a pipe would block
        return None
    try:
        if os.path.getsize(name) > LARGEST:
            return None
        with open(name, encoding="utf-8-sig") as file:  # Windows may begin it with a mark
            return json.load(file)
    except (OSError, ValueError, RecursionError):
        return None


def _is_ours(name: str) -> bool:
    found = content(name)
    made_by = found.get("GeneratedBy")
    return (
        isinstance(made_by, dict)
        and made_by.get("Name") == PACKAGE
        and found.get("Synthetic") is True
    )


def to_json(provenance: dict[str, Any]) -> str:
    """Return the text of a sidecar: JSON with the keys in their order, indented.

    Args:
        provenance: What JSON can hold: no NaN, no array.

    Raises:
        ValueError: JSON cannot hold it.

    Example:
        >>> from keras_mri_cyclegan.volumes import sidecar
        >>> sidecar.to_json({"Synthetic": True}).split()
        ['{', '"Synthetic":', 'true', '}']
    """
    if not isinstance(provenance, dict):
        raise ValueError(f"`provenance` must be a dict. Received: {type(provenance).__name__}.")
    try:
        return json.dumps(provenance, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"`provenance` must hold what JSON can (text, finite numbers, booleans, lists, dicts). "
            f"Received: {error}. Convert arrays with `.tolist()`."
        ) from error
