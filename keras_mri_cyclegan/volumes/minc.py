"""MINC-1 and MINC-2 files (`.mnc`), read-only, by nibabel."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np

from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.hdf5_checks import check_storage
from keras_mri_cyclegan.volumes.names import split_inner
from keras_mri_cyclegan.volumes.validate import claimed, finished
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume


def read(path: str, max_voxels: int = 2**28, fill_nan: float | None = None) -> Volume:
    """Read a MINC file with nibabel's values and affine.

    Args:
        path: The file; MINC-1 (netCDF) or MINC-2 (HDF5), as its content tells.
        max_voxels: The largest number of voxels. Defaults to `2**28`: 1 GiB as float32.
        fill_nan: Replacement of NaN and infinite values. Defaults to `None`: an error.

    Returns:
        The volume; its axes are in the file's order, often (z, y, x).

    Raises:
        VolumeError: Not such a file, damaged, a series, or claiming too many voxels.

    Example:
        >>> import os
        >>> import nibabel
        >>> from keras_mri_cyclegan.volumes import minc
        >>> folder = os.path.join(os.path.dirname(nibabel.__file__), "tests", "data")
        >>> volume = minc.read(os.path.join(folder, "small.mnc"))
        >>> volume.shape, volume.orientation
        ((18, 28, 29), 'SAR')
    """
    name, inner = split_inner(path)
    if inner is not None:
        raise VolumeError(path, f"MINC files have no names inside them. Give `{name}`.")
    size = os.path.getsize(name)
    try:
        with _opened(path, name, size) as image:
            shape = (*claimed(image.shape, path, max_voxels, size), 1)[:3]
            dtype = image.get_data_dtype()
            affine = np.array(image.affine)
            array = np.asarray(image.dataobj).reshape(shape)
    except VolumeError:
        raise
    except Exception as error:  # nibabel and h5py raise nearly every type on a damaged file
        raise VolumeError(
            path,
            f"it cannot be read as a MINC file ({type(error).__name__}: {error}). It is damaged, "
            "truncated, or something else under this name: get it again, or convert it with "
            "`mnc2nii`.",
        ) from error
    header = SourceHeader("minc", dtype.newbyteorder("="), shape, has_geometry=True)
    return finished(array, affine, header, path, fill_nan)


@contextlib.contextmanager
def _opened(path: str, name: str, size: int) -> Iterator[Any]:
    from nibabel.minc1 import Minc1Image
    from nibabel.minc2 import Minc2Image

    if not h5py.is_hdf5(name):
        yield Minc1Image.from_filename(name)
        return
    with h5py.File(name, "r") as file:
        check_storage(file["minc-2.0/image/0/image"], path, size)
    yield Minc2Image.from_filename(name)
