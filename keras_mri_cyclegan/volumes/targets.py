"""Checks that a volume can be written to a path, before it is computed."""

import os

from keras_mri_cyclegan.volumes import formats, members, pictures, sidecar
from keras_mri_cyclegan.volumes.dicom.replacing import check_one_file, check_replaceable
from keras_mri_cyclegan.volumes.dicom.source import DicomSource
from keras_mri_cyclegan.volumes.dicom.write import check_derivable
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.names import split_inner, suffix_of
from keras_mri_cyclegan.volumes.scan_files import files_of, files_to_write
from keras_mri_cyclegan.volumes.volume import SourceHeader

FOLDERS = {"dicom": "dicom", "png": "pictures", "tiff": "pictures"}  # by the header's kind
LONGEST_NAME = 255  # bytes, of nearly every file system
NOT_WRITTEN = (".hdr.gz", ".img.gz", ".mgz", ".mgh", ".mnc")
WRITABLE = ", ".join(
    suffix for suffix in formats.MODULES if suffix not in (".ima", ".tiff", *NOT_WRITTEN)
)


def check_target(
    path: str | os.PathLike,
    overwrite: bool = False,
    header: SourceHeader | None = None,
    with_sidecar: bool = True,
) -> str | None:
    """Check that a volume can be written to `path`; nothing is written.

    Args:
        path: The path to write to, as for `write_volume`.
        overwrite: Whether existing files may be replaced. Defaults to `False`.
        header: The volume's header, if it is known. Defaults to `None`: whether the format fits it
            is not checked.
        with_sidecar: Whether a JSON sidecar will be written beside it. Defaults to `True`.

    Returns:
        The name of the format's module; `None` if it depends on the header.

    Raises:
        VolumeError: A suffix that cannot be written, a name of over 255 bytes, a folder that does
            not exist or may not be written to, a file that is there already, a folder to replace
            that holds other things or DICOM that is not synthetic, a JSON file of another kind in
            the sidecar's place, a format that cannot take a volume from such a source, or DICOM of
            which no series can be derived.
        ValueError: `path` is not a path, or is empty.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.volumes import check_target
        >>> check_target(os.path.join(tempfile.mkdtemp(), "t2.nii.gz"))
        'nifti'
    """
    module = check_place(path, overwrite, header, with_sidecar)
    if module == "dicom" and header is not None and isinstance(header.content, DicomSource):
        check_derivable(os.fspath(path), header, synthetic=with_sidecar)
    return module


def check_place(
    path: str | os.PathLike, overwrite: bool, header: SourceHeader | None, with_sidecar: bool
) -> str | None:
    """Do as `check_target`, without checking that DICOM can be derived."""
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise ValueError(f"`path` must be the path of a file or folder. Received: {path!r}.")
    path = os.fspath(path)
    file, inner = split_inner(path)
    if inner is not None and not (inner and suffix_of(file) in (".h5", ".hdf5", ".npz")):
        raise VolumeError(path, "a name after `::`. Expected one only in `.h5` and `.npz` files.")
    is_folder = _is_folder(file, header)
    module = _folder_module(path, header) if is_folder else _file_module(path, file, header)
    with_sidecar = with_sidecar and module not in ("dicom", None)
    _check_names(path, file, with_sidecar)
    if header is not None:
        _check_header(path, module, is_folder, header)
    _check_parent(path, file)
    if is_folder:
        _check_folder(path, module, overwrite)
    else:
        _check_file(path, file, overwrite)
    if with_sidecar:
        sidecar.check_ours(path)
        beside = sidecar.path_of(path)
        if os.path.lexists(beside) and not overwrite:
            raise VolumeError(
                path,
                f"its sidecar, `{beside}`, exists already. Choose another name, or pass "
                "`overwrite=True` to replace it.",
            )
    return module


def _is_folder(file: str, header: SourceHeader | None) -> bool:
    if file.endswith(("/", os.sep)) or suffix_of(file) == "":
        return True
    # Names such as `patient.01`.
    return suffix_of(file) not in formats.MODULES and (
        os.path.isdir(file) or (header is not None and header.kind in FOLDERS)
    )


