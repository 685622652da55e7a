"""Reorientation of scans to common axis directions."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.preprocessing import orientation as axes
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Reorient(Step):
    """Reorient a scan by permuting and flipping its axes; exactly invertible.

    The affine changes accordingly: no voxel is interpolated, and none moves in world coordinates.
    An oblique scan stays oblique; each of its axes takes the nearest direction.

    Args:
        orientation: Directions in which the axes point: one letter of R/L (right, left), one of
            A/P (front, back) and one of S/I (head, feet), in any order. Defaults to `"RAS"`,
            nibabel's canonical orientation.

    Raises:
        ValueError: `orientation` does not name three axes.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Reorient
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.zeros((4, 5, 6)), np.diag([-1, -1, 2, 1]))
        >>> turned, record = Reorient("SAR").apply(scan, {})
        >>> scan.orientation, turned.orientation, turned.shape
        ('LPS', 'SAR', (6, 5, 4))
        >>> Reorient("SAR").invert(turned, record).orientation
        'LPS'
    """

    def __init__(self, orientation: str = "RAS"):
        self.orientation = axes.checked_codes("orientation", orientation)

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the reoriented volume, and a record of its original affine."""
        return axes.turned_volume(volume, self.orientation), {"affine": volume.affine.tolist()}

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume` in the original orientation."""
        affine = np.array(record["affine"])
        mask = volume.mask
        if mask is not None:
            mask = axes.from_codes(mask, affine, self.orientation)
        array = axes.from_codes(volume.array, affine, self.orientation)
        return volume.replace(array=array, affine=affine, mask=mask)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"orientation": self.orientation}
