"""Random affine and elastic deformation with a single interpolation."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.data.augmentation._image import check_image
from keras_mri_cyclegan.data.augmentation.random_affine import RandomAffine
from keras_mri_cyclegan.data.augmentation.random_elastic import RandomElastic, sample


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomWarp:
    """`RandomAffine`, then `RandomElastic`, with a single interpolation: less blur, less time.

    Args:
        rotation: The largest angle, in degrees, as in `RandomAffine`. Defaults to 10.0.
        scale: The largest relative change of size, as in `RandomAffine`. Defaults to 0.1.
        shear: The largest shear, as in `RandomAffine`. Defaults to 0.05.
        amplitude: The largest shift of the deformation, as in `RandomElastic`. Defaults to 0.03.
        grid: Integer, the cells of its lattice, as in `RandomElastic`. Defaults to 4.
        fill: Background value, in `[-1, 1]`. Defaults to -1.0, which is air.

    Raises:
        ValueError: An argument is out of its range, or the array is not one image.
        ImportError: scipy is not installed.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomWarp
        >>> image = np.zeros((32, 32, 1), "float32")
        >>> warped = RandomWarp(rotation=5.0)(image, np.random.default_rng(0))
        >>> warped.shape, warped[16, 16].tolist()
        ((32, 32, 1), [0.0])
    """

    def __init__(
        self,
        rotation: float = 10.0,
        scale: float = 0.1,
        shear: float = 0.05,
        amplitude: float = 0.03,
        grid: int = 4,
        fill: float = -1.0,
    ):
        self.affine = RandomAffine(rotation, scale, shear, fill)
        self.elastic = RandomElastic(amplitude, grid, fill)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, warped."""
        check_image(image)
        matrix, offset = self.affine.draw(image.shape[:-1], rng)
        bent = self.elastic.draw(image.shape[:-1], rng)
        places = np.tensordot(matrix.astype("float32"), bent, 1)
        places += offset.astype("float32").reshape(-1, *[1] * (places.ndim - 1))
        return sample(image, places, self.affine.fill)

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {**self.affine.get_config(), **self.elastic.get_config()}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomWarp":
        """Make an object from what `get_config` returned."""
        return cls(**config)
