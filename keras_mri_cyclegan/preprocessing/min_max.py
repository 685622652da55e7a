"""Min-max normalisation."""

from typing import Any

import keras

from keras_mri_cyclegan.preprocessing.normalization import LinearNormalization
from keras_mri_cyclegan.volumes import Volume


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class MinMax(LinearNormalization):
    """Normalise a scan to [-1, 1] by its lowest and highest value.

    No value is clipped, and `invert` is exact to float32 rounding. A single bright voxel darkens
    all others, so `Percentile` is usually the better choice for training.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import MinMax
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.array([-100.0, 0.0, 300.0]).reshape(1, 1, 3), np.eye(4))
        >>> normalised, record = MinMax().apply(scan, {})
        >>> normalised.array.ravel().tolist(), record["low"], record["high"]
        ([-1.0, -0.5, 1.0], -100.0, 300.0)
        >>> MinMax().invert(normalised, record).array.ravel().tolist()
        [-100.0, 0.0, 300.0]
    """

    def __init__(self) -> None:
        super().__init__(clip=False)

    def limits(self, volume: Volume) -> tuple[float, float]:
        """Return the lowest and the highest value."""
        return float(volume.array.min()), float(volume.array.max())

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {}
