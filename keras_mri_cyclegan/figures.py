"""Pictures of images side by side, as PNG or GIF files, without a plotting library."""

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_mri_cyclegan import _checks

# In pixels and grey levels. Most tiles come out 128 to 192 pixels wide.
TILE_SIZE = 192
FONT_SIZE = 15
MARGIN = 8
GAP = 4
BACKGROUND = 24
TEXT = 225


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
    from PIL import Image, ImageDraw, ImageFont

    low, high = _checked_value_range(value_range)
    tiles = [[_tile(image, low, high) for image in row] for row in rows]
    columns = _checked_columns(tiles)
    _check_titles("titles", titles, columns, "column")
    _check_titles("row_titles", row_titles, len(tiles), "row")

    if scale is None:
        scale = max(1, TILE_SIZE // max(tiles[0][0].shape))
    scale = _checks.positive_int("scale", scale)
    tile_height, tile_width = (scale * size for size in tiles[0][0].shape)

    font = ImageFont.load_default(FONT_SIZE)
    line = sum(font.getmetrics()) if isinstance(font, ImageFont.FreeTypeFont) else FONT_SIZE

    def text_width(texts: Sequence[str] | None) -> int:
        return max((int(np.ceil(font.getlength(text))) for text in texts or []), default=0)

    cell_width = max(tile_width, text_width(titles))
    cell_height = max(tile_height, line if row_titles else 0)
    left = MARGIN + (text_width(row_titles) + MARGIN if row_titles else 0)
    caption_height = line + GAP if caption is not None else 0
    top = MARGIN + caption_height + (line + GAP if titles else 0)
    width = left + columns * (cell_width + GAP) - GAP + MARGIN
    width = max(width, text_width([caption or ""]) + 2 * MARGIN)
    height = top + len(tiles) * (cell_height + GAP) - GAP + MARGIN

    picture = Image.new("L", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    if caption:
        draw.text((MARGIN, MARGIN), caption, fill=TEXT, font=font)
    for column, title in enumerate(titles or []):
        x = left + column * (cell_width + GAP) + (cell_width - font.getlength(title)) // 2
        draw.text((x, MARGIN + caption_height), title, fill=TEXT, font=font)
    for row, images in enumerate(tiles):
        y = top + row * (cell_height + GAP)
        if row_titles:
            text_y = y + (cell_height - line) // 2
            draw.text((MARGIN, text_y), row_titles[row], fill=TEXT, font=font)
        for column, image in enumerate(images):
            x = left + column * (cell_width + GAP) + (cell_width - tile_width) // 2
            enlarged = image.repeat(scale, axis=0).repeat(scale, axis=1)
            picture.paste(Image.fromarray(enlarged), (x, y + (cell_height - tile_height) // 2))
    return np.array(picture)


def save_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write a picture as a PNG file.

    The file appears under its name only once it is complete.

    Args:
        path: The file, ending in `.png`, in a folder that exists. An older file is replaced.
        image: uint8 array, `(height, width)` grey or `(height, width, 3)` colour.

    Raises:
        ValueError: Another ending, or an array that is not such a picture.
        OSError: The file cannot be written.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan import figures
        >>> picture = figures.image_grid([np.zeros((2, 64, 64, 1))])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     figures.save_png(os.path.join(folder, "zeros.png"), picture)
        ...     os.listdir(folder)
        ['zeros.png']
    """
    from PIL import Image

    picture = Image.fromarray(_checked_picture("image", image))
    with _complete_or_absent(path, ".png") as file:
        picture.save(file, format="PNG")


def save_gif(
    path: str | os.PathLike, images: Iterable[np.ndarray], seconds_per_frame: float = 0.25
) -> None:
    """Write pictures as an animated GIF file that repeats for ever.

    The file appears under its name only once it is complete. Equal neighbours are stored as one
    frame of their joint duration. Grey levels are kept; colours are reduced to 256 a frame.

    Args:
        path: The file, ending in `.gif`, in a folder that exists. An older file is replaced.
        images: uint8 arrays of one shape, `(height, width)` grey or `(height, width, 3)` colour.
        seconds_per_frame: How long each picture is shown, rounded to hundredths (the format's
            unit); at least 0.02, since viewers slow down anything faster. Defaults to 0.25.

    Raises:
        ValueError: Another ending, no picture, arrays that are not such pictures or differ in
            shape, or a `seconds_per_frame` below 0.02.
        OSError: The file cannot be written.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan import figures
        >>> pictures = [np.full((32, 32), grey, "uint8") for grey in (0, 128, 255)]
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     figures.save_gif(os.path.join(folder, "fade.gif"), pictures, seconds_per_frame=0.5)
        ...     os.listdir(folder)
        ['fade.gif']
    """
    from PIL import Image

    seconds = checked_seconds("seconds_per_frame", seconds_per_frame)
    duration = 10 * round(100 * seconds)  # In milliseconds, as Pillow wants it.
    pictures = [_checked_picture("images", image) for image in images]
    shapes = sorted({picture.shape for picture in pictures})
    if len(shapes) != 1:
        found = ", ".join(map(str, shapes)) or "no picture"
        raise ValueError(f"`images` must hold pictures of one shape. Received: {found}.")
    first, *others = [Image.fromarray(picture) for picture in pictures]
    with _complete_or_absent(path, ".gif") as file:
        first.save(
            file, format="GIF", save_all=True, append_images=others, duration=duration, loop=0
        )


def _tile(image: Any, low: float, high: float) -> np.ndarray:
    """One image as uint8 `(height, width)`."""
    array = np.asarray(image)
    if array.ndim not in (2, 3, 4) or array.size == 0:
        raise ValueError(
            "`rows` must hold images of shape (height, width), (height, width, channels) or "
            f"(depth, height, width, channels). Received: shape {array.shape}."
        )
    if array.dtype.kind not in "fiu":
        raise ValueError(f"`rows` must hold real numbers. Received: dtype {array.dtype}.")
    if array.dtype.kind in "iu" and (array.min() < low or array.max() > high):
        raise ValueError(
            f"`rows` holds integers in [{array.min()}, {array.max()}], outside of `value_range` "
            f"({low:g}, {high:g}). For 8-bit images pass value_range=(0, 255)."
        )
    if array.ndim == 4:
        array = array[array.shape[0] // 2]
    if array.ndim == 3:
        array = array[..., array.shape[-1] // 2]
    share = (array.astype("float64") - low) / (high - low)
    share = np.nan_to_num(share, nan=0.0, posinf=1.0, neginf=0.0)
    return np.round(255 * np.clip(share, 0, 1)).astype("uint8")


def _checked_value_range(value_range: Any) -> tuple[float, float]:
    try:
        low, high = (float(value) for value in value_range)
    except (TypeError, ValueError):
        low, high = np.nan, np.nan
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(
            "`value_range` must be two numbers (low, high) with low < high. "
            f"Received: {value_range!r}."
        )
    return low, high


def _checked_columns(tiles: list[list[np.ndarray]]) -> int:
    lengths = sorted({len(row) for row in tiles})
    if len(lengths) != 1 or lengths[0] == 0:
        raise ValueError(
            "`rows` must hold at least one row, and all rows equally many images, at least one. "
            f"Received: {len(tiles)} rows of {lengths} images."
        )
    shapes = sorted({tile.shape for row in tiles for tile in row})
    if len(shapes) != 1:
        raise ValueError(
            f"`rows` must hold images of one height and width. Received: {shapes}. Resize or pad "
            "them first."
        )
    return lengths[0]


def _check_titles(name: str, titles: Any, expected: int, unit: str) -> None:
    if titles is None:
        return
    if isinstance(titles, str) or not all(isinstance(title, str) for title in titles):
        raise ValueError(f"`{name}` must be a list of strings. Received: {titles!r}.")
    if len(titles) != expected:
        raise ValueError(
            f"`{name}` must hold one title for each of the {expected} {unit}s. Received: "
            f"{len(titles)} titles."
        )


def _checked_picture(name: str, image: Any) -> np.ndarray:
    array = np.asarray(image)
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)
    if array.dtype != np.uint8 or not is_picture or array.size == 0:
        raise ValueError(
            f"`{name}` must be uint8, (height, width) or (height, width, 3). Received: dtype "
            f"{array.dtype}, shape {array.shape}. `image_grid` makes such a picture of images."
        )
    return array


def checked_seconds(name: str, value: Any) -> float:
    """Return `value` if it is a time, in seconds, for which a GIF can show a picture."""
    seconds = _checks.weight(name, value)
    if seconds < 0.02:
        raise ValueError(f"`{name}` must be at least 0.02. Received: {value!r}.")
    return seconds


@contextlib.contextmanager
def _complete_or_absent(path: str | os.PathLike, ending: str) -> Iterator[BinaryIO]:
    """Open a file beside `path` that takes its place once written, or vanishes on an error."""
    path = Path(path)
    if path.suffix.lower() != ending:
        raise ValueError(f"`path` must end in {ending}. Received: {str(path)!r}.")
    # Its own name for each process, and not from `tempfile`, whose files only the owner may read.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
