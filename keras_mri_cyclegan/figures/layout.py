"""Layout of tiles in rows and columns on a dark background, with titles."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks

# In pixels and grey levels. Most tiles are 128 to 192 pixels wide.
TILE_SIZE = 192
FONT_SIZE = 15
MARGIN = 8
GAP = 4
BACKGROUND = 24
TEXT = 225


@dataclasses.dataclass(frozen=True)
class Layout:
    """A picture of tiles and the position of the tiles.

    Args:
        picture: A `PIL.Image`, grey if every tile is grey, otherwise RGB.
        tiles: Vertical extent of all tiles in pixels: first row and one past the last row.
        line: Height of a line of text, in pixels.
    """

    picture: Any
    tiles: tuple[int, int]
    line: int


def load_font() -> tuple[Any, int]:
    """Return the font of the titles and the height of a line of text."""
    from PIL import ImageFont

    font = ImageFont.load_default(FONT_SIZE)
    line = sum(font.getmetrics()) if isinstance(font, ImageFont.FreeTypeFont) else FONT_SIZE
    return font, line


def lay_out(
    tiles: list[list[np.ndarray]],
    titles: Sequence[str] | None,
    row_titles: Sequence[str] | None,
    caption: str | None,
    scale: int | None,
) -> Layout:
    """Draw tiles and titles into one picture.

    Args:
        tiles: uint8 arrays, `(height, width)` grey or `(height, width, 3)` colour, by row.
        titles: One title above each column, or `None`.
        row_titles: One title to the left of each row, or `None`.
        caption: One line of text at the top, or `None`.
        scale: Every pixel is drawn as a square of `scale` by `scale`; `None` for the largest scale
            that keeps a tile within 192 pixels.

    Raises:
        ValueError: Inconsistent numbers or shapes of tiles and titles, or a `scale` below 1.
    """
    from PIL import Image, ImageDraw

    columns = _checked_columns(tiles)
    _check_titles("titles", titles, columns, "column")
    _check_titles("row_titles", row_titles, len(tiles), "row")

    if scale is None:
        scale = max(1, TILE_SIZE // max(tiles[0][0].shape[:2]))
    scale = _checks.positive_int("scale", scale)
    tile_height, tile_width = (scale * size for size in tiles[0][0].shape[:2])

    font, line = load_font()

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

    in_colour = any(tile.ndim == 3 for row in tiles for tile in row)
    picture = Image.new("L", (width, height), BACKGROUND)
    picture = picture.convert("RGB") if in_colour else picture
    draw = ImageDraw.Draw(picture)
    fill = text_colour(picture)
    if caption:
        draw.text((MARGIN, MARGIN), caption, fill=fill, font=font)
    for column, title in enumerate(titles or []):
        x = left + column * (cell_width + GAP) + (cell_width - font.getlength(title)) // 2
        draw.text((x, MARGIN + caption_height), title, fill=fill, font=font)
    for row, images in enumerate(tiles):
        y = top + row * (cell_height + GAP)
        if row_titles:
            text_y = y + (cell_height - line) // 2
            draw.text((MARGIN, text_y), row_titles[row], fill=fill, font=font)
        for column, image in enumerate(images):
            x = left + column * (cell_width + GAP) + (cell_width - tile_width) // 2
            enlarged = image.repeat(scale, axis=0).repeat(scale, axis=1)
            picture.paste(Image.fromarray(enlarged), (x, y + (cell_height - tile_height) // 2))
    return Layout(picture, (top, height - MARGIN), line)


def text_colour(picture: Any) -> Any:
    """Return the fill colour of text: a grey level, or an RGB tuple."""
    return TEXT if picture.mode == "L" else (TEXT,) * 3


def _checked_columns(tiles: list[list[np.ndarray]]) -> int:
    lengths = sorted({len(row) for row in tiles})
    if len(lengths) != 1 or lengths[0] == 0:
        raise ValueError(
            "`rows` must hold at least one row, and all rows the same number of images, at least "
            "one. "
            f"Received: {len(tiles)} rows of {lengths} images."
        )
    shapes = sorted({tile.shape[:2] for row in tiles for tile in row})
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
