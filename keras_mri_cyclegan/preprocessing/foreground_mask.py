"""Foreground mask of the head by Otsu's threshold."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.preprocessing.background import air_among_tissue, without_air
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError

LARGE = 1 / 20  # smallest component kept, as a share of the largest
DARK = 0.5  # percentile, not the minimum: a few voxels may be far below air


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ForegroundMask(Step):
    """Mask the head: Otsu's threshold, large connected components, holes filled.

    In a scan whose air is not the darkest (skull-stripped, then normalised to a mean of 0), the
    voxels that differ from air are used in place of those above the threshold.

    All components with at least a twentieth of the voxels of the largest are kept, because dark
    bone separates the scalp from the brain. Holes are filled if they are enclosed in the volume,
    or in a slice along any of the three axes: dark fluid, such as that of the ventricles in T1, is
    connected to the outside somewhere in 3-D.

    The mask is that of the head including the skin, or of the brain in skull-stripped scans. It is
    stored in `Volume.mask`, where later steps and samplers use it, and replaces an earlier mask.
    Needs scikit-image and scipy (the extra `preprocessing`).

    Args:
        blank: Whether to set voxels outside the mask to the scan's lowest value, for scans with a
            noisy background. **This cannot be undone**: `Preprocessing.restore` does not bring the
            original values back. Defaults to `False`: intensities are unchanged.
        threshold: Factor above 0 of Otsu's threshold, measured from the scan's 0.5th percentile.
            Values below 1 include dim tissue, such as a fat-suppressed scalp. Defaults to 1.

    Raises:
        ValueError: `blank` is not a boolean, or `threshold` is not above 0.
        VolumeError: All voxels of a scan have the same value.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import ForegroundMask
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> array = np.random.default_rng(0).uniform(0, 10, (16, 16, 16))
        >>> array[4:12, 4:12, 4:12] += 100
        >>> array[8, 8, 8] = 0  # a hole
        >>> masked, record = ForegroundMask().apply(Volume(array, np.eye(4)), {})
        >>> int(masked.mask.sum()), record["foreground"]
        (512, 0.125)
    """

    changes_grid = False

    def __init__(self, blank: bool = False, threshold: float = 1.0):
        self.blank = checked_blank(blank)
        self.threshold = _checks.weight("threshold", threshold)
        if not self.threshold:
            raise ValueError(
                "`threshold`, a factor of Otsu's threshold, must be above 0. Received: 0."
            )

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the volume with its mask, and a record of the mask's share of all voxels."""
        return masked(volume, find_foreground(volume, self.threshold), self.blank)

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume` unchanged."""
        return volume

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"blank": self.blank, "threshold": self.threshold}


def find_foreground(volume: Volume, threshold: float = 1.0) -> np.ndarray:
    """Return the mask, `(i, j, k)`, of the large bright components of `volume`, holes filled.

    `threshold` is a factor of Otsu's threshold, measured from the 0.5th percentile.
    """
    filters = require("skimage.filters", "preprocessing")
    ndimage = require("scipy.ndimage", "preprocessing")
    low, high = float(volume.array.min()), float(volume.array.max())
    if low == high:
        raise VolumeError(
            volume.path,
            f"the value {low:g} everywhere, so no foreground. Expected a scan: leave this "
            "volume out.",
        )
    if air_among_tissue(volume) is not None:
        bright = without_air(volume)
    else:
        limit = filters.threshold_otsu(volume.array.ravel())
        if threshold != 1:
            dark = np.percentile(volume.array, DARK)
            limit = dark + threshold * (limit - dark)
        bright = volume.array > limit
    pieces, _ = ndimage.label(bright)
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0  # label 0 is the background
    mask = ndimage.binary_fill_holes((sizes >= LARGE * sizes.max())[pieces])
    filled = mask.copy()
    in_a_slice = ndimage.generate_binary_structure(2, 1)
    for axis in range(3):
        plane = np.expand_dims(in_a_slice, axis)  # neighbours in the slice only
        filled |= ndimage.binary_fill_holes(mask, structure=plane)
    return filled


def masked(volume: Volume, mask: np.ndarray, blank: bool) -> tuple[Volume, dict[str, Any]]:
    """Return `volume` with `mask`, optionally blanked outside, and the record `{"foreground"}`."""
    if not mask.any():
        raise VolumeError(
            volume.path, "an empty mask. Expected some foreground: check the scan and its mask."
        )
    array = volume.array
    if blank:
        array = np.where(mask, array, array.min())
    return volume.replace(array=array, mask=mask), {"foreground": float(mask.mean())}


def checked_blank(blank: Any) -> bool:
    """Validate `blank`, a boolean."""
    if not isinstance(blank, bool):
        raise ValueError(f"`blank` must be True or False. Received: {blank!r}.")
    return blank
