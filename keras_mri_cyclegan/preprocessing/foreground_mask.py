"""A simple mask of the head: what is brighter than air."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.preprocessing.background import air_among_tissue, without_air
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError

LARGE = 1 / 20  # of the largest piece
DARK = 0.5  # percentile: a few voxels may be far below air


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ForegroundMask(Step):
    """Finds the head: Otsu's threshold, the large connected pieces, their holes filled.

    In a scan whose air is not the darkest (its skull was stripped before it was brought to a mean
    of 0), what differs from air takes the place of what is above the threshold.

    Large is the largest piece, and what has a twentieth of its voxels at least: bone that is dark
    separates the scalp from the brain. A hole is what is enclosed in the volume, or in a slice of
    any of the three directions: dark fluid, such as that of the ventricles in T1, is connected to
    the outside somewhere.

    It is the head with its skin, or the brain if the skull has been stripped before, and is kept
    in `Volume.mask`, where the steps and cutters that follow use it. A mask that is there already
    is replaced. Needs scikit-image and scipy (the extra `preprocessing`).

    Args:
        blank: Whether voxels outside the mask become the lowest value of the scan, for scans with
            a noisy background. **This cannot be undone**: `Preprocessing.restore` leaves them so.
            Defaults to `False`: no value is changed.
        threshold: Number above 0: a voxel is bright from this share of Otsu's threshold on, counted
            from the darkest half a hundredth of the scan. Below 1 it takes in what is dim, such as
            a scalp whose fat is suppressed. Defaults to 1.

    Raises:
        ValueError: `blank` is not a boolean, or `threshold` not above 0.
        VolumeError: One value everywhere.

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
            raise ValueError("`threshold` must be above 0, a share of Otsu's. Received: 0.")

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the volume with its mask, and a record of the mask's share of all voxels."""
        return masked(volume, find_foreground(volume, self.threshold), self.blank)

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume` as it is."""
        return volume

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"blank": self.blank, "threshold": self.threshold}


def find_foreground(volume: Volume, threshold: float = 1.0) -> np.ndarray:
    """Return a mask, `(i, j, k)`, of the large bright pieces of `volume`, filled.

    `threshold` is a share of Otsu's, from the darkest voxels on.
    """
    filters = require("skimage.filters", "preprocessing")
    ndimage = require("scipy.ndimage", "preprocessing")
    low, high = float(volume.array.min()), float(volume.array.max())
    if low == high:
        raise VolumeError(
            volume.path,
            f"the value {low:g} everywhere: there is no foreground. Expected a scan: leave this "
            "one out.",
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
    sizes[0] = 0  # what is not bright
    mask = ndimage.binary_fill_holes((sizes >= LARGE * sizes.max())[pieces])
    filled = mask.copy()
    in_a_slice = ndimage.generate_binary_structure(2, 1)
    for axis in range(3):
        plane = np.expand_dims(in_a_slice, axis)  # neighbours in the slice only
        filled |= ndimage.binary_fill_holes(mask, structure=plane)
    return filled


def masked(volume: Volume, mask: np.ndarray, blank: bool) -> tuple[Volume, dict[str, Any]]:
    """Return `volume` with `mask`, blank outside if so wanted, and a record of the mask's size."""
    if not mask.any():
        raise VolumeError(
            volume.path, "an empty mask. Expected some foreground: look at the scan and its mask."
        )
    array = volume.array
    if blank:
        array = np.where(mask, array, array.min())
    return volume.replace(array=array, mask=mask), {"foreground": float(mask.mean())}


def checked_blank(blank: Any) -> bool:
    """Return `blank` if it is a boolean."""
    if not isinstance(blank, bool):
        raise ValueError(f"`blank` must be True or False. Received: {blank!r}.")
    return blank
