"""Error maps: inputs, translations, truths and their differences, side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.figures.colour_maps import ABSOLUTE, SIGNED, coloured
from keras_mri_cyclegan.figures.layout import (
    BACKGROUND,
    GAP,
    MARGIN,
    Layout,
    lay_out,
    load_font,
    text_colour,
)
from keras_mri_cyclegan.figures.tiles import checked_value_range, grey_tile, plane_of

BAR = 16  # Width of the colour scale, in pixels.
MAPS = {"signed": SIGNED, "absolute": ABSOLUTE}
TITLES = ("input", "translation", "truth", "error")


def error_maps(
    source: Sequence[Any],
    translated: Sequence[Any],
    truth: Sequence[Any],
    *,
    error: str = "signed",
    limit: float | None = None,
    titles: Sequence[str] | None = TITLES,
    row_titles: Sequence[str] | None = None,
    scale: int | None = None,
    value_range: tuple[float, float] = (-1.0, 1.0),
    caption: str | None = None,
) -> np.ndarray:
    """Draw a row for each image: the input, its translation, the truth, and the error in colour.

    No error is black. Signed errors are red and yellow where the translation is too bright, blue
    where it is too dark; large absolute errors are bright. All rows share one colour scale, which
    is drawn at the right.

    For display only: intensities outside `value_range` are drawn black or white, errors beyond
    `limit` in the colour of `limit`; NaN is black in an image, and white in its error. Volumes are
    drawn as their middle slice, several channels as the middle channel.

    Args:
        source: Input images, `(images, height, width, channels)`, or a list of images
            `(height, width)`, `(height, width, channels)` or `(depth, height, width, channels)`.
        translated: Translations of the input images.
        truth: Real images of the target contrast, paired with `source`.
        error: `"signed"`, translation minus truth, or `"absolute"`. Defaults to `"signed"`.
        limit: Error at the end of the colour scale, in the unit of the images. Defaults to the
            largest error of all rows. Use the same limit for figures that are to be compared.
        titles: One title above each of the four columns, or `None`. Defaults to "input",
            "translation", "truth" and "error".
        row_titles: One title to the left of each row. Defaults to none.
        scale: Every pixel is drawn as a square of `scale` by `scale` pixels. Defaults to the
            largest scale that keeps an image within 192 pixels, and at least 1.
        value_range: Values drawn black and white. Defaults to `(-1.0, 1.0)`.
        caption: One line of text at the top. Defaults to none.

    Returns:
        uint8 array `(height, width, 3)`, for :func:`save_png`.

    Raises:
        ValueError: Images of different numbers or shapes, a wrong number of titles, or an invalid
            `error`, `limit`, `scale` or `value_range`.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=2, size=64)
        >>> picture = kmc.figures.error_maps(t1, -t1, t2)
        >>> picture.dtype, picture.ndim
        (dtype('uint8'), 3)
    """
    low, high = checked_value_range(value_range)
    colours = MAPS[_checks.one_of("error", error, tuple(MAPS))]
    _checks.compare_pairs(("source", "truth"), source, truth)
    batches = {"source": source, "translated": translated, "truth": truth}
    if len({len(batch) for batch in batches.values()}) != 1 or len(source) == 0:
        raise ValueError(
            "`source`, `translated` and `truth` must hold the same number of images, at least one. "
            f"Received: {', '.join(str(len(batch)) for batch in batches.values())}."
        )
    shapes = {np.shape(image) for batch in batches.values() for image in batch}
    if len(shapes) != 1:
        raise ValueError(
            "`source`, `translated` and `truth` must hold images of one shape. Received: "
            f"{sorted(shapes)}."
        )

    errors = [
        plane_of("translated", output).astype("float64") - plane_of("truth", target)
        for output, target in zip(translated, truth, strict=True)
    ]
    if error == "absolute":
        errors = [np.abs(each) for each in errors]
    limit = _checked_limit(limit, errors)
    lowest = -limit if error == "signed" else 0.0
    tiles = []
    for images, difference in zip(zip(*batches.values(), strict=True), errors, strict=True):
        greys = [
            grey_tile(name, image, low, high) for name, image in zip(batches, images, strict=True)
        ]
        colour = coloured((difference - lowest) / (limit - lowest), colours)
        colour[np.isnan(difference)] = 255  # not black, which means no error
        tiles.append([*greys, colour])
    layout = lay_out([[*map(_rgb, row)] for row in tiles], titles, row_titles, caption, scale)
    return _with_scale(layout, colours, lowest, limit)


def _with_scale(layout: Layout, colours: np.ndarray, lowest: float, limit: float) -> np.ndarray:
    """Return the picture with a colour bar at the right, labelled at its ends and middle."""
    from PIL import Image, ImageDraw

    font, line = load_font()
    top, bottom = layout.tiles
    middle = (lowest + limit) / 2
    labels = {
        top: _number(limit, lowest < 0),
        (top + bottom - line) // 2: _number(middle, False),
        bottom - line: _number(lowest, lowest < 0),
    }
    width = int(np.ceil(max(font.getlength(label) for label in labels.values())))
    left = layout.picture.width - MARGIN + 2 * GAP
    picture = Image.new(
        "RGB", (left + BAR + GAP + width + MARGIN, layout.picture.height), (BACKGROUND,) * 3
    )
    picture.paste(layout.picture, (0, 0))
    bar = coloured(np.linspace(1, 0, bottom - top)[:, None].repeat(BAR, axis=1), colours)
    picture.paste(Image.fromarray(bar), (left, top))
    draw = ImageDraw.Draw(picture)
    for y, label in labels.items():
        draw.text((left + BAR + GAP, y), label, fill=text_colour(picture), font=font)
    return np.array(picture)


def _number(value: float, signed: bool) -> str:
    return f"{value:+.2g}" if signed else f"{value:.2g}"


def _checked_limit(limit: Any, errors: list[np.ndarray]) -> float:
    if limit is not None:
        if _checks.weight("limit", limit) == 0:
            raise ValueError(f"`limit` must be above 0. Received: {limit!r}.")
        return float(limit)
    sizes = np.abs(np.concatenate([each.ravel() for each in errors]))
    sizes = sizes[np.isfinite(sizes)]
    # Without any error, every limit gives the same black picture.
    return float(sizes.max()) if sizes.size and sizes.max() > 0 else 1.0


def _rgb(tile: np.ndarray) -> np.ndarray:
    return tile if tile.ndim == 3 else np.repeat(tile[..., None], 3, axis=-1)
