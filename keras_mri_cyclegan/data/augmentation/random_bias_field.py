"""Random bias field: the smooth shading of a receive coil."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.data.augmentation._image import image_of, magnitude


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomBiasField:
    """Random smooth shading of an image, as by a coil's sensitivity.

    The magnitude `(image + 1) / 2` is multiplied by the exponential of a random polynomial of the
    position. Air is not changed. The total magnitude of the image is preserved (a head keeps its
    mean brightness); values above 1 are clipped to 1, as by a normalisation that saturates the
    brightest voxels.

    Args:
        strength: The largest absolute logarithm of the field, in `[0, 1)`: with 0.2 the field stays
            within about 20 % of 1. The strength of each image is drawn from `[0, strength]`.
            Defaults to 0.2.
        order: Integer, the polynomial's order. Defaults to 3.

    Raises:
        ValueError: An argument is out of its range, or the array is not one image with values in
            `[-1, 1]`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomBiasField
        >>> image = np.zeros((4, 4, 1), "float32")
        >>> image[0] = -1
        >>> shaded = RandomBiasField(strength=0.5)(image, np.random.default_rng(0))
        >>> bool((shaded[0] == -1).all()), bool(np.ptp(shaded[1:]) > 0.1)
        (True, True)

    References:
        - Van Leemput et al., "Automated model-based bias field correction of MR images of the
          brain", IEEE TMI 18 (1999) 885-896, https://doi.org/10.1109/42.811268 (the polynomials)
    """

    def __init__(self, strength: float = 0.2, order: int = 3):
        self.strength = _checks.fraction("strength", strength)
        self.order = _checks.positive_int("order", order)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, shaded."""
        even = magnitude(image)
        total = float(even.sum(dtype="float64"))
        shaded = even * self.draw(image.shape[:-1], rng)[..., None]
        if total > 0:  # otherwise the image is all air
            shaded *= np.float32(total / shaded.sum(dtype="float64"))
        np.minimum(shaded, 1, out=shaded)
        return image_of(shaded)

    def draw(self, shape: tuple, rng: np.random.Generator) -> np.ndarray:
        """Draw a field, float32 of `shape`, the image's without channels."""
        coefficients = rng.standard_normal([self.order + 1] * len(shape)).astype("float32")
        degree = np.indices(coefficients.shape).sum(0)
        coefficients[(degree == 0) | (degree > self.order)] = 0
        log = coefficients
        for axis, size in enumerate(shape):
            # Legendre polynomials: plain higher powers would act only on the corners.
            place = (np.arange(size) + 0.5) / size * 2 - 1
            basis = np.polynomial.legendre.legvander(place, self.order).astype("float32")
            log = np.moveaxis(np.tensordot(basis, log, (1, axis)), 0, axis)
        largest = float(np.abs(log).max())
        strength = rng.uniform(0, self.strength)
        if largest > 0:  # 0 if every axis has one pixel
            log = log * np.float32(strength / largest)
        return np.exp(log)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"strength": self.strength, "order": self.order}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomBiasField":
        """Make an object from what `get_config` returned."""
        return cls(**config)
