"""Correction of the slow shading that a coil leaves."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.preprocessing.foreground_mask import find_foreground
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError

# A spline of order 3 with ITK's four control points an axis needs a few samples along each.
MIN_LENGTH = 8
SHIFTED = 0.05  # share of the foreground without a logarithm: a fluid may be 0, half a brain not


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class CorrectBiasField(Step):
    """Divides a scan by its bias field, found by N4 (Tustison et al., 2010).

    The field is estimated inside the volume's mask, or what `ForegroundMask` would find, where
    values are positive, on a grid `shrink` times coarser, and applied at full resolution.
    **It is not put back**: `invert` returns the volume as it is, because a translation should be
    as free of shading as what the network was trained on. Use it before a normalisation. Needs
    SimpleITK (the extra `bias-field`), and without a mask scikit-image (`preprocessing`).

    Args:
        shrink: By how much the grid is coarsened along each axis, at least 1; less along axes
            that are short. Defaults to 4, as usual.
        iterations: The most iterations at each of the resolutions, coarse to fine. Defaults to
            `(50, 50, 50, 50)`, ITK's.

    Raises:
        ValueError: An argument out of its range.
        VolumeError: A scan without positive values to estimate a field from.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import CorrectBiasField
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> ball = np.linalg.norm(np.indices((24, 24, 24)) - 11.5, axis=0) < 10
        >>> shading = np.linspace(0.6, 1.4, 24)[:, None, None]
        >>> scan = Volume((100 * ball + 1) * shading, np.eye(4), mask=ball)
        >>> flat, _ = CorrectBiasField(shrink=1).apply(scan, {})
        >>> bool(flat.array[ball].std() < 0.2 * scan.array[ball].std())
        True
    """

    changes_grid = False

    def __init__(self, shrink: int = 4, iterations: tuple[int, ...] = (50, 50, 50, 50)):
        self.shrink = _checks.positive_int("shrink", shrink)
        try:
            self.iterations = tuple(iterations)
        except TypeError:
            self.iterations = ()
        if not self.iterations:
            raise ValueError(
                "`iterations` must be one or several integers, one for each resolution. "
                f"Received: {iterations!r}."
            )
        for count in self.iterations:
            _checks.positive_int("iterations", count)

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the corrected volume, and a record of the field's range inside the mask."""
        if min(volume.shape) < 2:
            raise VolumeError(
                volume.path,
                f"a single slice, {volume.shape}. Expected at least two voxels along each axis, "
                "for a field in three dimensions: leave CorrectBiasField out.",
            )
        sitk = require("SimpleITK", "bias-field")
        mask = find_foreground(volume) if volume.mask is None else volume.mask
        inside = np.count_nonzero(mask)
        mask = mask & (volume.array > 0)  # the field is estimated from logarithms
        if np.count_nonzero(mask) < 64 or volume.array[mask].min() == volume.array[mask].max():
            raise VolumeError(
                volume.path,
                f"{np.count_nonzero(mask)} positive voxels in the foreground, or all the same. "
                "Expected a scan of positive values to estimate a bias field from: put "
                "CorrectBiasField before normalisations, and look at the mask.",
            )
        left_out = 1 - np.count_nonzero(mask) / int(inside)
        if left_out > SHIFTED:
            notice(
                "bias field",
                volume.path,
                f"{left_out:.0%} of the foreground is 0 or less, where CorrectBiasField, which "
                "divides, can only do harm. Expected a scan of positive values, as scanners "
                "measure them: leave CorrectBiasField out for scans that were normalised before.",
            )
        image = _image(sitk, volume.array, volume.spacing)
        coarse, coarse_mask = image, _image(sitk, mask.astype("uint8"), volume.spacing)
        factors = [max(1, min(self.shrink, length // MIN_LENGTH)) for length in volume.shape]
        if max(factors) > 1:
            shrunk = sitk.Shrink(coarse_mask, factors)
            if sitk.GetArrayViewFromImage(shrunk).sum() >= 64:
                coarse, coarse_mask = sitk.Shrink(image, factors), shrunk
        n4 = sitk.N4BiasFieldCorrectionImageFilter()
        n4.SetMaximumNumberOfIterations(self.iterations)
        try:
            n4.Execute(coarse, coarse_mask)
            log_field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).T
        except RuntimeError as error:
            raise VolumeError(
                volume.path,
                f"N4 could not estimate a bias field: {str(error).strip()[-300:]}. Try a smaller "
                "`shrink`, or leave CorrectBiasField out for scans of so few slices.",
            ) from error
        field = np.exp(log_field.astype("float64"))
        inside = field[mask]
        record = {"lowest": float(inside.min()), "highest": float(inside.max())}
        return volume.replace(array=volume.array / field), record

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume` as it is: shading is not put back."""
        return volume

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"shrink": self.shrink, "iterations": list(self.iterations)}


def _image(sitk: Any, array: np.ndarray, spacing: tuple[float, float, float]) -> Any:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing)
    return image
