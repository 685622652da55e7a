"""Validated reading of NIfTI files.

nibabel's header classes say what a field means. The bytes are read here, because nibabel stops at
the last voxel (so that a compressed file's checksum is never seen) and allocates what a header
claims before it knows that the file holds it.
"""

import contextlib
import gzip
import math
import os
import warnings
from typing import IO

import numpy as np

from keras_mri_cyclegan.volumes import nifti_header, validate
from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning
from keras_mri_cyclegan.volumes.synthetic import DESCRIPTION
from keras_mri_cyclegan.volumes.unpacked import opened, read_exactly
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

CHUNK = 2**20  # voxels at a time: a few MiB in float64
MAX_TRAILING = 2**16  # bytes after the voxels: the padding of some tapes and writers
MAX_INFLATION = 1032  # maximum ratio of deflate: zlib's technical details


def read(
    path: str, header_path: str, image_path: str, max_voxels: int, fill_nan: float | None
) -> Volume:
    """Read a volume from a file (`header_path == image_path`) or a pair; see `nifti.read`."""
    fill_nan = validate.checked_fill(fill_nan)
    single = header_path == image_path
    notes: list[str] = []
    with opened(path, header_path) as file:
        header = nifti_header.read_header(path, file.read(348), file, single, notes)
        shape = nifti_header.shape_of(path, header, max_voxels)
        dtype = header.get_data_dtype()
        slope, inter = nifti_header.scaling_of(path, header)
        affine = nifti_header.affine_of(path, header, notes)
        offset = nifti_header.offset_of(path, header, single)
        size = offset + math.prod(shape) * dtype.itemsize
        extensions = nifti_header.read_extensions(
            path, file, header, offset if single else None, notes
        )
        with contextlib.ExitStack() as stack:
            if not single:
                file = stack.enter_context(opened(path, image_path))
                read_exactly(path, file, offset, "before the voxels")
            check_size(path, image_path, file, size, shape, max_voxels)
            array = read_voxels(path, file, shape, dtype, slope, inter, fill_nan, notes)
            trailing = len(file.read(MAX_TRAILING + 1))  # to the end: the checksum is there
    if trailing > MAX_TRAILING:
        raise VolumeError(
            path,
            f"more data than the {size} bytes that its header claims (shape {shape}, {dtype}). "
            "Expected them to agree: the header is damaged; get the file again.",
        )
    if trailing:
        notes.append(f"{trailing} bytes after the voxels are ignored.")
    source = SourceHeader(
        "nifti",
        dtype.newbyteorder("="),
        shape,
        True,
        nifti_header.Content(header, extensions),
        synthetic=bytes(header["descrip"].item()).startswith(DESCRIPTION.encode()),
    )
    volume = Volume(array, affine, source, path)
    for note in notes:
        warnings.warn(f"`{path}`: {note}", VolumeWarning, stacklevel=3)
    return volume


def check_size(
    path: str, name: str, file: IO[bytes], claimed: int, shape: tuple[int, ...], max_voxels: int
) -> None:
    """Raise a `VolumeError` if a file is too short for the bytes that its header claims."""
    size = possible = os.path.getsize(name)
    if isinstance(file, gzip.GzipFile):
        possible = size * MAX_INFLATION
        validate.claimed(shape, path, max_voxels, size)
    if claimed > possible:
        raise VolumeError(
            path,
            f"truncated: a file of {size} bytes, and its header claims {claimed} (unpacked). "
            "Expected a whole file: get it again.",
        )


def read_voxels(
    path: str,
    file: IO[bytes],
    shape: tuple[int, ...],
    dtype: np.dtype,
    slope: float,
    inter: float,
    fill_nan: float | None,
    notes: list[str],
) -> np.ndarray:
    """Read the voxels of an open file and return them, scaled, as float32 `(i, j, k)`."""
    array = np.empty((*shape, 1)[:3], "float32")
    in_file = array.T  # NIfTI's first axis is the fastest
    in_slice = array[..., 0].size
    slab = max(1, CHUNK // in_slice)
    first = np.float32(0)
    equal = exact = True
    for start in range(0, len(in_file), slab):
        part = in_file[start : start + slab]
        where = f"from voxel {start * in_slice} of {array.size}"
        raw = np.frombuffer(read_exactly(path, file, part.size * dtype.itemsize, where), dtype)
        values = _scaled(path, raw, slope, inter, fill_nan)
        exact = exact and _is_exact(raw, slope, inter)
        first = first if start else values[0]
        if equal and (values == first).all():
            continue  # nothing touched yet: a file of nothing but zeros takes no memory
        if equal:
            in_file[:start] = first
            equal = False
        part[:] = values.reshape(part.shape)
    if equal:
        raise VolumeError(
            path,
            f"the same value, {float(first):g}, in all {array.size} voxels. Expected an image: "
            "the file is empty, or its voxels are lost.",
        )
    if not exact:
        notes.append(f"it holds {dtype.name} values over 2**24 that float32 had to round.")
    return array


def _scaled(
    path: str, raw: np.ndarray, slope: float, inter: float, fill_nan: float | None
) -> np.ndarray:
    with np.errstate(all="ignore"):  # infinite results raise an error later
        if (slope, inter) == (1.0, 0.0) and raw.dtype.kind != "f":
            return raw.astype("float32")
        values = raw.astype(np.result_type(raw.dtype.newbyteorder("="), np.float64))
        values *= slope
        values += inter
        if fill_nan is not None:
            values[~np.isfinite(values)] = fill_nan
        return validate.as_float32(values, path)


def _is_exact(raw: np.ndarray, slope: float, inter: float) -> bool:
    """Return whether float32 represents these integers exactly (up to 24 significant bits)."""
    if raw.dtype.kind == "f" or raw.dtype.itemsize < 4 or (slope, inter) != (1.0, 0.0):
        return True
    size = np.abs(raw.astype(raw.dtype.newbyteorder("="))).astype("uint64")
    if size.max() <= 2**24:
        return True
    lowest_bit = np.maximum(size & (~size + np.uint64(1)), np.uint64(1))
    return bool((size // lowest_bit < 2**24).all())
