"""NumPy `.npy` and `.npz` files."""

import io
import math
import os
import zipfile
from typing import Any, BinaryIO

import numpy as np

from keras_mri_cyclegan.volumes import atomic, sidecar
from keras_mri_cyclegan.volumes.axial_slices import from_slices, to_dtype, to_slices
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.names import split_inner, suffix_of
from keras_mri_cyclegan.volumes.validate import claimed
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

# A sound header has about a hundred bytes; NumPy's own limit.
MAX_HEADER = 10_000
# An archive of more is no set of scans, and listing it would take its time.
MAX_MEMBERS = 10_000


def read(path: str, max_voxels: int, fill_nan: float | None) -> Volume:
    """Read an array `([slices,] rows, columns)` of a `.npy` or `.npz` file.

    Nothing is unpickled and nothing is unpacked to the disk. The checksums of `.npz` are
    compared; `.npy` has none.

    Args:
        path: The file; `scans.npz::t1` for one of several arrays in an archive.
        max_voxels: Maximum number of voxels.
        fill_nan: Replacement of NaN and infinite values. `None`: an error.

    Returns:
        The volume, with a header of the kind `"npy"` or `"npz"`.

    Raises:
        VolumeError: The file is not of this format, is damaged, or holds no volume.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import numpy_files
        >>> path = os.path.join(tempfile.mkdtemp(), "t1.npy")
        >>> np.save(path, np.arange(24, dtype="int16").reshape(2, 3, 4))
        >>> numpy_files.read(path, max_voxels=1000, fill_nan=None).shape
        (4, 3, 2)
    """
    file, inner = split_inner(path)
    if suffix_of(file) == ".npz":
        return _read_npz(path, file, inner, max_voxels, fill_nan)
    if inner is not None:
        raise VolumeError(path, f"a .npy file holds one array, without a name. Give `{file}`.")
    with open(file, "rb") as stream:
        stored = _read_array(stream, os.path.getsize(file), path, max_voxels, None)
    header = SourceHeader("npy", stored.dtype, stored.shape, has_geometry=False)
    return from_slices(stored, header, path, fill_nan)


def write(volume: Volume, path: str, provenance: dict[str, Any] | None) -> None:
    """Write a volume in the layout and type of its source, or as float32 if it has none.

    Args:
        volume: The volume.
        path: The file; `t2.npz::name` for the array's name in an archive. Defaults to the name
            that the source has, or `volume`.
        provenance: What the sidecar is to say. `None`: no sidecar.

    Raises:
        VolumeError: The file cannot be written, or values do not fit into the source's type.

    Warns:
        VolumeWarning: It is written as float32, as the source's whole numbers would round its
            values away (see `axial_slices.to_dtype`).

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import Volume, numpy_files
        >>> from keras_mri_cyclegan.volumes.axial_slices import AFFINE
        >>> path = os.path.join(tempfile.mkdtemp(), "t2.npy")
        >>> numpy_files.write(Volume(np.ones((4, 3, 2)), AFFINE), path, None)
        >>> np.load(path).shape
        (2, 3, 4)
    """
    file, inner = split_inner(path)
    suffix = suffix_of(file)
    if suffix not in (".npy", ".npz") or (suffix == ".npy" and inner is not None):
        raise VolumeError(path, "expected a name that ends in `.npy`, `.npz` or `.npz::name`.")
    header = volume.header
    dtype = np.dtype("float32")
    if header is not None and header.kind in ("npy", "npz"):
        dtype = header.dtype
        inner = inner or header.content
    span = None if header is None else header.span
    stored = to_dtype(to_slices(volume, path), dtype, path, span, or_float=True)
    with sidecar.beside(path, provenance), atomic.replacing(file) as temporary:
        if suffix == ".npy":
            with open(temporary, "wb") as stream:
                np.lib.format.write_array(stream, stored, allow_pickle=False)
            return
        # As `numpy.savez_compressed`, which cannot write an array that is named `file`.
        name = f"{inner or 'volume'}.npy"
        with (
            zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(name, "w", force_zip64=True) as stream,
        ):
            np.lib.format.write_array(stream, stored, allow_pickle=False)


