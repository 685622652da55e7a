"""Percentile normalisation."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing.normalization import LinearNormalization, foreground
from keras_mri_cyclegan.volumes import Volume


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Percentile(LinearNormalization):
    """Normalise a scan to [-1, 1] by two percentiles; robust to a few bright voxels.

    The lower percentile is taken over all voxels, so that air stays darker than the darkest
    tissue; the upper percentile inside the volume's mask, or, without a mask, over all voxels. By
    default **values beyond the percentiles are clipped** to [-1, 1], the range of a network's
    output. With `clip=False` they are kept, and `invert` is exact to float32 rounding.

    Args:
        low: The percentile mapped to -1, in `[0, 100]`. Defaults to 0.5: earlier interpolation
            leaves a few values far below air.
        high: The percentile mapped to 1, in `[0, 100]`, above `low`. Defaults to 99.5.
        clip: Whether to clip values to [-1, 1]. The record's `"clipped"` is the clipped share of
            all voxels. Defaults to `True`.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: Both percentiles of a scan are the same value, or the scan's mask is empty.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Percentile
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.arange(101.0).reshape(1, 1, 101), np.eye(4))
        >>> normalised, record = Percentile(low=0, high=80).apply(scan, {})
        >>> normalised.array[0, 0, ::20].tolist()
        [-1.0, -0.5, 0.0, 0.5, 1.0, 1.0]
        >>> record["low"], record["high"], round(record["clipped"], 3)
        (0.0, 80.0, 0.198)
    """

    def __init__(self, low: float = 0.5, high: float = 99.5, clip: bool = True):
        super().__init__(clip)
        self.low = _checks.weight("low", low)
        self.high = _checks.weight("high", high)
        if not self.low < self.high <= 100:
            raise ValueError(
                "`low` and `high` must be percentiles with 0 <= low < high <= 100. Received: "
                f"low={low!r}, high={high!r}."
            )

    def limits(self, volume: Volume) -> tuple[float, float]:
        """Return the two percentiles."""
        low = np.percentile(volume.array.ravel().astype("float64"), self.low, overwrite_input=True)
        inside = foreground(volume, with_air=True).astype("float64")
        return float(low), float(np.percentile(inside, self.high, overwrite_input=True))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"low": self.low, "high": self.high, "clip": self.clip}
