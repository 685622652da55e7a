"""Structural similarity (SSIM): how alike two images are in brightness, contrast and structure."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.metrics._image_pair import as_float32_pair, checked_data_range

# Wang et al. 2004, section III.B and C; the 7-pixel uniform window is scikit-image's default.
K1 = 0.01
K2 = 0.03
WINDOW = 7


def ssim(y_true: Any, y_pred: Any, *, data_range: float) -> Any:
    """Structural similarity of each image, in [-1, 1].

    Wang et al. 2004 with a uniform window of 7 pixels along each spatial axis (7³ voxels in a
    volume), sample covariances, K1 = 0.01 and K2 = 0.03, averaged over every position at which the
    window lies inside the image, and over the channels. Equal to the defaults of
    `skimage.metrics.structural_similarity` image by image. Computed in float32 whatever the input.

    Args:
        y_true: The images aimed at, `(batch, height, width, channels)` or
            `(batch, depth, height, width, channels)`, at least 7 pixels along each spatial axis.
        y_pred: The images to score, of the same shape.
        data_range: The distance between the smallest and the largest value that an image can
            have: 2.0 for images in [-1, 1]. There is no default, because a wrong one changes
            every score.

    Returns:
        Float32 tensor `(batch,)`. Higher is better; 1 where both images are identical, and NaN
        where either holds a NaN.

    Raises:
        ValueError: Shapes that differ, are neither of the two above or are smaller than the
            window, values that are not real numbers, or a `data_range` that is not a finite number
            above 0.

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
            f"the similarity is taken in windows of that size. Received: {tuple(y_true.shape)}."
        )
    pixels = WINDOW ** len(spatial_shape)
    spatial_axes = tuple(range(1, 1 + len(spatial_shape)))

    # Variances as E[x²] - E[x]² cancel when the values are far from 0: take the image's mean off.
    mean_true = ops.mean(y_true, axis=spatial_axes, keepdims=True)
    mean_pred = ops.mean(y_pred, axis=spatial_axes, keepdims=True)
    y_true, y_pred = y_true - mean_true, y_pred - mean_pred

    local_true, local_pred = _window_mean(y_true), _window_mean(y_pred)
    sample = pixels / (pixels - 1)
    var_true = sample * (_window_mean(ops.square(y_true)) - ops.square(local_true))
    var_pred = sample * (_window_mean(ops.square(y_pred)) - ops.square(local_pred))
    covariance = sample * (_window_mean(y_true * y_pred) - local_true * local_pred)
    local_true, local_pred = local_true + mean_true, local_pred + mean_pred

    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    luminance = (2 * local_true * local_pred + c1) / (
        ops.square(local_true) + ops.square(local_pred) + c1
    )
    contrast_and_structure = (2 * covariance + c2) / (var_true + var_pred + c2)
    return ops.mean(luminance * contrast_and_structure, axis=(*spatial_axes, -1))


def _window_mean(images: Any) -> Any:
    """Mean of every window that lies inside the image."""
    # Stated, because the user may have set keras.config.image_data_format() to channels_first.
    return ops.average_pool(
        images, pool_size=WINDOW, strides=1, padding="valid", data_format="channels_last"
    )


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class SSIM(keras.metrics.MeanMetricWrapper):
    """Mean over all images seen of their structural similarity (see :func:`ssim`).

    Args:
        data_range: The distance between the smallest and the largest value that an image can
            have: 2.0 for images in [-1, 1].
        name: The metric's name. Defaults to `"ssim"`.
        dtype: The dtype of the result. Defaults to `keras.config.floatx()`.

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
        self.data_range = checked_data_range(data_range)
        super().__init__(ssim, name=name, dtype=dtype, data_range=self.data_range)
        # What mode="auto" of EarlyStopping reads, if the metric was given to `compile(metrics=)`.
        self._direction = "up"

    def get_config(self) -> dict:
        """Return the arguments that build an equal metric."""
        return {"name": self.name, "dtype": self.dtype, "data_range": self.data_range}