def _read_npz(
    path: str, file: str, inner: str | None, max_voxels: int, fill_nan: float | None
) -> Volume:
    try:
        with zipfile.ZipFile(file) as archive:
            member = _member(archive, inner, path)
            if member.flag_bits & 1:
                raise VolumeError(path, "it is encrypted. Write it with `numpy.savez`.")
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise VolumeError(
                    path,
                    f"a compression of type {member.compress_type}. Expected none or deflate: "
                    "write it with `numpy.savez_compressed`.",
                )
            packed = min(member.compress_size, os.path.getsize(file))
            if member.compress_type == zipfile.ZIP_STORED and member.file_size != packed:
                raise VolumeError(
                    path,
                    f"{packed} bytes for an array of {member.file_size}. It is truncated or "
                    "damaged: copy it again, or write it again with `numpy.savez`.",
                )
            # `ZipFile` gives at most the size that the archive claims, and compares the checksum
            # when that is reached: a stream that inflates further is cut off and fails it.
            with archive.open(member) as stream:
                stored = _read_array(stream, member.file_size, path, max_voxels, packed)
            name = member.filename.removesuffix(".npy")
    except VolumeError:
        raise
    except Exception as error:  # `zipfile` raises nearly every type on a damaged archive
        raise VolumeError(
            path,
            f"it cannot be read as a NumPy archive ({type(error).__name__}: {error}). It is "
            "damaged, truncated, or something else under this name. Copy it again, or write it "
            "again with `numpy.savez`.",
        ) from error
    header = SourceHeader("npz", stored.dtype, stored.shape, has_geometry=False, content=name)
    return from_slices(stored, header, path, fill_nan)


def _member(archive: zipfile.ZipFile, inner: str | None, path: str) -> zipfile.ZipInfo:
    members = archive.infolist()
    if len(members) > MAX_MEMBERS:
        raise VolumeError(
            path, f"{len(members)} arrays. Expected at most {MAX_MEMBERS}: split the archive."
        )
    names = [member.filename.removesuffix(".npy") for member in members]
    listed = ", ".join(repr(name) for name in names[:20]) + (", ..." if len(names) > 20 else "")
    file = archive.filename
    if inner is None and len(names) != 1:
        raise VolumeError(
            path,
            f"it holds {len(names)} arrays: {listed or 'none'}. Expected one, or its name: "
            f"`{file}::{names[0] if names else 'name'}`.",
        )
    wanted = names[0] if inner is None else inner.removesuffix(".npy")
    if names.count(wanted) != 1:
        raise VolumeError(
            path,
            f"it holds {names.count(wanted)} arrays named {wanted!r}. Expected one of: "
            f"{listed or 'none, it is empty'}.",
        )
    return members[names.index(wanted)]


def _read_array(
    stream: Any, size: int, path: str, max_voxels: int, packed: int | None
) -> np.ndarray:
    """Read an array after comparing its header with the file's `size` in bytes."""
    shape, fortran, dtype, start = _read_header(stream, path)
    if dtype.kind not in "biuf":
        what = "Python objects, which are never unpickled" if dtype.hasobject else f"type {dtype}"
        raise VolumeError(
            path,
            f"an array of {what}. Expected real numbers: `np.abs(x)` if they are complex, "
            "`np.stack(list(x))` if they are a list of slices.",
        )
    claimed(shape, path, max_voxels, packed)
    expected = math.prod(shape) * dtype.itemsize
    if size - start != expected:
        raise VolumeError(
            path,
            f"{size - start} bytes of voxels. Expected {expected} for {shape} of {dtype}. It is "
            "truncated or damaged: copy it again, or write it again with `numpy.save`.",
        )
    stored = np.empty(math.prod(shape), dtype)
    buffer = stored.view("uint8").data
    while buffer:
        # In pieces: `zipfile` makes a copy of as much as it is asked for.
        count = stream.readinto(buffer[: 2**22])
        if not count:
            raise VolumeError(path, f"{len(buffer)} bytes are missing at its end. Copy it again.")
        buffer = buffer[count:]
    return stored.reshape(shape, order="F" if fortran else "C")


def _read_header(stream: BinaryIO, path: str) -> tuple[tuple[int, ...], bool, np.dtype, int]:
    """Read the header from a copy of bounded size, and return where the data starts."""
    # Magic, version, the header's length in two or four bytes, the header.
    head = stream.read(8)
    version = tuple(head[6:8])
    lengths: dict[tuple[int, ...], int] = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
    length_bytes = stream.read(lengths.get(version, 0))
    length = int.from_bytes(length_bytes, "little")
    if head[:6] != b"\x93NUMPY" or version not in lengths or length > MAX_HEADER:
        raise VolumeError(
            path,
            f"it starts with {head!r} and a header of {length} bytes. Expected an array as "
            "`numpy.save` writes it: it is damaged, or something else under this name.",
        )
    text = stream.read(length)
    copy = io.BytesIO(length_bytes + text)
    try:
        if version == (1, 0):
            shape, fortran, dtype = np.lib.format.read_array_header_1_0(copy, MAX_HEADER)
        else:  # version 3 differs only in field names, which are refused
            shape, fortran, dtype = np.lib.format.read_array_header_2_0(copy, MAX_HEADER)
    except Exception as error:  # a damaged literal raises nearly every type
        raise VolumeError(
            path,
            f"a header that cannot be read ({type(error).__name__}: {error}). Expected an array "
            "as `numpy.save` writes it: it is damaged, write it again.",
        ) from error
    return shape, fortran, dtype, len(head) + len(length_bytes) + len(text)
