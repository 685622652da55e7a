"""Pictures as PNG and GIF files, which appear under their name only once they are complete."""

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from keras_mri_cyclegan import _checks


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
