"""Random affine transformation: rotation, scaling and shear."""

import itertools
import math
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.data.augmentation._image import check_fill, check_image


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomAffine:
    """Random rotation, scaling and shear about the centre, with linear interpolation.

    Pixels from outside the image are background. A volume is rotated about each of its three axes,
    with cubic voxels assumed: resample it to equal spacings first. For an additional elastic
    deformation use `RandomWarp`, which interpolates only once and therefore blurs less.

    Args:
        rotation: The largest angle in either direction, in degrees, in `[0, 180]`. Defaults to
            10.0.
        scale: The largest relative change of size, in `[0, 1)`: the factor, the same along every
            axis, is drawn from `[1 - scale, 1 + scale]`. Defaults to 0.1.
        shear: The largest shift of an axis per pixel along a later one, in `[0, 1)`. Defaults to
            0.05.
        fill: Background value, in `[-1, 1]`. Defaults to -1.0, which is air.

    Raises:
        ValueError: An argument is out of its range, or the array is not one image.
        ImportError: scipy is not installed.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomAffine
        >>> image = np.ones((32, 32, 1), "float32")
        >>> turned = RandomAffine(rotation=20.0, scale=0.0)(image, np.random.default_rng(0))
        >>> turned.shape, turned[16, 16].tolist(), turned[0, 0].tolist()  # a corner went out
        ((32, 32, 1), [1.0], [-1.0])
    """

    def __init__(
        self,
        rotation: float = 10.0,
        scale: float = 0.1,
        shear: float = 0.05,
        fill: float = -1.0,
    ):
        self.rotation = _checks.weight("rotation", rotation)
        if self.rotation > 180:
            raise ValueError(f"`rotation` must be in [0, 180] degrees. Received: {rotation!r}.")
        self.scale = _checks.fraction("scale", scale)
        self.shear = _checks.fraction("shear", shear)
        self.fill = check_fill(fill)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, rotated, scaled and sheared."""
        check_image(image)
        ndimage = require("scipy.ndimage", extra="preprocessing")
        matrix, offset = self.draw(image.shape[:-1], rng)
        result = np.empty(image.shape, "float32")
        for channel in range(image.shape[-1]):
            result[..., channel] = ndimage.affine_transform(
                image[..., channel],
                matrix,
                offset,
                output=np.float32,
                order=1,
                mode="grid-constant",
                cval=self.fill,
            )
        return result

    def draw(self, shape: tuple, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """Draw a transform of an image of `shape`, without channels.

        Returns:
            A matrix and an offset that take a pixel of the result, as indices along the axes, to
            the place in the image that it shows.
        """
        axes = len(shape)
        forward = np.eye(axes)
        # Each plane of two axes in turn: one in an image, three in a volume.
        for first, second in itertools.combinations(range(axes), 2):
            angle = math.radians(rng.uniform(-self.rotation, self.rotation))
            turn = np.eye(axes)
            turn[first, first] = turn[second, second] = math.cos(angle)
            turn[first, second], turn[second, first] = -math.sin(angle), math.sin(angle)
            forward = forward @ turn
        forward *= rng.uniform(1 - self.scale, 1 + self.scale)
        # Only above the diagonal, since combined shears could flatten a volume.
        shears = rng.uniform(-self.shear, self.shear, (axes, axes))
        matrix = np.linalg.inv(forward @ (np.eye(axes) + np.triu(shears, 1)))
        centre = (np.array(shape) - 1) / 2
        return matrix, centre - matrix @ centre

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {
            "rotation": self.rotation,
            "scale": self.scale,
            "shear": self.shear,
            "fill": self.fill,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomAffine":
        """Make an object from what `get_config` returned."""
        return cls(**config)