def _folder_module(path: str, header: SourceHeader | None) -> str | None:
    if header is None:
        return None
    if header.kind not in FOLDERS:
        raise VolumeError(
            path,
            "a name without a suffix is a folder of DICOM files or pictures, and this volume was "
            f"read as {header.kind}. Expected the name of a file, such as `t2.nii.gz`.",
        )
    return FOLDERS[header.kind]


def _file_module(path: str, file: str, header: SourceHeader | None) -> str:
    module = formats.MODULES.get(suffix_of(file))
    if module is None or suffix_of(file) in NOT_WRITTEN:
        raise VolumeError(
            path,
            f"files of the kind {suffix_of(file)} cannot be written. Expected {WRITABLE}, or a "
            "name without a suffix for a folder of DICOM files or pictures. Write `.nii.gz`, which "
            "the programs of other formats convert.",
        )
    needs = {"dicom": ("dicom",), "pictures": ("png", "tiff")}.get(module)
    if header is not None and needs and header.kind not in needs:
        raise VolumeError(
            path,
            f"this volume was read as {header.kind}, and a {suffix_of(file)} file needs more than "
            "it says. Expected `.nii.gz` (keeps where it is), `.npy` or `.h5`.",
        )
    if os.path.isdir(file):
        raise VolumeError(path, "this is a folder. Expected the name of a file.")
    return module


def _check_names(path: str, file: str, with_sidecar: bool) -> None:
    for name in [file.rstrip("/\\"), *([sidecar.path_of(path)] if with_sidecar else [])]:
        base = os.path.basename(name)
        if len(os.fsencode(base)) > LONGEST_NAME:
            raise VolumeError(
                path,
                f"`{base[:12]}...{base[-12:]}` has {len(os.fsencode(base))} bytes. Expected a name "
                f"of at most {LONGEST_NAME}: choose a shorter one.",
            )


def _check_header(path: str, module: str | None, is_folder: bool, header: SourceHeader) -> None:
    if module == "pictures":
        pictures.check_whole(path, header)
    if module == "dicom" and not is_folder and isinstance(header.content, DicomSource):
        check_one_file(path, header.content)


def _check_parent(path: str, file: str) -> None:
    parent = os.path.dirname(os.path.abspath(file))
    if not os.path.isdir(parent):
        raise VolumeError(path, f"there is no folder `{parent}`. Make it first: `os.makedirs`.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise VolumeError(
            path, f"no permission to write to `{parent}`. Change it, or choose another folder."
        )


def _check_file(path: str, file: str, overwrite: bool) -> None:
    # Of a pair also a half that would stay: a header beside another scan's packed image.
    for name in [*files_to_write(file), *files_of(file)]:
        if os.path.lexists(name) and not overwrite:
            raise VolumeError(
                path,
                f"`{os.path.basename(name)}` exists already. Choose another name, or pass "
                "`overwrite=True` to replace the whole file.",
            )


def _check_folder(path: str, module: str | None, overwrite: bool) -> None:
    if os.path.lexists(path) and not os.path.isdir(path):
        raise VolumeError(path, "this is a file. Expected the name of a folder to make.")
    if not os.path.isdir(path) or not os.listdir(path):
        return
    # The whole folder is replaced, so it must not hold any other files.
    paths = [os.path.join(path, name) for name in sorted(os.listdir(path))]
    kinds = members.kinds_in(paths)
    ours = kinds.get(module, []) if module else kinds.get("dicom", []) + kinds.get("pictures", [])
    others = [os.path.basename(other) for other in paths if other not in set(ours)]
    if others:
        raise VolumeError(
            path,
            f"replacing this folder would remove {', '.join(others[:5])}"
            f"{', ...' if len(others) > 5 else ''}, which is no slice of a volume. Expected the "
            f"name of a file in it, such as `{os.path.join(path, 't2.nii.gz')}`, or of a new "
            "folder for the slices.",
        )
    if not overwrite:
        raise VolumeError(
            path,
            f"this folder holds {len(paths)} entries already. Choose another name, or pass "
            "`overwrite=True` to replace it with all that is in it.",
        )
    if "dicom" in kinds:
        check_replaceable(path)
