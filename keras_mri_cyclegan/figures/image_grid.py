"""Image grid: grey images in rows and columns, with titles."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan.figures.layout import lay_out
from keras_mri_cyclegan.figures.tiles import checked_value_range, grey_tile


def image_grid(
    rows: Sequence[Sequence[Any]],
    titles: Sequence[str] | None = None,
    row_titles: Sequence[str] | None = None,
    scale: int | None = None,
    value_range: tuple[float, float] = (-1.0, 1.0),
    caption: str | None = None,
) -> np.ndarray:
    """Draw images in rows and columns on a dark background, with titles.

    For display only: values outside `value_range` are drawn black or white, NaN black. Volumes are
    drawn as their middle slice, several channels as the middle channel.

    Args:
        rows: Rows from top to bottom, each a list of images from left to right, or a batch. All
            rows have the same number of images, and all images the same shape: `(height, width)`,
            `(height, width, channels)` or `(depth, height, width, channels)`.
        titles: One title above each column. Defaults to none.
        row_titles: One title to the left of each row. Defaults to none.
        scale: Every pixel is drawn as a square of `scale` by `scale` pixels. Defaults to the
            largest scale that keeps an image within 192 pixels, and at least 1.
        value_range: Values drawn black and white. Defaults to `(-1.0, 1.0)`.
        caption: One line of text at the top. Defaults to none.

    Returns:
        uint8 array `(height, width)`, 0 black, 255 white.

    Raises:
        ValueError: Images of different or unsupported shapes, rows of different lengths, a wrong
            number of titles, integer images outside `value_range`, or an invalid `scale` or
            `value_range`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan import figures
        >>> images = np.random.default_rng(0).uniform(-1, 1, (3, 64, 64, 1))
        >>> picture = figures.image_grid([images, -images], titles=["1", "2", "3"])
        >>> picture.dtype, picture.ndim
        (dtype('uint8'), 2)
    """
    low, high = checked_value_range(value_range)
    tiles = [[grey_tile("rows", image, low, high) for image in row] for row in rows]
    return np.array(lay_out(tiles, titles, row_titles, caption, scale).picture)
