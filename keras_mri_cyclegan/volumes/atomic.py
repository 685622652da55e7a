"""Atomic writing of files and folders.

Data is written to a temporary file in the same folder, which is renamed after it is complete and
synced to the disk: a full disk, a crash or Ctrl+C leaves the previous file unchanged.
"""

import contextlib
import errno
import os
import secrets
import shutil
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning

LONGEST_SUFFIX = 16

WAYS_OUT = {
    errno.ENOSPC: "The disk is full: free some space, or write to another disk.",
    errno.EDQUOT: "The disk quota is used up: free some space, or write to another disk.",
    errno.EFBIG: "It is larger than a file may be here: write to another disk, or compressed.",
    errno.EACCES: "Expected a folder that you may write to: change its permissions or the path.",
    errno.EPERM: "Expected a folder that you may write to: change its permissions or the path.",
    errno.EROFS: "The disk is mounted read-only: write to another one.",
    errno.ENOENT: "Expected a folder that exists: make it first, `os.makedirs(folder)`.",
    errno.ENOTDIR: "Expected a folder before the last `/`, and one part is a file.",
    errno.ENAMETOOLONG: "Expected a shorter name.",
}


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[str]:
    """Yield a temporary path and rename the file written there to `path` if the block succeeds.

    An existing file is replaced in one step, a symbolic link by a file of its own. The new file
    has the permissions of any new file (the umask's). If the block fails, for whatever reason,
    `path` is as it was and no temporary file remains.

    Args:
        path: The file to write.

    Yields:
        The path of an empty file in the same folder, with a hidden name and the same suffixes.

    Raises:
        VolumeError: The file cannot be written (full disk, no permission, no such folder, `path`
            is a folder): any `OSError` of the block, or of putting the file in place.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import atomic
        >>> path = os.path.join(tempfile.mkdtemp(), "note.txt")
        >>> with atomic.replacing(path) as temporary, open(temporary, "w") as file:
        ...     _ = file.write("whole")
        >>> open(path).read(), os.listdir(os.path.dirname(path))
        ('whole', ['note.txt'])
    """
    with replacing_all([path]) as (temporary,):
        yield temporary


@contextlib.contextmanager
def replacing_all(paths: Sequence[str | os.PathLike]) -> Iterator[list[str]]:
    """Replace several files that belong together, as `replacing` does: all of them or none.

    They are put in place in the order of `paths`, when all are complete. If one cannot be, those
    before it are as they were: the old files come back, new ones are removed.

    Args:
        paths: The files to write.

    Yields:
        A temporary path for each.

    Raises:
        VolumeError: As `replacing`; it names the last of `paths`, or the one that failed.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import atomic
        >>> paths = [os.path.join(tempfile.mkdtemp(), name) for name in ("scan.img", "scan.hdr")]
        >>> with atomic.replacing_all(paths) as temporaries:
        ...     for temporary in temporaries:
        ...         _ = open(temporary, "wb").write(b"data")
        >>> [os.path.getsize(path) for path in paths]
        [4, 4]
    """
    targets = [os.fspath(path) for path in paths]
    temporaries: list[str] = []
    current = targets[-1]
    try:
        for current in targets:
            if os.path.isdir(current):
                raise VolumeError(current, "this is a folder. Expected the path of a file.")
            temporaries.append(_new_file(current))
        yield list(temporaries)
        for temporary in temporaries:
            _sync_file(temporary)
        with contextlib.ExitStack() as old:
            for current, temporary in zip(targets, temporaries, strict=True):
                if current != targets[-1]:  # after the last file nothing can fail
                    old.enter_context(restoring(current))
                os.replace(temporary, current)
    except BaseException as error:  # Ctrl+C too
        for leftover in temporaries:
            with contextlib.suppress(OSError):
                os.remove(leftover)
        if isinstance(error, OSError):
            raise _volume_error(current, error) from error
        raise
    for folder in {os.path.dirname(os.path.abspath(target)) for target in targets}:
        _sync_folder(folder)


@contextlib.contextmanager
def restoring(path: str | os.PathLike) -> Iterator[None]:
    """Restore the file at `path` if the block, which may replace the file, fails.

    During the block the old file is kept under a hidden name. If `path` did not exist, a file
    that the block created there is removed on failure.

    Args:
        path: The file.

    Raises:
        VolumeError: The old file cannot be kept; the block is not run.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import atomic
        >>> path = os.path.join(tempfile.mkdtemp(), "note.txt")
        >>> _ = open(path, "w").write("old")
        >>> try:
        ...     with atomic.restoring(path), atomic.replacing(path) as temporary:
        ...         raise KeyError
        ... except KeyError:
        ...     print(open(path).read(), os.listdir(os.path.dirname(path)))
        old ['note.txt']
    """
    target = os.fspath(path)
    try:
        kept = _keep(target)
    except OSError as error:
        raise _volume_error(target, error) from error
    try:
        yield
    except BaseException as error:
        try:
            if kept:
                os.replace(kept, target)
        except OSError:
            error.add_note(f"`{target}` as it was before could not be put back: it is `{kept}`.")
            raise error from None
        with contextlib.suppress(OSError):
            os.remove(kept or target)  # replacing a file by another link to it removes neither
        raise
    if kept:
        with contextlib.suppress(OSError):
            os.remove(kept)


