"""Multi-scale structural similarity (MS-SSIM): SSIM at full size, half size, and so on."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan.metrics._image_metric import ImageMetric
from keras_mri_cyclegan.metrics._image_pair import (
    as_float32_pair,
    checked_data_range,
    checked_mask,
)
from keras_mri_cyclegan.metrics._similarity_maps import (
    WINDOW,
    mean_of_each_channel,
    similarity_maps,
)

# Wang et al. 2003, section 3.2: exponents calibrated by observers, from full size down.
WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def ms_ssim(
    y_true: Any,
    y_pred: Any,
    *,
    data_range: float,
    weights: Sequence[float] = WEIGHTS,
    mask: Any = None,
) -> Any:
    """Multi-scale structural similarity of each image, in [0, 1].

    Wang et al. 2003: the contrast-and-structure part of :func:`ssim` at each scale, to the power
    of the scale's weight, times the luminance part at the last scale. From scale to scale the
    images are halved by the mean of 2 x 2 pixels (2³ voxels); an odd last row is dropped. A mean
    below 0 counts as 0, since its power is undefined. Computed for each channel, then averaged.

    The window is that of :func:`ssim`, 7 uniform pixels: `weights=(1.0,)` gives the same score as
    :func:`ssim`, and 128 x 128 pixels are enough for all five scales. The paper's Gaussian window
    of 11 pixels needs 176, and gives slightly different scores: compare only scores of this
    function with each other.

    Args:
        y_true: Target images, `(batch, height, width, channels)` or
            `(batch, depth, height, width, channels)`, at least `7 * 2**(len(weights) - 1)` pixels
            along each spatial axis: 112 for five scales, 56 for four, 28 for three.
        y_pred: Images to score, of the same shape.
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1].
        weights: Exponent of each scale, from full size down. Defaults to the paper's five weights.
            For smaller images omit the last weights, and divide the others by their sum.
        mask: Boolean, `(batch, [depth,] height, width, 1)`: the centres of the windows that count.
            At a coarser scale a window is weighted by the fraction of its central pixel that lies
            inside the mask. Defaults to all pixels.

    Returns:
        Float32 tensor `(batch,)`. Higher is better; 1 where both images are identical, and NaN
        where either holds a NaN or, at some scale, no window has its centre in the mask.

    Raises:
        ValueError: Shapes that differ, are of another rank or are too small for the number of
            scales, values that are not real numbers, `weights` that are not positive
            numbers, a mask that is not boolean or has another shape, or a `data_range` that is
            not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_mri_cyclegan.metrics import ms_ssim
        >>> a = np.tile(np.linspace(-1, 1, 64, dtype="float32")[:, None, None], (2, 1, 64, 1))
        >>> scores = ms_ssim(a, a, data_range=2.0, weights=(0.3, 0.3, 0.4))
        >>> [round(float(score), 2) for score in ops.convert_to_numpy(scores)]
        [1.0, 1.0]

    References:
        Z. Wang, E. P. Simoncelli and A. C. Bovik, "Multiscale Structural Similarity for Image
        Quality Assessment", Asilomar Conference on Signals, Systems and Computers, 2003.
        https://doi.org/10.1109/ACSSC.2003.1292216
    """
    data_range, weights = checked_data_range(data_range), _checked_weights(weights)
    y_true, y_pred = as_float32_pair(y_true, y_pred)
    _check_size(tuple(y_true.shape)[1:-1], len(weights))
    inside = None if mask is None else ops.cast(checked_mask(mask, y_true), "float32")

    score: Any = 1.0
    last = len(weights) - 1
    for scale, weight in enumerate(weights):
        if scale > 0:
            y_true, y_pred = _halve(y_true), _halve(y_pred)
            inside = None if inside is None else _halve(inside)
        luminance, similarity = similarity_maps(y_true, y_pred, data_range)
        if scale == last:
            similarity = luminance * similarity
        mean = mean_of_each_channel(similarity, inside)
        # Not `maximum`, which may replace NaN by 0.
        score = score * ops.where(mean < 0, ops.zeros_like(mean), mean) ** weight
    return ops.mean(score, axis=-1)


def _halve(images: Any) -> Any:
    return ops.average_pool(
        images, pool_size=2, strides=2, padding="valid", data_format="channels_last"
    )


def _checked_weights(weights: Any) -> tuple[float, ...]:
    try:
        values = np.asarray(weights, "float64")
    except (TypeError, ValueError):
        values = np.array(np.nan)
    if values.ndim != 1 or values.size == 0 or not (np.isfinite(values) & (values > 0)).all():
        raise ValueError(
            "`weights` must hold a finite number above 0 for each scale, such as "
            f"{WEIGHTS}. Received: {weights!r}."
        )
    return tuple(values.tolist())


def _check_size(spatial_shape: tuple, scales: int) -> None:
    smallest = min((size for size in spatial_shape if size is not None), default=None)
    if smallest is None or smallest >= WINDOW * 2 ** (scales - 1):
        return
    fitting = max((n for n in range(1, scales) if smallest >= WINDOW * 2 ** (n - 1)), default=0)
    way_out = "Pad or enlarge the images."
    if fitting:
        kept = WEIGHTS[:fitting]
        shown = ", ".join(f"{weight / sum(kept):.4f}" for weight in kept)
        way_out = f"Use at most {len(kept)}: `weights=({shown},)`."
    raise ValueError(
        f"`y_true` and `y_pred` must have at least {WINDOW * 2 ** (scales - 1)} pixels along each "
        f"spatial axis for {scales} scales ({WINDOW} at the last scale, each half the size of the "
        f"one before). Received: {spatial_shape}. {way_out}"
    )


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class MSSSIM(ImageMetric):
    """Mean over all images of the multi-scale structural similarity (see :func:`ms_ssim`).

    Args:
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1].
        weights: Exponent of each scale. Defaults to the paper's five weights.
        name: Name of the metric. Defaults to `"ms_ssim"`.
        dtype: Dtype of the result. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: `data_range` or `weights` that :func:`ms_ssim` rejects.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import MSSSIM
        >>> metric = MSSSIM(data_range=2.0, weights=(0.3, 0.3, 0.4))
        >>> a = np.tile(np.linspace(-1, 1, 64, dtype="float32")[:, None, None], (2, 1, 64, 1))
        >>> metric.update_state(a, a)
        >>> round(float(metric.result()), 2)
        1.0
    """

    def __init__(
        self,
        data_range: float,
        weights: Sequence[float] = WEIGHTS,
        name: str = "ms_ssim",
        dtype: Any = None,
    ) -> None:
        options = {
            "data_range": checked_data_range(data_range),
            "weights": _checked_weights(weights),
        }
        super().__init__(ms_ssim, "up", name, dtype, **options)
