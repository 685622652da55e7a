"""PNG and GIF files, written atomically."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_mri_cyclegan import _checks


def save_png(path: str | os.PathLike, image: np.ndarray) -> None:
    """Write a picture as a PNG file.

    The file appears under its name only when complete.

    Args:
        path: The file, ending in `.png`, in a folder that exists. An older file is replaced.
        image: uint8 array, `(height, width)` grey or `(height, width, 3)` colour.

    Raises:
        ValueError: Another suffix, or an array of another dtype or shape.
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
    """Write pictures as an animated GIF file that repeats endlessly.

    The file appears under its name only when complete. Equal consecutive pictures are stored as one
    frame of their total duration. Grey levels are kept; colours are reduced to 256 per frame.

    Args:
        path: The file, ending in `.gif`, in a folder that exists. An older file is replaced.
        images: uint8 arrays of one shape, `(height, width)` grey or `(height, width, 3)` colour.
        seconds_per_frame: Duration of each picture, rounded to hundredths (the unit of the
            format); at least 0.02, since viewers slow down faster animations. Defaults to 0.25.

    Raises:
        ValueError: Another suffix, no picture, arrays of another dtype or shape or of different
            shapes, or a `seconds_per_frame` below 0.02.
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
    duration = 10 * round(100 * seconds)  # In milliseconds, as Pillow expects.
    pictures = [_checked_picture("images", image) for image in images]
    shapes = sorted({picture.shape for picture in pictures})
    if len(shapes) != 1:
        received = ", ".join(map(str, shapes)) or "no picture"
        raise ValueError(f"`images` must hold pictures of one shape. Received: {received}.")
    first, *others = [Image.fromarray(picture) for picture in pictures]
    with _complete_or_absent(path, ".gif") as file:
        first.save(
            file, format="GIF", save_all=True, append_images=others, duration=duration, loop=0
        )


def _checked_picture(name: str, image: Any) -> np.ndarray:
    array = np.asarray(image)
    is_picture = array.ndim == 2 or (array.ndim == 3 and array.shape[-1] == 3)
    if array.dtype != np.uint8 or not is_picture or array.size == 0:
        raise ValueError(
            f"`{name}` must be uint8, (height, width) or (height, width, 3). Received: dtype "
            f"{array.dtype}, shape {array.shape}. Use `image_grid` to draw images."
        )
    return array


def checked_seconds(name: str, value: Any) -> float:
    """Validate a duration in seconds of a GIF frame, at least 0.02, and return it."""
    seconds = _checks.weight(name, value)
    if seconds < 0.02:
        raise ValueError(f"`{name}` must be at least 0.02. Received: {value!r}.")
    return seconds


@contextlib.contextmanager
def _complete_or_absent(path: str | os.PathLike, ending: str) -> Iterator[BinaryIO]:
    """Open a temporary file that replaces `path` on success and is deleted on an error."""
    path = Path(path)
    if path.suffix.lower() != ending:
        raise ValueError(f"`path` must end in {ending}. Received: {str(path)!r}.")
    # A name per process. Not `tempfile`, whose files only their owner may read.
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
