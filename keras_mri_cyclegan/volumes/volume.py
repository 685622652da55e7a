"""A scan in memory: voxels, grid (shape and affine) and source header."""

import dataclasses
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes.errors import VolumeError


@dataclasses.dataclass(frozen=True, eq=False)
class SourceHeader:
    """The header of a source file, as needed to write a volume in the same format.

    Args:
        kind: `"nifti"`, `"dicom"`, `"mgh"`, `"minc"`, `"hdf5"`, `"npy"`, `"npz"`, `"png"` or
            `"tiff"`.
        dtype: The dtype of the stored voxels.
        shape: The shape of the array in the file.
        has_geometry: Whether the file has an affine. If not, its slices are interpreted as axial,
            in the usual display orientation, with a spacing of 1 mm.
        content: Other format-specific data.
        span: The range (maximum minus minimum) of stored integers without a slope. Defaults to
            `None`: unknown.
        synthetic: Whether the file is marked as synthetic: by this package or by
            DICOM's SyntheticData. Defaults to `False`.
    """

    kind: str
    dtype: np.dtype
    shape: tuple[int, ...]
    has_geometry: bool
    content: Any = None
    span: float | None = None
    synthetic: bool = False


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
    """A scan: voxels and grid.

    Args:
        array: Voxels, `(i, j, k)`; finite numbers, kept as float32.
        affine: Array `(4, 4)` that takes voxel indices `(i, j, k, 1)` to millimetres in a space
            whose axes point to the patient's right, front and head (RAS+), as nibabel's.
        header: The header of the source file, for the writer. Defaults to `None`: no file.
        path: The file, as it was passed in. Defaults to `None`.
        mask: Boolean array of the shape of `array`, where the head or brain is. Defaults to
            `None`: not known.

    Raises:
        VolumeError: An array that is not three-dimensional, is empty or complex, or holds NaN or
            infinity; an affine that is not `(4, 4)` or cannot be inverted; a mask of another shape.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> volume = Volume(np.zeros((4, 5, 6)), np.diag([-0.5, 0.5, 2, 1]))
        >>> volume
        <Volume 4 x 5 x 6, 0.5 x 0.5 x 2 mm, LAS>
        >>> volume.shape, volume.spacing, volume.orientation
        ((4, 5, 6), (0.5, 0.5, 2.0), 'LAS')
    """

    array: np.ndarray
    affine: np.ndarray
    header: SourceHeader | None = None
    path: str | None = None
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        put = object.__setattr__  # the class is frozen
        put(self, "array", _checked_array(self.array, self.path))
        put(self, "affine", _checked_affine(self.affine, self.path))
        if self.path is not None:
            put(self, "path", str(self.path))
        if self.mask is not None:
            mask = np.asarray(self.mask)
            if mask.dtype != bool or mask.shape != self.array.shape:
                raise VolumeError(
                    self.path,
                    f"a mask of shape {mask.shape} and type {mask.dtype} for an array of shape "
                    f"{self.array.shape}. Expected booleans of the same shape.",
                )
            put(self, "mask", mask)

    @property
    def shape(self) -> tuple[int, int, int]:
        """The number of voxels along each axis, `(i, j, k)`."""
        return self.array.shape

    @property
    def spacing(self) -> tuple[float, float, float]:
        """The distance between neighbouring voxels along each axis, in millimetres."""
        x, y, z = (float(size) for size in np.linalg.norm(self.affine[:3, :3], axis=0))
        return x, y, z

    @property
    def orientation(self) -> str:
        """The direction nearest to each axis; `"RAS"` is to the right, the front and the head."""
        from nibabel.orientations import aff2axcodes

        return "".join(aff2axcodes(self.affine))

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        spacing = " x ".join(f"{size:.4g}" for size in self.spacing)
        of = f", {self.path}" if self.path is not None else ""
        masked = ", with a mask" if self.mask is not None else ""
        return f"<Volume {shape}, {spacing} mm, {self.orientation}{masked}{of}>"

    def replace(self, **changes: Any) -> "Volume":
        """Return a copy of the volume with other constructor arguments."""
        return dataclasses.replace(self, **changes)


def _checked_array(array: Any, path: str | None) -> np.ndarray:
    array = np.asarray(array)
    if array.ndim != 3 or not array.size:
        raise VolumeError(
            path,
            f"an array of shape {array.shape}. Expected three axes (i, j, k), none of them empty: "
            "a single slice is (i, j, 1), a series of volumes has to be taken apart.",
        )
    if array.dtype.kind not in "biuf":
        raise VolumeError(
            path, f"values of type {array.dtype}. Expected real numbers: `np.abs(x)`, if complex."
        )
    given = array
    with np.errstate(over="ignore"):
        array = np.ascontiguousarray(array, dtype="float32")
    bad = array.size - int(np.isfinite(array).sum())
    if bad and np.isfinite(given).all():
        raise VolumeError(
            path,
            f"{bad} of {array.size} values are beyond +-3.4e+38, the largest number that float32 "
            "holds. Expected smaller ones: scale them first.",
        )
    if bad:
        way_out = "pass `fill_nan=0.0`" if path is not None else "`np.nan_to_num(array)`"
        raise VolumeError(
            path,
            f"{bad} of {array.size} values are NaN or infinite (as float32). Expected finite "
            f"numbers. If they are background, fill them: {way_out}.",
        )
    return array


def _checked_affine(affine: Any, path: str | None) -> np.ndarray:
    affine = np.asarray(affine, dtype="float64")
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise VolumeError(path, f"an affine of {affine.tolist()}. Expected 4 x 4 finite numbers.")
    # Relative to the voxels' size, so that neither micrometres nor metres are taken for singular.
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = np.linalg.norm(affine[:3, :3], axis=0)
        directions = affine[:3, :3] / np.maximum(sizes, 1e-30)
        flat = not sizes.all() or not abs(np.linalg.det(directions)) >= 1e-6
    if flat or affine[3].tolist() != [0, 0, 0, 1]:
        raise VolumeError(
            path,
            f"an affine that cannot be inverted: {affine.tolist()}. Expected voxel axes that span "
            "space, and the last row 0, 0, 0, 1. Mend the header: `nibabel.Nifti1Image(data, "
            "affine)` with the scan's true geometry.",
        )
    return affine
