"""Normalisation by mean and standard deviation."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing.normalization import LinearNormalization, foreground
from keras_mri_cyclegan.volumes import Volume


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ZScore(LinearNormalization):
    """Normalise a scan by its mean and standard deviation (z-score), scaled to [-1, 1].

    The mean is mapped to 0, and `limit` standard deviations above and below the mean to 1 and -1.
    Both statistics are taken inside the volume's mask, or, without a mask, over all voxels that
    are not air. Air is the value of most voxels on the volume's edges; where air is noisy, all
    values of 0 or less (in a scan with many values below 0, its lowest value). By default **values
    outside [-1, 1] are clipped**. Air is not mapped to -1, the value of padding.

    Args:
        limit: Number of standard deviations mapped to 1, above 0. Defaults to 3.0.
        clip: Whether to clip values to [-1, 1]. The record's `"clipped"` is the clipped share of
            all voxels. If `False`, `invert` is exact to float32 rounding. Defaults to `True`.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: The foreground of a scan is empty or has a single value.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import ZScore
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.array([0.0, 90.0, 110.0, 130.0]).reshape(1, 1, 4), np.eye(4))
        >>> normalised, record = ZScore().apply(scan, {})
        >>> round((record["low"] + record["high"]) / 2, 6)  # the mean of the values above 0
        110.0
        >>> [round(value, 3) for value in normalised.array.ravel().tolist()]
        [-1.0, -0.408, 0.0, 0.408]
    """

    def __init__(self, limit: float = 3.0, clip: bool = True):
        super().__init__(clip)
        self.limit = checked_limit(limit)

    def limits(self, volume: Volume) -> tuple[float, float]:
        """Return the mean minus, and plus, `limit` standard deviations."""
        values = foreground(volume)
        mean, reach = values.mean(dtype="float64"), self.limit * values.std(dtype="float64")
        return float(mean - reach), float(mean + reach)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"limit": self.limit, "clip": self.clip}


def checked_limit(limit: Any) -> float:
    """Validate `limit`, a finite number above 0."""
    if _checks.weight("limit", limit) == 0:
        raise ValueError(f"`limit` must be above 0. Received: {limit!r}.")
    return float(limit)
