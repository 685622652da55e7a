"""Masks from files, one per scan."""

import os
import re
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.preprocessing.foreground_mask import checked_blank, masked
from keras_mri_cyclegan.preprocessing.orientation import turned_volume
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError, read_volume

# Tolerance of affines, in millimetres: headers store float32.
SAME_GRID = 1e-3
SUFFIXES = re.compile(
    r"\.(nii\.gz|nii|hdr|img|mgz|mgh|mnc|dcm|h5|hdf5|npy|npz|png|tiff?)$", re.IGNORECASE
)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class MaskFromFiles(Step):
    """Read each scan's mask from a file, such as the output of a brain extraction.

    A voxel is inside where the mask's value is above 0.5. Masks of 0 and 1, masks of 0 and 255,
    label maps and probability maps are therefore all accepted. The mask must be on the scan's
    grid; its axes may be permuted or flipped. Put this step before `Resample`.

    Args:
        pattern: The mask's path, with `{folder}` and `{stem}` for the scan's folder and its
            name without suffix. Defaults to `"{folder}/{stem}_mask.nii.gz"`: the mask of
            `ixi/002_T1.nii.gz` is `ixi/002_T1_mask.nii.gz`.
        blank: Whether to set voxels outside the mask to the scan's lowest value, which leaves
            only the brain if the mask is a brain mask. **This cannot be undone**:
            `Preprocessing.restore` does not bring the original values back. Defaults to `False`:
            intensities are unchanged.

    Raises:
        ValueError: `pattern` has other fields, or `blank` is not a boolean.
        VolumeError: A mask cannot be read, is on another grid, or is empty; or a scan has no file.

    Example:
        >>> from keras_mri_cyclegan.preprocessing import MaskFromFiles
        >>> step = MaskFromFiles("{folder}/masks/{stem}_brain.nii.gz")
        >>> step.path_for("ixi/IXI002_T1.nii.gz")
        'ixi/masks/IXI002_T1_brain.nii.gz'
    """

    changes_grid = False

    def __init__(self, pattern: str = "{folder}/{stem}_mask.nii.gz", blank: bool = False):
        if (
            not isinstance(pattern, str)
            or not pattern
            or re.search(r"[{}]", re.sub(r"\{(folder|stem)\}", "", pattern))
        ):
            raise ValueError(
                "`pattern` must be a path whose only fields are {folder}, the scan's folder, and "
                f"{{stem}}, the scan's file name without suffix. Received: {pattern!r}."
            )
        self.pattern = pattern
        self.blank = checked_blank(blank)

    def path_for(self, path: str) -> str:
        """Return the path of the mask of the scan at `path`."""
        folder, name = os.path.split(path.partition("::")[0].rstrip("/"))
        values = {"{folder}": folder or ".", "{stem}": SUFFIXES.sub("", name)}
        return re.sub(r"\{(folder|stem)\}", lambda field: values[field[0]], self.pattern)

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the volume with its mask, and a record of the mask's share of all voxels."""
        if volume.path is None:
            raise VolumeError(
                None,
                "MaskFromFiles finds a mask by the scan's file, but this volume has no file. Read "
                "the scan with `read_volume`, or set its mask: `volume.replace(mask=...)`.",
            )
        path = self.path_for(volume.path)
        mask = turned_volume(read_volume(path), volume.orientation)
        if mask.shape != volume.shape or not np.allclose(
            mask.affine, volume.affine, rtol=0, atol=SAME_GRID
        ):
            raise VolumeError(
                path,
                f"mismatched grids: a mask of shape {mask.shape}, spacing {mask.spacing} and "
                f"origin {mask.affine[:3, 3].tolist()}. Expected the grid of the scan "
                f"`{volume.path}`: {volume.shape}, {volume.spacing} and "
                f"{volume.affine[:3, 3].tolist()}, to {SAME_GRID} mm. Resample the mask to the "
                "grid of the scan, and put `MaskFromFiles` before `Resample`.",
            )
        return masked(volume, mask.array > 0.5, self.blank)

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume` unchanged."""
        return volume

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"pattern": self.pattern, "blank": self.blank}
