"""The scans in an archive to a folder, and nothing else of it."""

import os
import shutil
import tarfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from keras_mri_cyclegan.datasets.ixi.scans import is_scan
from keras_mri_cyclegan.volumes.errors import VolumeError


def unpack(archive: Path, folder: Path, contrast: str) -> None:
    """Unpack the scans in one contrast from an uncompressed tar archive.

    The scans come to lie flat in `folder`, whatever folders the archive has; other files are
    passed over. Everything in the archive is looked at before anything is written, and `folder`
    comes into being when all is unpacked: if it exists, it is complete. One process at a time.

    Args:
        archive: The archive.
        folder: The folder to make.
        contrast: `"t1"`, say.

    Raises:
        VolumeError: Not a tar archive or a truncated one; a name that leaves the folder; a link,
            a device or anything else that is not a plain file; two files of one name; a claim to
            hold more than the archive has bytes; no scan in this contrast.
    """
    temporary = folder.with_name(folder.name + ".unpacking")
    shutil.rmtree(temporary, ignore_errors=True)  # of a process that was killed
    try:
        with tarfile.open(archive, "r:") as tar:
            members = _checked(tar, archive, contrast)
            temporary.mkdir()
            for name, member in members.items():
                # Only the bytes: no owner, mode or path of the archive's has any effect, with or
                # without the filters that tarfile has from Python 3.11.4.
                source = tar.extractfile(member)
                with (temporary / name).open("xb") as target:
                    shutil.copyfileobj(source, target)  # type: ignore[arg-type]
        os.replace(temporary, folder)
    except tarfile.TarError as error:
        shutil.rmtree(temporary, ignore_errors=True)
        raise VolumeError(
            archive,
            f"cannot be read as an uncompressed tar archive: {error}. It is damaged, truncated "
            "or something else. Delete it, and it is downloaded again.",
        ) from error
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _checked(tar: tarfile.TarFile, archive: Path, contrast: str) -> dict[str, tarfile.TarInfo]:
    members: dict[str, tarfile.TarInfo] = {}
    size, limit = 0, archive.stat().st_size
    for member in tar:
        reason = _refusal(member)
        size += member.size
        if reason is None and size > limit:
            reason = f"brings the content to {size} bytes, and the archive has {limit}"
        name = PurePosixPath(member.name).name
        if reason is None and name in members:
            reason = "is there twice"
        if reason is not None:
            raise VolumeError(
                archive,
                f"`{member.name}` in it {reason}. Expected plain files named like "
                "`IXI002-Guys-0828-T1.nii.gz`. Nothing was unpacked. Do not use this archive; "
                "get it from https://brain-development.org/ixi-dataset/.",
            )
        if member.isreg() and is_scan(name, contrast):
            members[name] = member
    if not members:
        raise VolumeError(
            archive,
            f"no scan in {contrast.upper()}. Expected files named like "
            f"`IXI002-Guys-0828-{contrast.upper()}.nii.gz`. Get the archive from "
            "https://brain-development.org/ixi-dataset/.",
        )
    return members


def _refusal(member: tarfile.TarInfo) -> str | None:
    # As Windows reads it, too: there a backslash separates folders and `C:` is a drive.
    posix, windows = PurePosixPath(member.name), PureWindowsPath(member.name)
    if posix.is_absolute() or windows.anchor:
        return "has an absolute path"
    if ".." in posix.parts or ".." in windows.parts:
        return "leaves the folder"
    if member.issym() or member.islnk():
        return f"is a link to `{member.linkname}`"
    if member.issparse() or not (member.isreg() or member.isdir()):
        return "is neither a plain file nor a folder"
    return None
