"""Reading and writing of volumes in every supported format."""

import os
from collections.abc import Iterable, Iterator
from typing import Any

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.volumes import formats
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.finding import find_volumes
from keras_mri_cyclegan.volumes.synthetic import marked
from keras_mri_cyclegan.volumes.targets import check_place, check_target
from keras_mri_cyclegan.volumes.validate import reading_options
from keras_mri_cyclegan.volumes.volume import Volume

__all__ = ["check_target", "find_volumes", "read_volume", "read_volumes", "write_volume"]

MAX_VOXELS = 2**28


def read_volume(
    path: str | os.PathLike,
    max_voxels: int = MAX_VOXELS,
    fill_nan: float | None = None,
    slice_tolerance: float | None = None,
) -> Volume:
    """Read a scan.

    HDF5, NumPy, PNG and TIFF files have no geometry: their arrays `([slices,] rows, columns)` are
    interpreted as axial slices from feet to head, with row 0 at the front, column 0 at the
    patient's right and a spacing of 1 mm.

    Args:
        path: The scan:

            - `t1.nii`, `t1.nii.gz`, or either file of a `t1.hdr`, `t1.img` pair, packed (`.gz`)
              or not: NIfTI-1 or -2;
            - `orig.mgz`, `.mgh` (FreeSurfer), `.mnc` (MINC);
            - a folder that holds a DICOM series, `folder::SeriesInstanceUID` if it holds several,
              or one DICOM file, by its suffix (`.dcm`, `.ima`) or by its content;
            - `knee.h5::reconstruction_rss`, a dataset of an HDF5 file, such as fastMRI's; the
              name may be omitted if only one dataset has three axes;
            - `t1.npy`, or `scans.npz::t1`, an array of an archive;
            - an 8- or 16-bit grey PNG or TIFF file as one slice, or a folder of them in natural
              order.
        max_voxels: Maximum number of voxels; a file that claims more is refused before any
            memory is allocated. Defaults to `2**28`, 1 GiB as float32.
        fill_nan: Replacement of NaN and infinite values. Defaults to `None`: an error.
        slice_tolerance: Maximum deviation in millimetres of the slices of a DICOM series from even
            spacing and from a straight line, for rounded positions or jitter. A deviation above the
            default raises a warning. At most a quarter of a step. Defaults to `None`: 0.01 mm
            or a hundredth of a step, whichever is larger.

    Returns:
        The volume; float32, never cropped or rescaled.

    Raises:
        VolumeError: The file does not exist, cannot be read, is damaged, or holds no volume.
        ValueError: An argument is out of range.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import read_volume
        >>> path = os.path.join(tempfile.mkdtemp(), "t1.npy")
        >>> np.save(path, np.arange(24, dtype="int16").reshape(2, 3, 4))
        >>> volume = read_volume(path)
        >>> volume.shape, volume.spacing, volume.orientation
        ((4, 3, 2), (1.0, 1.0, 1.0), 'LPS')
    """
    path = _checked_path(path)
    max_voxels = _checks.positive_int("max_voxels", max_voxels)
    reading_options(fill_nan, slice_tolerance)
    try:
        module = formats.of_source(path)
        options = {"slice_tolerance": slice_tolerance} if module == "dicom" else {}
        volume = formats.load(module).read(path, max_voxels, fill_nan, **options)
        return marked(volume, path)
    except OSError as error:
        raise VolumeError(
            path,
            f"it cannot be read ({error.strerror or error}). Expected a file that may be read: "
            "look at its permissions and at the disk.",
        ) from error
    except MemoryError as error:
        raise VolumeError(
            path,
            "there is not enough memory for its voxels. Expected at most as many as fit: give a "
            "smaller `max_voxels`, or crop the file.",
        ) from error


