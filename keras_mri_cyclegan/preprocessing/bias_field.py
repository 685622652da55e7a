"""N4 correction of the bias field, the smooth shading caused by the receive coil."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.preprocessing.foreground_mask import find_foreground
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError

# Smallest grid, in voxels per axis, for ITK's cubic spline of four control points per axis.
MIN_LENGTH = 8
# Largest accepted share of the foreground that is 0 or less and so has no logarithm: fluid may be
# 0; half of the brain below 0 means that the scan was normalised before.
SHIFTED = 0.05


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class CorrectBiasField(Step):
    """Divide a scan by its bias field, estimated by N4 (Tustison et al., 2010).

    The field is estimated from the positive voxels inside the volume's mask (without a mask,
    inside that of `ForegroundMask`), on a grid `shrink` times coarser, and applied at full
    resolution. **The correction is not undone**: `invert` returns its volume unchanged, because a
    translation should have no shading, like the images that the network was trained on. Put this
    step before a normalisation. Needs SimpleITK (the extra `bias-field`) and, for volumes without
    a mask, scikit-image (the extra `preprocessing`).

    Args:
        shrink: Factor by which the grid is coarsened along each axis, at least 1; short axes are
            coarsened less. Defaults to 4, the usual choice.
        iterations: Maximum number of iterations at each resolution, coarse to fine. Defaults to
            `(50, 50, 50, 50)`, ITK's default.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: A scan has too few positive values, or a single slice, to estimate a field
            from; or N4 fails.

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
                "`iterations` must be a tuple of integers, one for each resolution. "
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
                "for a three-dimensional field: leave CorrectBiasField out.",
            )
        sitk = require("SimpleITK", "bias-field")
        mask = find_foreground(volume) if volume.mask is None else volume.mask
        inside = np.count_nonzero(mask)
        mask = mask & (volume.array > 0)  # the field is estimated from logarithms
        if np.count_nonzero(mask) < 64 or volume.array[mask].min() == volume.array[mask].max():
            raise VolumeError(
                volume.path,
                f"{np.count_nonzero(mask)} positive voxels in the foreground, or all of one value. "
                "Expected at least 64 positive voxels of different values to estimate a bias field "
                "from: put CorrectBiasField before normalisations, and check the mask.",
            )
        left_out = 1 - np.count_nonzero(mask) / int(inside)
        if left_out > SHIFTED:
            notice(
                "bias field",
                volume.path,
                f"{left_out:.0%} of the foreground is 0 or less, where the division by a bias "
                "field is meaningless. Expected a scan of positive values, as scanners measure "
                "them: leave CorrectBiasField out for scans that were normalised before.",
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
        """Return `volume` unchanged: the shading is not restored."""
        return volume

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"shrink": self.shrink, "iterations": list(self.iterations)}


def _image(sitk: Any, array: np.ndarray, spacing: tuple[float, float, float]) -> Any:
    image = sitk.GetImageFromArray(np.ascontiguousarray(array.T))
    image.SetSpacing(spacing)
    return image
