"""Random Rician noise, the noise of magnitude images."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.data.augmentation._image import image_of, magnitude


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomNoise:
    """Random Rician noise of MR magnitude images.

    A scanner's noise is Gaussian in the real and in the imaginary part, and the image is the
    magnitude of both. With the magnitude `m = (image + 1) / 2` the result is
    `sqrt((m + n1)^2 + n2^2)`: nearly Gaussian noise in tissue, and a higher mean in dark regions,
    as in a noisy scan. Values are never below -1; values above 1 are clipped to 1, as by a
    normalisation that saturates the brightest voxels.

    Pixels of exactly -1 are not changed: they are not measured, but left empty by a mask, padding
    or a shift, and noise there would teach a network an edge that depends on the noise.

    Args:
        std: The largest standard deviation of `n1` and `n2`, in units of the image: 0.02 is 1 % of
            the range `[-1, 1]`. The standard deviation of each image is drawn from `[0, std]`.
            Defaults to 0.04.

    Raises:
        ValueError: `std` is not a number of at least 0, or the array is not one image with values
            in `[-1, 1]`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomNoise
        >>> image = np.array([[[-1.0], [0.0], [1.0]]], "float32")
        >>> noisy = RandomNoise(std=0.1)(image, np.random.default_rng(1))
        >>> noisy[0, 0].tolist(), bool(0 < abs(noisy[0, 1, 0]) < 0.2), bool(noisy.max() <= 1)
        ([-1.0], True, True)

    References:
        - Gudbjartsson and Patz, "The Rician distribution of noisy MRI data", MRM 34 (1995)
          910-914, https://doi.org/10.1002/mrm.1910340618
    """

    def __init__(self, std: float = 0.04):
        self.std = _checks.weight("std", std)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, with noise."""
        clean = magnitude(image)
        std = np.float32(rng.uniform(0, self.std) / 2)  # the magnitude has half the image's range
        real = rng.standard_normal(image.shape, dtype="float32")
        real *= std
        real += clean
        imaginary = rng.standard_normal(image.shape, dtype="float32")
        imaginary *= std
        noisy = np.hypot(real, imaginary)
        np.minimum(noisy, 1, out=noisy)
        noisy *= clean > 0
        return image_of(noisy)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"std": self.std}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomNoise":
        """Make an object from what `get_config` returned."""
        return cls(**config)
