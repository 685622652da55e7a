"""Local brightness, contrast and structure of two images: what SSIM and multi-scale SSIM share."""

from typing import Any

from keras import ops

# Wang et al. 2004, section III.B and C; the 7-pixel uniform window is scikit-image's default.
K1 = 0.01
K2 = 0.03
WINDOW = 7


def similarity_maps(y_true: Any, y_pred: Any, data_range: float) -> tuple[Any, Any]:
    """Return luminance, and contrast times structure, in each window that lies in the image."""
    spatial_axes = tuple(range(1, len(y_true.shape) - 1))
    pixels = WINDOW ** len(spatial_axes)

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
    return luminance, contrast_and_structure


def mean_of_each_channel(similarity: Any, weights: Any) -> Any:
    """Mean over the windows, `(batch, channels)`.

    Args:
        similarity: A value for each window that lies in the image.
        weights: A weight of each pixel of the image, which is that of the window around it, or
            `None`.
    """
    spatial_axes = tuple(range(1, len(similarity.shape) - 1))
    if weights is None:
        return ops.mean(similarity, axis=spatial_axes)
    rim = WINDOW // 2
    weights = weights[(slice(None), *(slice(rim, -rim) for _ in spatial_axes))]
    return ops.sum(similarity * weights, axis=spatial_axes) / ops.sum(weights, axis=spatial_axes)


def _window_mean(images: Any) -> Any:
    """Mean of every window that lies inside the image."""
    # Stated, because the user may have set keras.config.image_data_format() to channels_first.
    return ops.average_pool(
        images, pool_size=WINDOW, strides=1, padding="valid", data_format="channels_last"
    )
