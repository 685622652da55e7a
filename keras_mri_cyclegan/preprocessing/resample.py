"""Resampling of scans to a common voxel spacing."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError

# Relative tolerance: the float32 rounding of a header's spacing is no reason to interpolate.
SAME_SPACING = 1e-4
MAX_VOXELS = 2**28
FWHM = math.sqrt(8 * math.log(2))  # of a Gaussian with a standard deviation of 1


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Resample(Step):
    """Interpolate a scan to a voxel spacing; invertible up to interpolation.

    The new grid has the axes and the centre of the original grid, and covers the same field of
    view to within half a voxel. `invert` restores the original grid exactly, but its voxels have
    been interpolated twice: details finer than the coarser of the two grids are lost. A scan that
    already has the spacing, to 0.01 %, is not interpolated. Needs scipy (the extra
    `preprocessing`).

    Where the spacing of an axis increases, from `old` to `new` mm, `apply` as well as `invert`
    first smooth the scan along this axis by a Gaussian with a full width at half maximum of
    `sqrt(new**2 - old**2)` mm, which imitates the averaging of a coarser voxel (Cardoso et al.,
    "Scale factor point spread function matching", MICCAI 2015). With `order=0`, for label maps,
    there is no smoothing.

    Args:
        spacing: Distance between voxels along each axis, in mm: one number for all axes, or
            three, `None` for an axis whose spacing is kept. The axes are those of the volume at
            this step: put `Reorient` first.
        order: Order of the interpolation: 0 is nearest neighbour, 1 linear, 2 and 3 are splines,
            which can overshoot the range of the original values. Defaults to 1.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: The resampled volume would have more than 2**28 voxels.

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
            sizes = (spacing,) * 3 if np.ndim(spacing) == 0 else tuple(spacing)  # type: ignore[arg-type]
            self.spacing = tuple(
                None if size is None else _checks.weight("spacing", size) for size in sizes
            )
        except (TypeError, ValueError):
            self.spacing = ()
        if len(self.spacing) != 3 or 0 in self.spacing or set(self.spacing) == {None}:
            raise ValueError(
                "`spacing` must be a number above 0, in mm, or three of them, of which None keeps "
                f"the spacing of an axis. Received: {spacing!r}."
            )
        self.order = _checks.one_of("order", order, (0, 1, 2, 3))

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the resampled volume, and a record of the original grid."""
        factors, shape = [], []
        for length, old, new in zip(volume.shape, volume.spacing, self.spacing, strict=True):
            same = new is None or abs(old - new) <= SAME_SPACING * old
            factors.append(1.0 if new is None or same else new / old)
            # 1e-6 voxels of tolerance, so that rounding errors do not decide on half a voxel.
            shape.append(max(1, math.floor(length / factors[-1] + 0.5 + 1e-6)))
        if math.prod(shape) > MAX_VOXELS:
            raise VolumeError(
                volume.path,
                f"{volume.shape} voxels of {volume.spacing} mm would become {tuple(shape)} at "
                f"{self.spacing} mm. Expected at most {MAX_VOXELS} voxels: use a larger `spacing`, "
                "or look at the units of the file's header.",
            )
        # The centre of the field of view is unchanged.
        offset = (np.array(volume.shape) - 1) / 2 - np.array(factors) * (np.array(shape) - 1) / 2
        to_old = np.diag([*factors, 1.0])
        to_old[:3, 3] = offset
        record = {"shape": list(volume.shape), "affine": volume.affine.tolist()}
        return self._sampled(volume, volume.affine @ to_old, shape, factors, offset), record

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume` interpolated to the original grid."""
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
            # `nearest`: centres of voxels outside the old grid take the value of its edge.
            return ndimage.affine_transform(
                array, np.array(factors), offset, shape, order=order, mode="nearest"
            )

        mask = volume.mask
        if mask is not None:
            mask = sample(mask.astype("float32"), 1) >= 0.5
        return volume.replace(array=sample(volume.array, self.order), affine=affine, mask=mask)
