"""Padding and cropping images to a network's size, and back."""

import dataclasses
from collections.abc import Sequence

import numpy as np


@dataclasses.dataclass(frozen=True)
class Place:
    """Where images of one size lie in those that `to_size` made of them.

    Args:
        source: The spatial size before, in pixels.
        start: For each spatial axis, the first pixel of the window in the image before; negative
            where it was padded.
    """

    source: tuple[int, ...]
    start: tuple[int, ...]


def to_size(
    images: np.ndarray,
    size: Sequence[int],
    fill: float = -1.0,
    start: Sequence[int] | None = None,
) -> tuple[np.ndarray, Place]:
    """Pad and crop images to a size.

    Args:
        images: Array `(..., *spatial, channels)`, with as many spatial axes as `size`.
        size: The spatial size wanted, in pixels.
        fill: What to pad with. Defaults to -1.0, which is air.
        start: The first pixel of the window for each spatial axis, negative to pad. Defaults to
            `None`: the middle of the window is the middle of the image; an odd pixel of padding,
            or of what is cut off, is at the end.

    Returns:
        The images, `(..., *size, channels)`, and the `Place` that `from_size` needs.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing.fit_size import from_size, to_size
        >>> images = np.ones((1, 3, 2, 1), "float32")
        >>> padded, place = to_size(images, (4, 4))
        >>> padded[0, :, :, 0].astype(int).tolist()
        [[-1, 1, 1, -1], [-1, 1, 1, -1], [-1, 1, 1, -1], [-1, -1, -1, -1]]
        >>> np.array_equal(from_size(padded, place), images)
        True
    """
    axes = range(images.ndim - 1 - len(size), images.ndim - 1)
    source = tuple(images.shape[axis] for axis in axes)
    if start is None:
        start = [
            -((wanted - found) // 2) if wanted >= found else (found - wanted) // 2
            for found, wanted in zip(source, size, strict=True)
        ]
    place = Place(source, tuple(int(first) for first in start))
    return _window(images, axes, place.start, tuple(size), fill), place


def from_size(images: np.ndarray, place: Place, fill: float = -1.0) -> np.ndarray:
    """Undo `to_size`: padding exactly; what was cropped away becomes `fill`.

    Args:
        images: Array `(..., *size, channels)`, as `to_size` returned it. The channels may differ.
        place: What `to_size` returned with it.
        fill: The value of what had been cropped away. Defaults to -1.0, which is air.

    Returns:
        The images, `(..., *spatial, channels)`, of the size that they had.
    """
    axes = range(images.ndim - 1 - len(place.source), images.ndim - 1)
    back = tuple(-first for first in place.start)
    return _window(images, axes, back, place.source, fill)


def _window(
    images: np.ndarray, axes: range, start: Sequence[int], size: Sequence[int], fill: float
) -> np.ndarray:
    shape = list(images.shape)
    source, target = [slice(None)] * images.ndim, [slice(None)] * images.ndim
    for axis, first, length in zip(axes, start, size, strict=True):
        shape[axis] = length
        begin, end = max(first, 0), min(first + length, images.shape[axis])
        source[axis] = slice(begin, max(end, begin))
        target[axis] = slice(begin - first, max(end, begin) - first)
    if shape == list(images.shape) and not any(start):
        return images
    window = np.full(shape, fill, images.dtype)
    window[tuple(target)] = images[tuple(source)]
    return window
