"""The best function of a pixel's value alone: what a look-up table could do."""

from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks


class IntensityCurve:
    """The best intensity curve between two contrasts, fitted with pairs.

    A function of the value of a pixel alone, whatever surrounds it: the mean of the truth over all
    pixels with the same value in the input (the conditional mean). The range of the input's values
    is cut into equal bins, and each bin is given the mean of its pixels.

    Fitted on the pairs that it is scored on, no other function of the binned value has a lower
    squared error over all their pixels, so **it bounds every method that changes intensities
    without looking at anatomy**: gamma, histogram matching, a network of 1 x 1 convolutions. To
    beat it a translation has to know where it is. Of other scores, such as SSIM or the mean of each
    image's decibels, it is nearly the best, not exactly. The same holds inside a mask: the best
    curve there is one fitted with that `mask`.

    Args:
        bins: Of how many equal bins the curve is made. Defaults to 256.

    Raises:
        ValueError: `bins` below 1, or arrays that cannot be pairs.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.evaluation import IntensityCurve
        >>> t1, t2 = kmc.datasets.load_phantom(slices=4, size=64)
        >>> curve = IntensityCurve().fit(t1, t2)
        >>> copied, mapped = (
        ...     kmc.metrics.psnr(t2, images, data_range=2.0) for images in (t1, curve(t1))
        ... )
        >>> bool(mapped[0] > copied[0] + 5)
        True
    """

    def __init__(self, bins: int = 256) -> None:
        self.bins = _checks.positive_int("bins", bins)
        self._low = np.zeros(0)
        self._high = np.zeros(0)
        self._values = np.zeros((0, self.bins))

    def fit(self, a: Any, b: Any, mask: Any = None) -> "IntensityCurve":
        """Fit the curve from `a` to `b`, each channel to the channel of the same number.

        Args:
            a: Floats, `(images, [depth,] height, width, channels)`.
            b: Their pairs, of the same shape.
            mask: Boolean, `(images, [depth,] height, width, 1)`: the pixels to fit. Defaults to
                all of them.

        Returns:
            The curve itself. A bin without a pixel is given what lies on the straight line between
            its neighbours, or the nearest bin's value at the ends.

        Raises:
            ValueError: Arrays that are not finite floats of equal shape, or a mask that is not
                boolean, has another shape, or is empty.
        """
        _checks.compare_pairs(("a", "b"), a, b)
        a, b = _checks.images("a", a), _checks.images("b", b)
        if a.shape != b.shape:
            raise ValueError(
                f"`a` and `b` must have the same shape. Received: {a.shape} and {b.shape}. A curve "
                "goes from each channel to the channel of the same number."
            )
        inside = np.ones(a.shape[:-1], bool) if mask is None else _checked_mask(mask, a.shape)
        sources, truths = a[inside], b[inside]  # (pixels, channels)
        self._low, self._high = sources.min(axis=0), sources.max(axis=0)
        bins = self._bin(sources)
        self._values = np.stack(
            [_conditional_mean(bins[:, c], truths[:, c], self.bins) for c in range(a.shape[-1])]
        )
        return self

    def __call__(self, images: Any) -> np.ndarray:
        """Apply the curve.

        Args:
            images: Floats, `(images, [depth,] height, width, channels)`. Values outside of the
                range that the curve was fitted on are given the value at its end.

        Returns:
            Float32 array of the same shape.

        Raises:
            ValueError: Images that are not finite floats, with another number of channels than the
                curve has, or a curve that was not fitted.
        """
        images = _checks.images("images", images)
        channels = len(self._values)
        if images.shape[-1] != channels:
            raise ValueError(
                f"`images` must have {channels} channel(s), as the curve was fitted on. Received: "
                f"shape {images.shape}."
                if channels
                else "The curve knows no values yet: call `fit(a, b)` with pairs first."
            )
        bins = self._bin(images)
        mapped = [self._values[c][bins[..., c]] for c in range(channels)]
        return np.stack(mapped, axis=-1).astype("float32")

    def _bin(self, values: np.ndarray) -> np.ndarray:
        width = np.where(self._high > self._low, self._high - self._low, 1).astype("float64")
        share = (values - self._low.astype("float64")) / width
        return np.clip((share * self.bins).astype(int), 0, self.bins - 1)


def _conditional_mean(bins: np.ndarray, truths: np.ndarray, count: int) -> np.ndarray:
    """Mean of the truth in each bin, `(count,)`."""
    pixels = np.bincount(bins, minlength=count)
    sums = np.bincount(bins, weights=truths.astype("float64"), minlength=count)
    filled = np.flatnonzero(pixels)
    return np.interp(np.arange(count), filled, sums[filled] / pixels[filled])


def _checked_mask(mask: Any, shape: tuple) -> np.ndarray:
    array = np.asarray(mask)
    if array.dtype != bool or array.shape != (*shape[:-1], 1) or not array.any():
        raise ValueError(
            f"`mask` must be boolean, of shape {(*shape[:-1], 1)}, with at least one pixel inside. "
            f"Received: dtype {array.dtype}, shape {array.shape}, {np.count_nonzero(array)} pixels "
            "inside."
        )
    return array[..., 0]
