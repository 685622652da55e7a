"""Best intensity curve: the best function of a pixel's intensity only, a look-up table."""

from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks


class IntensityCurve:
    """Best intensity curve between two contrasts, fitted with pairs.

    A function of the intensity of a pixel only, independent of its neighbours: the mean of the
    truth over all pixels with the same intensity in the input (the conditional mean). The range of
    the input's intensities is divided into equal bins, and each bin has the mean of its pixels.

    When scored on the pairs it was fitted on, no other function of the binned intensity has a lower
    squared error over all pixels, so **it bounds every method that changes intensities without
    regard to anatomy**: gamma, histogram matching, a network of 1 x 1 convolutions. A better
    translation has to use the position or the neighbourhood. For other scores, such as SSIM or the
    mean of the images' PSNR, it is nearly but not exactly the best. The same holds inside a mask:
    the best curve there is the curve fitted with that `mask`.

    Args:
        bins: Number of equal bins of the curve. Defaults to 256.

    Raises:
        ValueError: `bins` is below 1, or the arrays cannot be pairs.

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
            b: The paired images, of the same shape.
            mask: Boolean, `(images, [depth,] height, width, 1)`: the pixels to fit. Defaults to
                all of them.

        Returns:
            The curve itself. A bin without a pixel gets the linear interpolation between its
            neighbours, or the nearest bin's value at the ends.

        Raises:
            ValueError: The arrays are not finite floats of equal shape, or the mask is not boolean,
                has another shape, or is empty.
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
            images: Floats, `(images, [depth,] height, width, channels)`. Values outside the fitted
                range get the value at the nearest end of the curve.

        Returns:
            Float32 array of the same shape.

        Raises:
            ValueError: The images are not finite floats, have another number of channels than the
                curve, or the curve is not fitted.
        """
        images = _checks.images("images", images)
        channels = len(self._values)
        if images.shape[-1] != channels:
            raise ValueError(
                f"`images` must have {channels} channel(s), like the fitted images. Received: "
                f"shape {images.shape}."
                if channels
                else "The curve is not fitted: call `fit(a, b)` with pairs first."
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
