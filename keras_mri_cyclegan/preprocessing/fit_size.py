"""Padding and cropping of images to a given size."""

from collections.abc import Sequence

import numpy as np


def to_size(
    images: np.ndarray,
    size: Sequence[int],
    fill: float = -1.0,
    start: Sequence[int] | None = None,
) -> np.ndarray:
    """Pad and crop images to a size.

    Args:
        images: Array `(..., *spatial, channels)`, with as many spatial axes as `size`.
        size: The target spatial size, in pixels.
        fill: Value of the padding. Defaults to -1.0, which is air.
        start: The first pixel of the window for each spatial axis, negative to pad. Defaults to
            `None`: the window is centred on the image; an odd pixel of padding or cropping is at
            the end.

    Returns:
        The images, `(..., *size, channels)`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing.fit_size import to_size
        >>> images = np.ones((1, 3, 2, 1), "float32")
        >>> to_size(images, (4, 4))[0, :, :, 0].astype(int).tolist()
        [[-1, 1, 1, -1], [-1, 1, 1, -1], [-1, 1, 1, -1], [-1, -1, -1, -1]]
    """
    axes = range(images.ndim - 1 - len(size), images.ndim - 1)
    if start is None:
        start = [
            -((target - source) // 2) if target >= source else (source - target) // 2
            for source, target in zip(images.shape[axes.start : axes.stop], size, strict=True)
        ]
    shape = list(images.shape)
    source, target = [slice(None)] * images.ndim, [slice(None)] * images.ndim
    for axis, first, length in zip(axes, map(int, start), size, strict=True):
        shape[axis] = length
        begin, end = max(first, 0), min(first + length, images.shape[axis])
        source[axis] = slice(begin, max(end, begin))
        target[axis] = slice(begin - first, max(end, begin) - first)
    if shape == list(images.shape) and not any(start):
        return images
    window = np.full(shape, fill, images.dtype)
    window[tuple(target)] = images[tuple(source)]
    return window
