"""Bringing scans to one spacing."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError

# What a header's float32 makes of a spacing is no reason to interpolate.
SAME_SPACING = 1e-4
MAX_VOXELS = 2**28
FWHM = math.sqrt(8 * math.log(2))  # full width at half maximum of a Gaussian of deviation 1


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Resample(Step):
    """Interpolates a scan to a spacing, and back to the grid that it had.

    The new grid has the same axes, and the same middle, as the old one and covers the same field
    of view to within half a voxel. `invert` gives the old grid back exactly, but its voxels are
    interpolated twice: what is finer than the coarser of the two grids is lost. A scan that has
    the spacing already, to 0.01 %, is left alone. Needs scipy (the extra `preprocessing`).

    Before a spacing becomes larger, from `old` to `new` mm, the scan is smoothed along this axis by
    a Gaussian of `sqrt(new**2 - old**2)` mm full width at half maximum, as a coarser voxel would
    have averaged (Cardoso et al., "Scale factor point spread function matching", MICCAI 2015), in
    both directions of the way. With `order=0`, for label maps, values are not smoothed.

    Args:
        spacing: The distance between voxels along each axis, in mm: one number for all, or
            three, `None` where an axis keeps its own. The axes are those of the volume at this
            step: put `Reorient` first.
        order: 0 takes the nearest voxel, 1 interpolates linearly, 2 and 3 by splines, which can
            overshoot the values that were there. Defaults to 1.

    Raises:
        ValueError: An argument out of its range.
        VolumeError: A spacing that would make more than 2**28 voxels.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Resample
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.random.default_rng(0).random((8, 8, 3)), np.diag([1, 1, 4, 1]))
        >>> step = Resample((2.0, 2.0, None))
        >>> coarse, record = step.apply(scan, {})
        >>> coarse.shape, coarse.spacing
        ((4, 4, 3), (2.0, 2.0, 4.0))
        >>> step.invert(coarse, record).shape
        (8, 8, 3)
    """

    def __init__(self, spacing: float | Sequence[float | None], order: int = 1):
        try:
            given = (spacing,) * 3 if np.ndim(spacing) == 0 else tuple(spacing)  # type: ignore[arg-type]
            self.spacing = tuple(
                None if size is None else _checks.weight("spacing", size) for size in given
            )
        except (TypeError, ValueError):
            self.spacing = ()
        if len(self.spacing) != 3 or 0 in self.spacing or set(self.spacing) == {None}:
            raise ValueError(
                "`spacing` must be a number of millimetres above 0, or three of them, None for an "
                f"axis that keeps its own. Received: {spacing!r}."
            )
        self.order = _checks.one_of("order", order, (0, 1, 2, 3))

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the volume at the spacing wanted, and a record of the grid that it had."""
        factors, shape = [], []
        for length, found, wanted in zip(volume.shape, volume.spacing, self.spacing, strict=True):
            same = wanted is None or abs(found - wanted) <= SAME_SPACING * found
            factors.append(1.0 if wanted is None or same else wanted / found)
            # Rounded after 1e-6, so that half a voxel is not decided by rounding errors.
            shape.append(max(1, math.floor(length / factors[-1] + 0.5 + 1e-6)))
        if math.prod(shape) > MAX_VOXELS:
            raise VolumeError(
                volume.path,
                f"{volume.shape} voxels of {volume.spacing} mm would become {tuple(shape)} at "
                f"{self.spacing} mm. Expected at most {MAX_VOXELS} voxels: use a larger `spacing`, "
                "or look at the units of the file's header.",
            )
        # The middle of the field of view stays where it is.
        offset = (np.array(volume.shape) - 1) / 2 - np.array(factors) * (np.array(shape) - 1) / 2
        to_old = np.diag([*factors, 1.0])
        to_old[:3, 3] = offset
        record = {"shape": list(volume.shape), "affine": volume.affine.tolist()}
        return self._sampled(volume, volume.affine @ to_old, shape, factors, offset), record

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume` interpolated on the grid that it had."""
        shape, affine = record["shape"], np.array(record["affine"])
        old_spacing = np.linalg.norm(affine[:3, :3], axis=0)
        factors = old_spacing / np.array(volume.spacing)
        factors[np.abs(factors - 1) <= SAME_SPACING] = 1.0
        offset = (np.array(volume.shape) - 1) / 2 - factors * (np.array(shape) - 1) / 2
        return self._sampled(volume, affine, shape, factors, offset)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"spacing": list(self.spacing), "order": self.order}

    def _sampled(
        self, volume: Volume, affine: np.ndarray, shape: Sequence[int], factors: Any, offset: Any
    ) -> Volume:
        if list(shape) == list(volume.shape) and all(factor == 1 for factor in factors):
            return volume.replace(affine=affine)
        ndimage = require("scipy.ndimage", "preprocessing")
        shape = tuple(int(length) for length in shape)
        sigma = np.sqrt(np.maximum(np.square(factors) - 1, 0)) / FWHM  # in voxels

        def sample(array: np.ndarray, order: int) -> np.ndarray:
            if order and sigma.any():
                array = ndimage.gaussian_filter(array, sigma, mode="nearest")
            # At the edge, where a voxel's centre may be outside, the last voxel goes on.
            return ndimage.affine_transform(
                array, np.array(factors), offset, shape, order=order, mode="nearest"
            )

        mask = volume.mask
        if mask is not None:
            mask = sample(mask.astype("float32"), 1) >= 0.5
        return volume.replace(array=sample(volume.array, self.order), affine=affine, mask=mask)
