"""Peak signal-to-noise ratio (PSNR) between two images, in decibels."""

import math
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.metrics._image_metric import ImageMetric
from keras_mri_cyclegan.metrics._image_pair import (
    as_float32_pair,
    checked_data_range,
    checked_mask,
    mean_of_each_image,
)


def psnr(y_true: Any, y_pred: Any, *, data_range: float, mask: Any = None) -> Any:
    """Peak signal-to-noise ratio of each image, in decibels.

    `10 log10(data_range² / MSE)`, with the mean squared error over all pixels and channels of an
    image. Equal to `skimage.metrics.peak_signal_noise_ratio` image by image. Computed in float32
    for every input dtype.

    Args:
        y_true: Target images, `(batch, height, width, channels)` or
            `(batch, depth, height, width, channels)`.
        y_pred: Images to score, of the same shape.
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1]. There is no default, because a wrong `data_range`
            shifts every score (by 6 dB for a factor of 2).
        mask: Boolean, `(batch, [depth,] height, width, 1)`: the pixels to compare. Defaults to
            all pixels.

    Returns:
        Float32 tensor `(batch,)`. Higher is better; `inf` where both images are identical, and
        NaN where either holds a NaN (inside the mask, if given) or the mask is empty.

    Raises:
        ValueError: Shapes that differ or are of another rank, values that are not real
            numbers, a mask that is not boolean or has another shape, or a `data_range` that is
            not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_mri_cyclegan.metrics import psnr
        >>> a = np.zeros((3, 64, 64, 1), "float32")
        >>> b = np.full((3, 64, 64, 1), 0.2, "float32")
        >>> scores = psnr(a, b, data_range=2.0)
        >>> [round(float(score), 2) for score in ops.convert_to_numpy(scores)]
        [20.0, 20.0, 20.0]
    """
    data_range = checked_data_range(data_range)
    y_true, y_pred = as_float32_pair(y_true, y_pred)
    mask = None if mask is None else checked_mask(mask, y_true)
    mean_squared_error = mean_of_each_image(ops.square((y_true - y_pred) / data_range), mask)
    # The natural logarithm of 0 is -inf on every backend.
    return -10 / math.log(10) * ops.log(mean_squared_error)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class PSNR(ImageMetric):
    """Mean over all images of the peak signal-to-noise ratio, in decibels.

    The mean of the decibels of each image (see :func:`psnr`), as usual in papers, not the decibels
    of the mean error. Pairs of identical images, such as slices of air, are excluded from the mean;
    their number is `left_out`. If all pairs are identical, the mean is `inf`.

    Args:
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1].
        name: Name of the metric. Defaults to `"psnr"`.
        dtype: Dtype of the result. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: `data_range` is not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import PSNR
        >>> metric = PSNR(data_range=2.0)
        >>> a = np.zeros((1, 64, 64, 1), "float32")
        >>> metric.update_state(a, a + 0.2)  # 20 dB
        >>> metric.update_state(a, a + 0.02)  # 40 dB
        >>> round(float(metric.result()), 2)
        30.0
    """

    def __init__(self, data_range: float, name: str = "psnr", dtype: Any = None) -> None:
        data_range = checked_data_range(data_range)
        super().__init__(psnr, "up", name, dtype, data_range=data_range)
