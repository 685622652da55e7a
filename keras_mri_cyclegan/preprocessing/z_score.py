"""Normalisation by mean and standard deviation."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing.normalization import LinearNormalization, foreground
from keras_mri_cyclegan.volumes import Volume


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ZScore(LinearNormalization):
    """Brings a scan to [-1, 1] by its mean and standard deviation.

    The mean becomes 0, and `limit` standard deviations above and below it become 1 and -1. Both
    are taken inside the volume's mask, if it has one, otherwise of all but air: the value of most
    voxels on the volume's edges, or, where air is noisy, what is 0 or less (in a scan with many
    values below 0, its lowest value). By default **values beyond are clipped**. Air is not at -1,
    the value that padding has.

    Args:
        limit: How many standard deviations become 1, above 0. Defaults to 3.0.
        clip: Whether values beyond become -1 or 1. The record's `"clipped"` says which share of
            all voxels did. If `False`, `invert` is exact to float32 rounding. Defaults to `True`.

    Raises:
        ValueError: An argument out of its range.
        VolumeError: No foreground, or one of a single value.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import ZScore
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.array([0.0, 90.0, 110.0, 130.0]).reshape(1, 1, 4), np.eye(4))
        >>> normalised, record = ZScore().apply(scan, {})
        >>> round((record["low"] + record["high"]) / 2, 6)  # the mean of what is above 0
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
        """Return the arguments that make an equal object."""
        return {"limit": self.limit, "clip": self.clip}


def checked_limit(limit: Any) -> float:
    """Return `limit` as a float if it is a finite number above 0."""
    if _checks.weight("limit", limit) == 0:
        raise ValueError(f"`limit` must be above 0. Received: {limit!r}.")
    return float(limit)
