"""Local similarity maps of SSIM and multi-scale SSIM: luminance, contrast and structure."""

from typing import Any

from keras import ops

# Wang et al. 2004, section III.B and C; the 7-pixel uniform window is scikit-image's default.
K1 = 0.01
K2 = 0.03
WINDOW = 7


def similarity_maps(y_true: Any, y_pred: Any, data_range: float) -> tuple[Any, Any]:
    """Return luminance, and contrast times structure, of each window inside the image."""
    spatial_axes = tuple(range(1, len(y_true.shape) - 1))
    pixels = WINDOW ** len(spatial_axes)

    # E[x²] - E[x]² suffers from cancellation far from 0: subtract the image's mean first.
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
        similarity: Similarity of each window inside the image.
        weights: Weight of each pixel of the image, applied to the window centred on the pixel, or
            `None`.
    """
    spatial_axes = tuple(range(1, len(similarity.shape) - 1))
    if weights is None:
        return ops.mean(similarity, axis=spatial_axes)
    rim = WINDOW // 2
    weights = weights[(slice(None), *(slice(rim, -rim) for _ in spatial_axes))]
    return ops.sum(similarity * weights, axis=spatial_axes) / ops.sum(weights, axis=spatial_axes)


def _window_mean(images: Any) -> Any:
    """Mean of every window inside the image."""
    # Explicit, because keras.config.image_data_format() may be channels_first.
    return ops.average_pool(
        images, pool_size=WINDOW, strides=1, padding="valid", data_format="channels_last"
    )
