"""Grey PNG and TIFF files: a file is one slice, a folder is a volume."""

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes import atomic, members, sidecar
from keras_mri_cyclegan.volumes.axial_slices import from_slices, to_dtype, to_slices
from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning
from keras_mri_cyclegan.volumes.grey_file import MAX_PIXELS, SUFFIXES, read_grey
from keras_mri_cyclegan.volumes.names import missing_among, split_inner, suffix_of
from keras_mri_cyclegan.volumes.validate import claimed
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

SHOWN = 5  # numbers of missing slices that are named


def read(path: str, max_voxels: int, fill_nan: float | None) -> Volume:
    """Read one slice, or a folder of slices as a stack from feet to head.

    Args:
        path: An 8- or 16-bit grey PNG or TIFF file, or a folder of files of one of the two, all of
            the same size and depth, in natural order: "Image #2" before "Image #10".
        max_voxels: Maximum number of voxels.
        fill_nan: Has no effect: integers are never NaN.

    Returns:
        The volume, with a header of the kind `"png"` or `"tiff"`, whose content is the tuple of
        the slices' file names.

    Warns:
        VolumeWarning: A number is missing in the names of a folder's slices.

    Raises:
        VolumeError: A file that is damaged or of another kind, slices that do not fit together.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> from keras_mri_cyclegan.volumes import pictures
        >>> folder = tempfile.mkdtemp()
        >>> for k in range(2):
        ...     slice_ = np.arange(12, dtype="uint8").reshape(3, 4) + k
        ...     Image.fromarray(slice_).save(os.path.join(folder, f"{k}.png"))
        >>> pictures.read(folder, max_voxels=1000, fill_nan=None).shape
        (4, 3, 2)
    """
    name, inner = split_inner(path)
    if inner is not None:
        raise VolumeError(path, f"pictures have no names inside them. Give `{name}`.")
    folder = os.path.isdir(path)
    files = _slices(path) if folder else [Path(path)]
    first = _read_slice(files[0], max_voxels)
    shape = (len(files), *first.shape)
    claimed(shape, path, max_voxels, sum(file.stat().st_size for file in files))
    stored = np.empty(shape, first.dtype)
    stored[0] = first
    for k, file in enumerate(files[1:], 1):
        slice_ = _read_slice(file, max_voxels)
        if slice_.shape != first.shape or slice_.dtype != first.dtype:
            raise VolumeError(
                path,
                f"`{file.name}` is {slice_.shape} (rows, columns) of {slice_.dtype}, and "
                f"`{files[0].name}` {first.shape} of {first.dtype}. Expected slices of one scan, "
                "all of the same size and depth: move the others to a folder of their own.",
            )
        stored[k] = slice_
    header = SourceHeader(
        "png" if files[0].suffix.lower() == ".png" else "tiff",
        stored.dtype,
        stored.shape if folder else first.shape,
        has_geometry=False,
        content=tuple(file.name for file in files),
    )
    return from_slices(stored, header, path, fill_nan)


def write(
    volume: Volume, path: str, provenance: dict[str, Any] | None, overwrite: bool = False
) -> None:
    """Write a volume that was read from image files as image files of the same bit depth.

    Args:
        volume: The volume; values are rounded to integers.
        path: A `.png` or `.tif` file for a single slice, or a folder. In a folder the files have
            the names of the source's.
        provenance: What the sidecar is to say. `None`: no sidecar.
        overwrite: Whether a folder may be replaced with all that is in it. Defaults to `False`.

    Raises:
        VolumeError: The volume comes from another kind of file, or is of floating point numbers;
            more than one slice for one file; values that the depth cannot hold, or would round
            away (see `axial_slices.to_dtype`); the files cannot be written.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from PIL import Image
        >>> from keras_mri_cyclegan.volumes import pictures
        >>> folder = tempfile.mkdtemp()
        >>> source, target = os.path.join(folder, "a.png"), os.path.join(folder, "b.png")
        >>> Image.fromarray(np.arange(12, dtype="uint8").reshape(3, 4)).save(source)
        >>> pictures.write(pictures.read(source, 1000, None), target, None)
        >>> np.asarray(Image.open(target)).tolist()
        [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    """
    header = volume.header
    if header is None or header.kind not in ("png", "tiff"):
        raise VolumeError(
            path,
            "pictures hold whole numbers of 8 or 16 bits, and this volume, "
            f"{'made in memory' if header is None else f'read as {header.kind}'}, does not say of "
            "which. Expected one read from PNG or TIFF: write it as `.nii.gz`, `.npy` or `.h5`.",
        )
    check_whole(path, header)
    stored = to_dtype(to_slices(volume, path), header.dtype, path, header.span)
    slices = stored[None] if stored.ndim == 2 else stored
    if suffix_of(path) in SUFFIXES:
        if len(slices) != 1:
            raise VolumeError(
                path,
                f"this volume has {len(slices)} slices, and a picture holds one. Expected the path "
                "of a folder to make: a name without a suffix.",
            )
        with sidecar.beside(path, provenance), atomic.replacing(path) as temporary:
            _write_slice(temporary, slices[0])
        return
    with (
        sidecar.beside(path, provenance),
        atomic.replacing_folder(path, overwrite=overwrite) as temporary,
    ):
        for name, slice_ in zip(_names(header, len(slices)), slices, strict=True):
            _write_slice(os.path.join(temporary, name), slice_)


def check_whole(path: str, header: SourceHeader) -> None:
    """Raise a `VolumeError` unless a header's dtype is an integer type."""
    if header.dtype.kind not in "iub":
        raise VolumeError(
            path,
            f"pictures hold whole numbers of 8 or 16 bits, and this volume is of {header.dtype}: "
            "in [-1, 1], say, all would be rounded to -1, 0 and 1. Expected another format: write "
            "`.nii.gz` or `.npy`, or keep the source's intensities (`intensities='source'` in a "
            "translation).",
        )


def _slices(folder: str) -> list[Path]:
    found = members.kinds_in(members.listing(folder))
    members.check_members(folder, found)
    files = [Path(path) for path in found.get("pictures", [])]
    if not files:
        raise VolumeError(folder, f"it holds no picture. Expected {', '.join(SUFFIXES)}.")
    kinds = {"PNG" if file.suffix.lower() == ".png" else "TIFF" for file in files}
    if len(kinds) > 1:
        raise VolumeError(
            folder,
            "it holds PNG and TIFF files. Expected the slices of one scan, of one kind: move the "
            "others to a folder of their own.",
        )
    if missing := missing_among([file.stem for file in files]):
        listed = ", ".join(map(str, missing[:SHOWN])) + ", ..." * (len(missing) > SHOWN)
        warnings.warn(
            f"`{folder}`: its {len(files)} pictures are numbered from `{files[0].name}` to "
            f"`{files[-1].name}`, and {len(missing)} are missing: number {listed}. The others are "
            "taken as neighbours, 1 mm apart. If they belong to the scan, get them again.",
            VolumeWarning,
            stacklevel=2,
        )
    return files  # in natural order


def _read_slice(file: Path, max_voxels: int) -> np.ndarray:
    try:
        return read_grey(file, min(max_voxels, MAX_PIXELS))
    except ValueError as error:  # it names the file
        raise VolumeError(None, str(error)) from error


def _write_slice(path: str, slice_: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(slice_).save(path)


def _names(header: SourceHeader, count: int) -> list[str]:
    if header.content is not None and len(header.content) == count:
        return list(header.content)
    suffix = ".png" if header.kind == "png" else ".tif"
    return [f"{k + 1:0{len(str(count))}d}{suffix}" for k in range(count)]
