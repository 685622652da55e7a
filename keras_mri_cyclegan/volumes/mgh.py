"""FreeSurfer files, read-only: `.mgz` (compressed) and `.mgh` (uncompressed)."""

import math
import warnings

import numpy as np

from keras_mri_cyclegan.volumes import validate
from keras_mri_cyclegan.volumes.errors import VolumeError, VolumeWarning
from keras_mri_cyclegan.volumes.names import split_inner
from keras_mri_cyclegan.volumes.nifti_reading import check_size, read_voxels
from keras_mri_cyclegan.volumes.unpacked import opened, read_exactly
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume

HEADER = 284  # bytes before the voxels
MAX_FOOTER = 2**24  # bytes after them: times, and the commands that made the file


def read(path: str, max_voxels: int = 2**28, fill_nan: float | None = None) -> Volume:
    """Read a FreeSurfer file to its last byte.

    Args:
        path: The file, compressed or not (its content tells).
        max_voxels: The largest number of voxels. Defaults to `2**28`: 1 GiB as float32.
        fill_nan: Replacement of NaN and infinite values. Defaults to `None`: an error.

    Returns:
        The volume, with nibabel's affine.

    Raises:
        VolumeError: Not such a file, truncated, damaged, a series, or claiming too many voxels.

    Warns:
        VolumeWarning: It does not say where its voxels are, and FreeSurfer's default is taken; or
            integers that float32 cannot hold.

    Example:
        >>> import os, tempfile
        >>> import nibabel, numpy as np
        >>> from keras_mri_cyclegan.volumes import mgh
        >>> path = os.path.join(tempfile.mkdtemp(), "orig.mgz")
        >>> data = np.arange(24, dtype="int16").reshape(2, 3, 4)
        >>> nibabel.MGHImage(data, np.diag([-1.0, 1.0, 3.0, 1.0])).to_filename(path)
        >>> volume = mgh.read(path)
        >>> volume.shape, volume.spacing, volume.orientation
        ((2, 3, 4), (1.0, 1.0, 3.0), 'LAS')
    """
    from nibabel.freesurfer.mghformat import MGHHeader
    from nibabel.spatialimages import HeaderDataError

    fill_nan = validate.checked_fill(fill_nan)
    name, inner = split_inner(path)
    if inner is not None:
        raise VolumeError(path, f"FreeSurfer's files have no names inside them. Give `{name}`.")
    notes: list[str] = []
    with opened(path, name) as file:
        block = read_exactly(path, file, HEADER, "of the header")
        try:
            header = MGHHeader(block)
            dtype = header.get_data_dtype()
        except (HeaderDataError, KeyError) as error:
            raise VolumeError(
                path, f"no header of FreeSurfer's ({error}). Expected a `.mgz` or `.mgh` file."
            ) from error
        shape = tuple(int(size) for size in header["dims"])
        if shape[3] > 1:
            raise VolumeError(
                path,
                f"{shape[3]} frames. Expected one volume. Take one out: `mri_convert --frame 0`, "
                "or `nibabel.load(path).dataobj[..., 0]`.",
            )
        shape = (*validate.claimed(shape, path, max_voxels), 1)[:3]
        if not int.from_bytes(block[28:30], "big"):  # goodRASFlag, before nibabel mends it
            notes.append(
                "it does not say where its voxels are. Assumed, as FreeSurfer does: coronal "
                "slices, 1 mm."
            )
        affine = header.get_affine()
        with np.errstate(all="ignore"):
            Volume(np.zeros((1, 1, 1)), affine, None, path)  # checks the affine first
        size = HEADER + math.prod(shape) * dtype.itemsize
        check_size(path, name, file, size, shape, max_voxels)
        array = read_voxels(path, file, shape, dtype, 1.0, 0.0, fill_nan, notes)
        if len(file.read(MAX_FOOTER + 1)) > MAX_FOOTER:  # to the end: the checksum is there
            raise VolumeError(
                path,
                f"more data than the {size} bytes that its header claims (shape {shape}, {dtype}). "
                "Expected them to agree: the header is damaged; get the file again.",
            )
    source = SourceHeader("mgh", dtype.newbyteorder("="), shape, has_geometry=True)
    volume = Volume(array, affine, source, path)
    for note in notes:
        warnings.warn(f"`{path}`: {note}", VolumeWarning, stacklevel=2)
    return volume
