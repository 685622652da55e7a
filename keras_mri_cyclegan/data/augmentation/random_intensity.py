"""Random change of intensities: gamma and scale."""

import math
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.data.augmentation._image import image_of, magnitude


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomIntensity:
    """Random gamma correction and darkening of an image.

    A CycleGAN learns a contrast from the intensities of its images: with this augmentation the
    learnt contrast is less definite, and the translations vary. Use it if the intensities of the
    scans vary anyway, such as between scanners, and normalisation cannot remove the variation.

    The magnitude `(image + 1) / 2` is raised to a random exponent and multiplied by a factor of at
    most 1, so that no value saturates. Air is not changed.

    Args:
        gamma: The largest relative change of the exponent, of at least 0: the exponent is drawn
            from `[1 / (1 + gamma), 1 + gamma]`, above 1 as often as below. Defaults to 0.2.
        scale: The largest darkening, in `[0, 1)`: the factor is drawn from `[1 - scale, 1]`.
            Defaults to 0.1.

    Raises:
        ValueError: An argument is out of its range, or the array is not one image with values in
            `[-1, 1]`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomIntensity
        >>> image = np.array([[[-1.0], [0.0], [1.0]]], "float32")
        >>> changed = RandomIntensity(gamma=0.5)(image, np.random.default_rng(0))
        >>> [round(value, 2) for value in changed[0, :, 0].tolist()]
        [-1.0, -0.15, 0.85]
    """

    def __init__(self, gamma: float = 0.2, scale: float = 0.1):
        self.gamma = _checks.weight("gamma", gamma)
        self.scale = _checks.fraction("scale", scale)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, in another contrast."""
        changed = magnitude(image)
        limit = math.log1p(self.gamma)
        changed **= np.float32(math.exp(rng.uniform(-limit, limit)))
        changed *= np.float32(rng.uniform(1 - self.scale, 1))
        return image_of(changed)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"gamma": self.gamma, "scale": self.scale}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomIntensity":
        """Make an object from what `get_config` returned."""
        return cls(**config)
