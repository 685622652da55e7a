"""Random elastic deformation."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._cubic_spline import cubic_basis
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.data.augmentation._image import check_fill, check_image

# A cubic B-spline whose control points move by less than 1 / 2.046 of their distance in the plane,
# 1 / 2.479 in space, folds nowhere: Choi and Lee, Graphical Models 62 (2000) 411-427.
LARGEST_SHIFT = 0.4


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomElastic:
    """Random smooth deformation with linear interpolation, for the variety of head shapes.

    Control points on a coarse lattice get random shifts, interpolated by a cubic B-spline. Every
    pixel moves by less than `amplitude`, most by a quarter of it or less. The limit on `amplitude`
    prevents folding: no tissue appears twice or inside out.

    Args:
        amplitude: The largest shift along each axis, as a fraction of its size, in
            `[0, 0.4 / grid]`. Defaults to 0.03.
        grid: Integer, number of cells of the lattice along each axis; more cells give a finer
            deformation. Defaults to 4.
        fill: Background value, in `[-1, 1]`, for pixels from outside. Defaults to -1.0, which is
            air.

    Raises:
        ValueError: An argument is out of its range, or the array is not one image.
        ImportError: scipy is not installed.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomElastic
        >>> image = np.linspace(-1, 1, 64, dtype="float32").reshape(8, 8, 1)
        >>> bent = RandomElastic(amplitude=0.1)(image, np.random.default_rng(0))
        >>> bent.shape, bool(abs(bent).max() <= 1), np.array_equal(bent, image)
        ((8, 8, 1), True, False)
    """

    def __init__(self, amplitude: float = 0.03, grid: int = 4, fill: float = -1.0):
        self.amplitude = _checks.weight("amplitude", amplitude)
        self.grid = _checks.positive_int("grid", grid)
        if self.amplitude > LARGEST_SHIFT / self.grid:
            raise ValueError(
                f"`amplitude` must be at most {LARGEST_SHIFT} / grid = "
                f"{LARGEST_SHIFT / self.grid:g}, or the image could fold over itself. Received: "
                f"{amplitude!r}. For larger shifts use a coarser `grid`."
            )
        self.fill = check_fill(fill)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, deformed."""
        check_image(image)
        places = self.draw(image.shape[:-1], rng)
        return sample(image, places, self.fill)

    def draw(self, shape: tuple, rng: np.random.Generator) -> np.ndarray:
        """Draw a deformation of an image of `shape`, without channels.

        Returns:
            float32 array `(axes, *shape)`: the place in the image, as indices along its axes, that
            each pixel of the result shows.
        """
        places = np.empty((len(shape), *shape), "float32")
        bases = [cubic_basis(size, self.grid) for size in shape]
        for axis, size in enumerate(shape):
            limit = self.amplitude * size
            field = rng.uniform(-limit, limit, [self.grid + 3] * len(shape)).astype("float32")
            for along, basis in enumerate(bases):
                field = np.moveaxis(np.tensordot(basis, field, (1, along)), 0, along)
            index = np.arange(size, dtype="float32")
            places[axis] = field + index.reshape(
                [-1 if i == axis else 1 for i in range(len(shape))]
            )
        return places

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"amplitude": self.amplitude, "grid": self.grid, "fill": self.fill}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomElastic":
        """Make an object from what `get_config` returned."""
        return cls(**config)


def sample(image: np.ndarray, places: np.ndarray, fill: float) -> np.ndarray:
    """Return `image` at `places`, `(axes, *shape)`, linear between its pixels."""
    ndimage = require("scipy.ndimage", extra="preprocessing")
    result = np.empty(image.shape, "float32")
    for channel in range(image.shape[-1]):
        result[..., channel] = ndimage.map_coordinates(
            image[..., channel],
            places,
            output=np.float32,
            order=1,
            mode="grid-constant",
            cval=fill,
        )
    return result