@contextlib.contextmanager
def replacing_folder(path: str | os.PathLike, overwrite: bool = False) -> Iterator[str]:
    """Yield a temporary folder and rename it to `path` if the block succeeds.

    Args:
        path: The folder to write. It must not exist, or be empty.
        overwrite: Whether a folder at `path` may be replaced, **with all that is in it**: it is
            moved aside, and removed once the new one is in place. Defaults to `False`.

    Yields:
        The path of an empty folder beside `path`, with a hidden name.

    Raises:
        VolumeError: `path` is a file, or a folder with something in it and `overwrite` is
            `False`, or the folder that Python runs in; or any `OSError`, as `replacing`.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import atomic
        >>> path = os.path.join(tempfile.mkdtemp(), "series")
        >>> with atomic.replacing_folder(path) as temporary:
        ...     _ = open(os.path.join(temporary, "1.dcm"), "wb").write(b"slice")
        >>> os.listdir(path)
        ['1.dcm']
    """
    given = os.fspath(path)
    target = os.path.realpath(given)
    temporary = aside = ""
    try:
        _check_folder(given, target, overwrite)
        temporary = _hidden_name(target)
        os.mkdir(temporary)
        yield temporary
        for folder, _, names in os.walk(temporary):
            for name in names:
                _sync_file(os.path.join(folder, name))
            _sync_folder(folder)
        _check_folder(given, target, overwrite)  # another process may have written in the meantime
        if os.path.isdir(target):
            aside = _hidden_name(target)
            os.rename(target, aside)
        try:
            os.rename(temporary, target)
        except BaseException:
            if aside:
                os.rename(aside, target)
            raise
        _sync_folder(os.path.dirname(target))
    except BaseException as error:
        if temporary:
            shutil.rmtree(temporary, ignore_errors=True)
        if isinstance(error, OSError):
            raise _volume_error(given, error) from error
        raise
    if aside:
        try:
            shutil.rmtree(aside)
        except OSError as error:  # the new folder is in place
            warnings.warn(
                f"`{given}` is replaced, and what was there before could not be removed "
                f"({error.strerror or error}): it is `{aside}`.",
                VolumeWarning,
                stacklevel=4,
            )


def _check_folder(given: str, target: str, overwrite: bool) -> None:
    if os.path.lexists(target) and not os.path.isdir(target):
        raise VolumeError(given, "this is a file. Expected the path of a folder to make.")
    if os.path.isdir(target):
        if Path(target) in (Path.cwd(), *Path.cwd().parents):
            raise VolumeError(
                given, "this is the folder that Python runs in. Expected the path of a new folder."
            )
        if os.listdir(target) and not overwrite:
            raise VolumeError(
                given,
                f"this folder holds {len(os.listdir(target))} files already. Expected a new or "
                "an empty one: choose another path, or pass `overwrite=True` to replace it with "
                "all that is in it.",
            )


def _keep(path: str) -> str:
    """Return a new hidden name of a file that keeps its content, or `""` if there is no file."""
    if not os.path.lexists(path):
        return ""
    name = _hidden_name(path)
    try:
        os.link(path, name, follow_symlinks=False)  # a link, so that `path` exists at all times
    except (OSError, NotImplementedError):  # a file system without links
        os.rename(path, name)
    return name


def _hidden_name(path: str) -> str:
    # Two suffixes for `.nii.gz`; none if the "suffix" is text after a full stop, which is too long.
    suffixes = "".join(Path(path).suffixes[-2 if path.lower().endswith(".gz") else -1 :])
    if len(suffixes) > LONGEST_SUFFIX:
        suffixes = ""
    return os.path.join(os.path.dirname(path), f".{secrets.token_hex(8)}{suffixes}")


def _new_file(path: str) -> str:
    # Not `tempfile`: only the owner can read its files (0600), also after renaming.
    name = _hidden_name(path)
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return name


def _sync_file(path: str) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(path: str) -> None:
    # Windows and some network disks cannot sync folders; the files themselves are synced by then.
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _volume_error(path: str, error: OSError) -> VolumeError:
    way_out = WAYS_OUT.get(error.errno or 0, "Expected a path that can be written to.")
    made = VolumeError(path, f"writing failed ({error.strerror or error}). {way_out}")
    for note in getattr(error, "__notes__", ()):
        made.add_note(note)
    return made
