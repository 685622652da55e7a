"""Random patches of the head, compared between two unpaired contrasts."""

from typing import NamedTuple

import numpy as np

AIR = -0.95  # Largest value of air, which is not compared.
JITTER = 2  # Maximum jitter of a patch centre, in pixels of a 128-pixel image.
REFERENCE_SIZE = 128


class Shape(NamedTuple):
    """A square patch.

    Attributes:
        side: Odd number of pixels along each side.
        step: Spacing of the pixels, in pixels of a 128-pixel image.
    """

    side: int
    step: int


# Single pixels, 3 x 3 pixels of three sizes, and 5 x 5 pixels.
SHAPES = (Shape(1, 1), Shape(3, 1), Shape(3, 2), Shape(3, 4), Shape(5, 2))


class Patches(NamedTuple):
    """Patches of one shape.

    Attributes:
        values: Float32, `(patches, pixels)`.
        places: Centres relative to the middle of the image, as fractions of its size, float32
            `(patches, 2)`.
    """

    values: np.ndarray
    places: np.ndarray


def draw_patches(images: np.ndarray, shape: Shape, count: int, rng: np.random.Generator) -> Patches:
    """Draw patches at random positions in the head.

    Args:
        images: `(images, height, width)` in [-1, 1].
        shape: Shape of the patches.
        count: Number of patches.
        rng: Random number generator.

    Returns:
        The patches, all inside their image.
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
    """Return the smallest height and width of an image that contains all patch shapes."""
    return max(shape.side // 2 * shape.step for shape in SHAPES) * 2 + 1
