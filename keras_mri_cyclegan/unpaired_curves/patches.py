"""Patches of the head: what is compared between two contrasts that know nothing of each other."""

from typing import NamedTuple

import numpy as np

AIR = -0.95  # Up to here a pixel is air, in no contrast worth comparing.
JITTER = 2  # A patch lies about a pixel of the head by so many pixels, in an image of 128.
REFERENCE_SIZE = 128


class Shape(NamedTuple):
    """A square patch.

    Attributes:
        side: Pixels along its side, odd.
        step: How far they are apart, in an image of 128 pixels.
    """

    side: int
    step: int


# Single values, neighbourhoods of three sizes, and one of more points.
SHAPES = (Shape(1, 1), Shape(3, 1), Shape(3, 2), Shape(3, 4), Shape(5, 2))


class Patches(NamedTuple):
    """Patches of one shape.

    Attributes:
        values: Float32, `(patches, pixels)`.
        places: Their centres as shares of the image, about its middle, float32 `(patches, 2)`.
    """

    values: np.ndarray
    places: np.ndarray


def draw_patches(images: np.ndarray, shape: Shape, count: int, rng: np.random.Generator) -> Patches:
    """Draw patches from random places in the head.

    Args:
        images: `(images, height, width)` in [-1, 1].
        shape: The patch.
        count: How many.
        rng: Source of random numbers.

    Returns:
        The patches; all lie within their image.
    """
    height, width = images.shape[1:]
    scale = max(1, round(min(height, width) / REFERENCE_SIZE))
    reach = shape.side // 2 * shape.step * scale
    offsets = np.arange(-reach, reach + 1, shape.step * scale)
    image, row, column = np.nonzero(images > AIR)
    chosen = rng.integers(0, len(image), count)
    row, column = (
        np.clip(centre[chosen] + rng.integers(-JITTER * scale, JITTER * scale + 1, count), reach, n)
        for centre, n in ((row, height - 1 - reach), (column, width - 1 - reach))
    )
    values = images[
        image[chosen][:, None, None],
        row[:, None, None] + offsets[:, None],
        column[:, None, None] + offsets,
    ]
    places = np.stack([row / height - 0.5, column / width - 0.5], axis=1)
    return Patches(values.reshape(count, -1), places.astype("float32"))


def smallest_size() -> int:
    """Return the least height and width of an image that all patches fit into."""
    return max(shape.side // 2 * shape.step for shape in SHAPES) * 2 + 1
