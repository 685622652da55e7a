"""Structural similarity (SSIM) of two images: luminance, contrast and structure."""

from typing import Any

import keras
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


def ssim(y_true: Any, y_pred: Any, *, data_range: float, mask: Any = None) -> Any:
    """Structural similarity of each image, in [-1, 1].

    Wang et al. 2004 with a uniform window of 7 pixels along each spatial axis (7³ voxels in a
    volume), sample covariances, K1 = 0.01 and K2 = 0.03, averaged over every position at which the
    window lies inside the image, and over the channels. Equal to the defaults of
    `skimage.metrics.structural_similarity` image by image. Computed in float32
    for every input dtype.

    Args:
        y_true: Target images, `(batch, height, width, channels)` or
            `(batch, depth, height, width, channels)`, at least 7 pixels along each spatial axis.
        y_pred: Images to score, of the same shape.
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1]. There is no default, because a wrong `data_range`
            changes every score.
        mask: Boolean, `(batch, [depth,] height, width, 1)`: the centres of the windows that count.
            The windows themselves extend 3 pixels further. Defaults to all pixels.

    Returns:
        Float32 tensor `(batch,)`. Higher is better; 1 where both images are identical, and NaN
        where either holds a NaN or no window inside the image has its centre in the mask.

    Raises:
        ValueError: Shapes that differ, are of another rank or are smaller than the
            window, values that are not real numbers, a mask that is not boolean or has another
            shape, or a `data_range` that is not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_mri_cyclegan.metrics import ssim
        >>> a = np.tile(np.linspace(-1, 1, 64, dtype="float32")[:, None, None], (2, 1, 64, 1))
        >>> [round(float(score), 2) for score in ops.convert_to_numpy(ssim(a, a, data_range=2.0))]
        [1.0, 1.0]

    References:
        Z. Wang, A. C. Bovik, H. R. Sheikh and E. P. Simoncelli, "Image Quality Assessment: From
        Error Visibility to Structural Similarity", IEEE Transactions on Image Processing 13(4),
        2004. https://doi.org/10.1109/TIP.2003.819861
    """
    data_range = checked_data_range(data_range)
    y_true, y_pred = as_float32_pair(y_true, y_pred)
    spatial_shape = tuple(y_true.shape)[1:-1]
    if any(size is not None and size < WINDOW for size in spatial_shape):
        raise ValueError(
            f"`y_true` and `y_pred` must have at least {WINDOW} pixels along each spatial axis: "
            f"SSIM compares windows of this size. Received: {tuple(y_true.shape)}."
        )
    mask = None if mask is None else ops.cast(checked_mask(mask, y_true), "float32")
    luminance, contrast_and_structure = similarity_maps(y_true, y_pred, data_range)
    return ops.mean(mean_of_each_channel(luminance * contrast_and_structure, mask), axis=-1)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class SSIM(ImageMetric):
    """Mean over all images of the structural similarity (see :func:`ssim`).

    Args:
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1].
        name: Name of the metric. Defaults to `"ssim"`.
        dtype: Dtype of the result. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: `data_range` is not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import SSIM
        >>> metric = SSIM(data_range=2.0)
        >>> a = np.tile(np.linspace(-1, 1, 64, dtype="float32")[:, None, None], (2, 1, 64, 1))
        >>> metric.update_state(a, a)
        >>> round(float(metric.result()), 2)
        1.0
    """

    def __init__(self, data_range: float, name: str = "ssim", dtype: Any = None) -> None:
        data_range = checked_data_range(data_range)
        super().__init__(ssim, "up", name, dtype, data_range=data_range)
