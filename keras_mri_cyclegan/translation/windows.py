"""Sliding-window translation of images of any size, with blending of overlapping windows."""

import itertools
import math
from collections.abc import Callable

import numpy as np

BACKGROUND = -1.0  # air, the padding of training images


def translate_windows(
    images: np.ndarray,
    predict: Callable[[np.ndarray], np.ndarray],
    window: tuple[int, ...],
    overlap: float = 0.5,
    batch_size: int = 8,
    after_batch: Callable[[], None] | None = None,
) -> np.ndarray:
    """Translate images of any size with a network that takes windows of one size.

    Along axes smaller than the window, the image is centred and padded with -1, and the padding is
    removed exactly. Larger axes are covered by evenly spaced windows. Overlapping windows are
    blended with Hann weights, normalised to sum to 1, so equal predictions are unchanged. All
    batches have the same shape, so a backend compiles only once.

    Args:
        images: Float32 array `(images, *spatial, channels)`, in [-1, 1].
        predict: Function from a batch of windows, `(batch, *window, channels)`, to as many
            translations, `(batch, *window, output_channels)`.
        window: Size of the network's input, an integer for each spatial axis.
        overlap: Float in `[0, 1)`, the smallest overlap of neighbouring windows, as a share of the
            window. Defaults to 0.5.
        batch_size: Integer, maximum number of windows per batch. Defaults to 8.
        after_batch: Function called after each batch, for a progress bar. Defaults to none.

    Returns:
        Float32 array `(images, *spatial, output_channels)`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.translation.windows import translate_windows
        >>> images = np.zeros((2, 7, 13, 1), "float32")
        >>> translate_windows(images, lambda batch: batch + 1, window=(8, 8)).shape
        (2, 7, 13, 1)
    """
    spatial = images.shape[1:-1]
    axes = [_Axis(size, width, overlap) for size, width in zip(spatial, window, strict=True)]
    places = list(itertools.product(*(range(len(axis.starts)) for axis in axes)))
    every = ((image, place) for image in range(len(images)) for place in places)
    size = min(batch_size, len(images) * len(places))
    batch = np.empty((size, *window, images.shape[-1]), "float32")
    total: np.ndarray | None = None

    while group := list(itertools.islice(every, size)):
        batch[:] = BACKGROUND
        for slot, (image, place) in enumerate(group):
            seen, inside = _slices(axes, place)
            batch[slot][inside] = images[image][seen]
        batch[len(group) :] = batch[0]  # fills up the last batch

        translated = predict(batch)
        if total is None:
            total = np.zeros((*images.shape[:-1], translated.shape[-1]), "float32")
        for slot, (image, place) in enumerate(group):
            seen, inside = _slices(axes, place)
            weight = _outer([axis.weights[k] for axis, k in zip(axes, place, strict=True)])
            total[image][seen] += translated[slot][inside] * weight[inside][..., None]
        if after_batch is not None:
            after_batch()

    if total is None:
        raise ValueError(f"`images` holds no image. Received: shape {images.shape}.")
    return total


def count_batches(
    shape: tuple[int, ...], window: tuple[int, ...], overlap: float, batch_size: int
) -> int:
    """Return the number of batches that `translate_windows` needs.

    Args:
        shape: Shape of the images, `(images, *spatial, channels)`.
        window: As in `translate_windows`.
        overlap: As in `translate_windows`.
        batch_size: As in `translate_windows`.

    Returns:
        An integer.
    """
    windows = [
        len(_starts(size, width, overlap)) for size, width in zip(shape[1:-1], window, strict=True)
    ]
    return -(-shape[0] * math.prod(windows) // batch_size)


class _Axis:
    """Start positions and blending weights of the windows along one axis of an image."""

    def __init__(self, size: int, window: int, overlap: float):
        self.size = size
        self.window = window
        self.starts = _starts(size, window, overlap)
        self.weights = self._weights()

    def seen(self, k: int) -> slice:
        """Return the part of the image that window `k` covers."""
        start = self.starts[k]
        return slice(max(start, 0), min(start + self.window, self.size))

    def inside(self, k: int) -> slice:
        """Return the position of `seen(k)` in window `k`."""
        seen = self.seen(k)
        return slice(seen.start - self.starts[k], seen.stop - self.starts[k])

    def _weights(self) -> np.ndarray:
        """Return the blending weights, `(windows, window)`, which sum to 1 at every pixel.

        Windows lie on a grid, so the products of the axes' weights sum to 1 as well.
        """
        # Sampled at pixel centres, where a Hann window is positive everywhere.
        fade = np.sin(np.pi * (np.arange(self.window) + 0.5) / self.window) ** 2
        total = np.zeros(self.size)
        for k in range(len(self.starts)):
            total[self.seen(k)] += fade[self.inside(k)]
        weights = np.zeros((len(self.starts), self.window))
        for k in range(len(self.starts)):
            weights[k, self.inside(k)] = fade[self.inside(k)] / total[self.seen(k)]
        return weights


def _starts(size: int, window: int, overlap: float) -> list[int]:
    if size <= window:
        return [-((window - size) // 2)]
    step = max(1, math.floor(window * (1 - overlap)))
    gaps = math.ceil((size - window) / step)
    return [round(k * (size - window) / gaps) for k in range(gaps + 1)]


def _slices(
    axes: list[_Axis], place: tuple[int, ...]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Return the part of an image that a window covers, and its position in the window."""
    both = [(axis.seen(k), axis.inside(k)) for axis, k in zip(axes, place, strict=True)]
    return tuple(seen for seen, _ in both), tuple(inside for _, inside in both)


def _outer(weights: list[np.ndarray]) -> np.ndarray:
    product = weights[0]
    for axis in weights[1:]:
        product = np.multiply.outer(product, axis)
    return product
