"""Images side by side, in grey."""

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
    """Lay images out in rows and columns on a dark background, with titles.

    For display only: values outside `value_range` are drawn black or white, NaN black. Of a volume
    the middle slice is drawn, of several channels the middle one.

    Args:
        rows: The rows from top to bottom, each a list of images from left to right. All rows have
            equally many images, and all images the same shape: `(height, width)`,
            `(height, width, channels)` or `(depth, height, width, channels)`. A batch is a row.
        titles: One title above each column. Defaults to none.
        row_titles: One title to the left of each row. Defaults to none.
        scale: Every pixel is drawn as a square of `scale` by `scale` pixels. Defaults to the
            largest that keeps an image within 192 pixels, and at least 1.
        value_range: The values drawn black and white. Defaults to `(-1.0, 1.0)`.
        caption: One line above everything. Defaults to none.

    Returns:
        uint8 array `(height, width)`, 0 black, 255 white.

    Raises:
        ValueError: Images of different or unknown shapes, rows of different lengths, titles that
            are too many or too few, integer images outside `value_range`, or a `scale` or
            `value_range` that cannot be used.

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
