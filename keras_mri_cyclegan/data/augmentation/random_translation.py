"""Random shift by whole pixels."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.data.augmentation._image import check_fill, check_image


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomTranslation:
    """Random shift of an image by whole pixels along every spatial axis.

    No pixel is interpolated. Pixels shifted out of the image are lost (no wrap-around), and
    background is shifted in.

    Args:
        fraction: The largest shift in either direction, as a fraction of the axis' size, in
            `[0, 1)`; rounded down to whole pixels. Every shift up to it is equally likely.
            Defaults to 0.1.
        fill: Background value, in `[-1, 1]`. Defaults to -1.0, which is air.

    Raises:
        ValueError: An argument is out of its range, or the array is not one image.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomTranslation
        >>> image = np.zeros((20, 20, 1), "float32")
        >>> shifted = RandomTranslation(fraction=0.2)(image, np.random.default_rng(0))
        >>> shifted.shape, sorted(set(shifted.ravel().tolist()))
        ((20, 20, 1), [-1.0, 0.0])
    """

    def __init__(self, fraction: float = 0.1, fill: float = -1.0):
        self.fraction = _checks.fraction("fraction", fraction)
        self.fill = check_fill(fill)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, shifted."""
        check_image(image)
        source, target = [], []
        for size in image.shape[:-1]:
            limit = int(self.fraction * size)
            shift = int(rng.integers(-limit, limit, endpoint=True))
            source.append(slice(max(-shift, 0), size - max(shift, 0)))
            target.append(slice(max(shift, 0), size - max(-shift, 0)))
        shifted = np.full_like(image, self.fill)
        shifted[tuple(target)] = image[tuple(source)]
        return shifted

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"fraction": self.fraction, "fill": self.fill}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomTranslation":
        """Make an object from what `get_config` returned."""
        return cls(**config)
