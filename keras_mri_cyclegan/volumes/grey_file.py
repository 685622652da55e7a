"""Reading of one grey PNG or TIFF file."""

import math
import struct
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

SUFFIXES = (".png", ".tif", ".tiff")

# Far above any slice: a header that claims more is damaged or a decompression bomb.
MAX_PIXELS = 8192 * 8192

# PNG specification, section 11.2.1: byte 24 is the bit depth, byte 25 the colour type.
PNG_COLOUR = {0: "grey", 2: "colour", 3: "palette", 4: "grey with alpha", 6: "colour with alpha"}
# Section 8.2, interlacing: first column and row, steps between columns and rows of each pass.
ADAM7 = (
    (0, 0, 8, 8),
    (4, 0, 8, 8),
    (0, 4, 4, 8),
    (2, 0, 4, 4),
    (0, 2, 2, 4),
    (1, 0, 2, 2),
    (0, 1, 1, 2),
)
# TIFF 6.0 specification, tags 262 and 339.
TIFF_COLOUR = {0: "grey with 0 as white", 1: "grey", 2: "colour", 3: "palette", 5: "CMYK"}
TIFF_SAMPLE = {1: "unsigned", 2: "signed", 3: "floating point"}


def read_grey(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read an 8- or 16-bit grey PNG or TIFF file without changing a value.

    Args:
        path: The file.
        max_pixels: The most pixels that may be read. Defaults to `MAX_PIXELS`, 8192 x 8192.

    Returns:
        uint8 or uint16 array `(height, width)`.

    Raises:
        ValueError: The file is of another kind, has several pages, is damaged or truncated, or
            claims more than `max_pixels` pixels.
    """
    from PIL import ImageFile

    if ImageFile.LOAD_TRUNCATED_IMAGES:
        raise ValueError(
            "`PIL.ImageFile.LOAD_TRUNCATED_IMAGES` is set in this process, so a truncated file "
            "would be filled up with made-up pixels. Set it to False before loading images."
        )
    try:
        return _read(path, max_pixels)
    except _NotGreyError as error:
        raise ValueError(str(error)) from None
    except Exception as error:  # Pillow raises nearly every type on a damaged file
        raise ValueError(
            f"`{path}` cannot be read as a PNG or TIFF image: {type(error).__name__}: {error}. "
            "It is empty, damaged, truncated, or something else under this name. Remove it, or "
            "write it again."
        ) from error


class _NotGreyError(Exception):
    """A valid image that is not 8- or 16-bit grey."""


def _read(path: Path, max_pixels: int) -> np.ndarray:
    from PIL import Image

    with path.open("rb") as file:
        header = file.read(26)
        # `load` does not verify the checksums of a PNG.
        Image.open(file, formats=("PNG", "TIFF")).verify()
        file.seek(0)
        image: Any = Image.open(file, formats=("PNG", "TIFF"))
        is_png = image.format == "PNG"
        bits, kind = _png_kind(image, header) if is_png else _tiff_kind(image)
        pages = image.n_frames
        if pages > 1:
            kind = f"{pages} pages or frames of {kind}"
        if kind != "grey" or bits not in (8, 16):
            raise _NotGreyError(
                f"`{path}` holds {bits}-bit {kind} ({image.format}). Expected one 8- or 16-bit "
                "grey image, unsigned, without palette, colour or alpha. Convert it first, for "
                "example with `skimage.color.rgb2gray` if it is colour, and write one file a slice."
            )
        width, height = image.size
        if not 0 < width * height <= max_pixels:
            raise _NotGreyError(
                f"`{path}` claims {height} x {width} pixels. Expected 1 to {max_pixels}, which is "
                "more than any slice has, unless you set it. Crop it or make it smaller first."
            )
        found, needed = _png_bytes(image, file, bits) if is_png else _tiff_blocks(image)
        if found < needed:  # Pillow silently fills the rest with black
            raise OSError(
                f"it has {found} of the {needed} {'bytes' if is_png else 'blocks'} of "
                f"{height} x {width} pixels"
            )
        # Never `image.convert("L")`, which clips 16 bits to 255.
        return np.asarray(image).astype(np.uint8 if bits == 8 else np.uint16)


def _png_kind(image: Any, header: bytes) -> tuple[int, str]:
    kind = PNG_COLOUR.get(header[25], "unknown")
    if kind == "grey" and "transparency" in image.info:
        kind = "grey with a transparent value"
    return header[24], kind


def _tiff_kind(image: Any) -> tuple[int, str]:
    tags = image.tag_v2
    bits = tags.get(258, (1,))
    kind = TIFF_COLOUR.get(tags.get(262), "unknown")
    sample = tags.get(339, (1,))[0]
    if kind == "grey" and len(bits) > 1:
        kind = "grey with alpha or other channels"
    if kind == "grey" and sample != 1:
        kind = f"{TIFF_SAMPLE.get(sample, 'unknown')} grey"
    return bits[0], kind


def _png_bytes(image: Any, file: BinaryIO, bits: int) -> tuple[int, int]:
    """Return the number of uncompressed bytes in a PNG, and the number its size requires."""
    width, height = image.size
    passes = ADAM7 if image.info.get("interlace") else ((0, 0, 1, 1),)
    needed = 0
    for first_column, first_row, column_step, row_step in passes:
        columns = math.ceil((width - first_column) / column_step)
        rows = math.ceil((height - first_row) / row_step)
        if columns > 0 and rows > 0:
            needed += rows * (1 + columns * bits // 8)  # each row starts with its filter
    file.seek(8)
    packed = []
    kind = b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", file.read(8))
        content = file.read(length)
        if kind == b"IDAT":
            packed.append(content)
        if len(file.read(4)) < 4:  # the checksum, which `verify` has compared
            raise OSError("it ends within a checksum")
    return len(zlib.decompressobj().decompress(b"".join(packed), needed)), needed


def _tiff_blocks(image: Any) -> tuple[int, int]:
    """Return the number of strips or tiles in a TIFF, and the number its size requires."""
    tags = image.tag_v2
    width, height = tags[256], tags[257]
    if 324 in tags:
        return len(tags[324]), math.ceil(width / tags[322]) * math.ceil(height / tags[323])
    return len(tags[273]), math.ceil(height / tags.get(278, height))
