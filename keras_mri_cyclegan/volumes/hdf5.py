"""Volumes in HDF5 files, such as fastMRI's: `file.h5::dataset`."""

import io
import os
from typing import Any

import h5py
import numpy as np

from keras_mri_cyclegan.volumes import atomic, sidecar
from keras_mri_cyclegan.volumes.axial_slices import from_slices, to_dtype, to_slices
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.hdf5_checks import check_storage, find, only_volume
from keras_mri_cyclegan.volumes.names import split_inner
from keras_mri_cyclegan.volumes.synthetic import provenance_says_so
from keras_mri_cyclegan.volumes.validate import as_float32, claimed
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

# About how many voxels are read at a time, before they become float32: 32 MiB of float64.
SLAB_VOXELS = 2**22


def read(path: str, max_voxels: int, fill_nan: float | None) -> Volume:
    """Read a dataset `([slices,] rows, columns)` of an HDF5 file.

    Only what lies in the file itself is read: links to other files, datasets that are stored in
    other files, and filters that are not part of HDF5 are errors.

    Args:
        path: `file.h5::group/dataset`, as `knee.h5::reconstruction_rss` in fastMRI; only the
            file's name if it has exactly one dataset of real numbers with three axes.
        max_voxels: Maximum number of voxels.
        fill_nan: Replacement of NaN and infinite values. `None`: an error.

    Returns:
        The volume, with a header of the kind `"hdf5"`, whose content is the dataset's name.

    Raises:
        VolumeError: The file is not of this format, damaged, or open for writing elsewhere; there
            is no such dataset, it holds no volume, or it is of an unsupported kind.

    Example:
        >>> import os, tempfile
        >>> import h5py
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import hdf5
        >>> path = os.path.join(tempfile.mkdtemp(), "knee.h5")
        >>> with h5py.File(path, "w") as file:
        ...     file["reconstruction_rss"] = np.arange(24.0).reshape(2, 3, 4)
        >>> hdf5.read(f"{path}::reconstruction_rss", max_voxels=1000, fill_nan=None).shape
        (4, 3, 2)
    """
    name, inner = split_inner(path)
    try:
        with h5py.File(name, "r") as file:
            dataset = only_volume(file, path) if inner is None else find(file, inner, path)
            shape = claimed(dataset.shape, path, max_voxels, os.path.getsize(name))
            check_storage(dataset, path, os.path.getsize(name))
            header = SourceHeader(
                "hdf5",
                dataset.dtype,
                dataset.shape,
                has_geometry=False,
                content=dataset.name,
                synthetic=provenance_says_so(dataset.attrs.get("provenance")),
            )
            stored = _read_voxels(dataset, shape, path)
    except VolumeError:
        raise
    except Exception as error:  # h5py raises nearly every type on a damaged file
        raise VolumeError(
            path,
            f"it cannot be read as an HDF5 file ({type(error).__name__}: {error}). It is damaged, "
            "truncated, open for writing elsewhere, or something else under this name. Close it, "
            "or copy it again.",
        ) from error
    return from_slices(stored, header, path, fill_nan)


def write(volume: Volume, path: str, provenance: dict[str, Any] | None) -> None:
    """Write an HDF5 file with one dataset, in the layout and dtype of its source.

    Args:
        volume: The volume; float32 if it was not read from HDF5.
        path: `file.h5::group/dataset`; the dataset's name defaults to the source's, or `volume`.
        provenance: What the sidecar and the dataset's attribute `provenance` (JSON) are to say.
            `None`: neither.

    Raises:
        VolumeError: The file cannot be written, or values do not fit into the source's type.

    Warns:
        VolumeWarning: It is written as float32, as the source's whole numbers would round its
            values away (see `axial_slices.to_dtype`).

    Example:
        >>> import os, tempfile
        >>> import h5py
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import Volume, hdf5
        >>> from keras_mri_cyclegan.volumes.axial_slices import AFFINE
        >>> path = os.path.join(tempfile.mkdtemp(), "t2.h5")
        >>> hdf5.write(Volume(np.ones((4, 3, 2)), AFFINE), f"{path}::t2", None)
        >>> with h5py.File(path) as file:
        ...     file["t2"].shape
        (2, 3, 4)
    """
    file, inner = split_inner(path)
    header, dtype = volume.header, np.dtype("float32")
    if header is not None and header.kind == "hdf5":
        dtype = header.dtype
        inner = header.content if inner is None else inner
    inner = "volume" if inner is None else inner
    if not all(part not in ("", ".", "..") for part in inner.removeprefix("/").split("/")):
        raise VolumeError(path, f"a dataset named {inner!r}. Expected `file.h5::group/dataset`.")
    span = None if header is None else header.span
    stored = to_dtype(to_slices(volume, path), dtype, path, span, or_float=True)
    # In memory first: on a full disk h5py cannot close its file.
    image = io.BytesIO()
    with h5py.File(image, "w") as new:
        dataset = new.create_dataset(inner, data=stored)
        if provenance is not None:
            dataset.attrs["provenance"] = sidecar.to_json(provenance)
    with (
        sidecar.beside(path, provenance),
        atomic.replacing(file) as temporary,
        open(temporary, "wb") as stream,
    ):
        stream.write(image.getbuffer())


def _read_voxels(dataset: Any, shape: tuple[int, ...], path: str) -> np.ndarray:
    """Read the dataset as float32, a few slices at a time, each chunk once."""
    stored = np.empty(shape, "float32")
    rest = (slice(None),) * len(shape) + (0,) * (dataset.ndim - len(shape))
    deep = dataset.chunks[0] if dataset.chunks else 1
    step = deep * max(1, SLAB_VOXELS * shape[0] // (stored.size * deep))
    for start in range(0, shape[0], step):
        slab = dataset[(slice(start, start + step), *rest[1:])]
        stored[start : start + step] = as_float32(slab, path) if slab.dtype.kind == "f" else slab
    return stored