def read_volumes(
    paths: Iterable[str | os.PathLike],
    max_voxels: int = MAX_VOXELS,
    fill_nan: float | None = None,
    slice_tolerance: float | None = None,
) -> Iterator[Volume]:
    """Read scans lazily, one after the other.

    Args:
        paths: The scans, as for `read_volume`; `find_volumes` lists those of a folder.
        max_voxels: As for `read_volume`.
        fill_nan: As for `read_volume`.
        slice_tolerance: As for `read_volume`.

    Yields:
        The volumes, in the order of `paths`.

    Raises:
        VolumeError: As `read_volume`, when it comes to that file.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import find_volumes, read_volumes
        >>> folder = tempfile.mkdtemp()
        >>> for k in (10, 2):
        ...     np.save(os.path.join(folder, f"t1_{k}.npy"), np.arange(24.0).reshape(2, 3, 4) * k)
        >>> [float(volume.array.max()) for volume in read_volumes(find_volumes(folder))]
        [46.0, 230.0]
    """
    for path in paths:
        yield read_volume(path, max_voxels, fill_nan, slice_tolerance)


def write_volume(
    volume: Volume,
    path: str | os.PathLike,
    provenance: dict[str, Any] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a scan atomically: the whole file or none.

    Everything that the source's format can keep is kept: the type of a voxel, the layout, where the
    voxels are, names. Between formats the values are float32; a format without geometry raises a
    warning about what is lost. Values are rounded to the dtype of the file, but never clipped. If
    rounding to integers would be too coarse (values from 0 to 1, for example), NIfTI and DICOM
    store a slope, HDF5 and NumPy files store float32, and PNG and TIFF raise an error.

    Args:
        volume: The volume.
        path: `.nii`, `.nii.gz`, `.hdr` or `.img` (both are written), `.npy`, `.npz`, `.h5::name`;
            for a volume read from pictures `.png` or `.tif` (one slice) or a name without a suffix,
            a folder for the slices; for one read from DICOM such a folder, or `.dcm`.
        provenance: How the volume was generated; recorded in the file as far as its format allows,
            and in a JSON sidecar. Defaults to `None`: an ordinary copy.
        overwrite: Whether to replace existing files: a file as a whole (with its other datasets),
            a folder with all its slices. A folder of DICOM is replaced only if every file is
            marked as synthetic (a copy without `provenance` is not), a JSON file at the path of
            the sidecar only if this package wrote it. Defaults to `False`.

    Raises:
        VolumeError: The path exists; its format cannot be written, or not for such a volume; the
            dtype cannot hold the values; there is no permission, or the disk is full.
        ValueError: An argument has the wrong type.

    Warns:
        VolumeWarning: The format cannot store the geometry, or the values are written as float32
            because the source's integer dtype would round them too coarsely (`.npy`, `.npz`,
            `.h5`).

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import Volume, read_volume, write_volume
        >>> path = os.path.join(tempfile.mkdtemp(), "t1.nii.gz")
        >>> affine = np.diag([-0.5, 0.5, 2.0, 1.0])
        >>> write_volume(Volume(np.arange(24.0).reshape(4, 3, 2), affine), path)
        >>> read_volume(path).spacing
        (0.5, 0.5, 2.0)
    """
    if not isinstance(volume, Volume):
        raise ValueError(f"`volume` must be a Volume. Received: {type(volume).__name__}.")
    path = _checked_path(path)
    _checks.one_of("overwrite", overwrite, (True, False))
    module = check_place(path, overwrite, volume.header, with_sidecar=provenance is not None)
    if module is None:
        raise VolumeError(
            path,
            "a name without a suffix is a folder of DICOM files or pictures, and this volume was "
            "made in memory. Expected the name of a file, such as `t2.nii.gz`.",
        )
    writer = formats.load(module)
    if module in ("dicom", "pictures"):  # only these two formats may replace a folder
        writer.write(volume, path, provenance, overwrite=overwrite)
    else:
        writer.write(volume, path, provenance)


def _checked_path(path: Any) -> str:
    if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
        raise ValueError(f"`path` must be the path of a file or folder. Received: {path!r}.")
    name = os.fspath(path)
    if isinstance(name, bytes) or "\0" in name:
        raise ValueError(f"`path` must be text without a zero byte. Received: {path!r}.")
    return name
