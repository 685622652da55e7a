"""Mean absolute error (MAE) between two images."""

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


def mae(y_true: Any, y_pred: Any, *, data_range: float | None = None, mask: Any = None) -> Any:
    """Mean absolute error of each image, in the unit of the images.

    Computed in float32 for every input dtype.

    Args:
        y_true: Target images, `(batch, height, width, channels)` or
            `(batch, depth, height, width, channels)`.
        y_pred: Images to score, of the same shape.
        data_range: Validated, but not used: accepted so that all metrics share one signature. To
            obtain a fraction of the range, divide the result by `data_range`.
        mask: Boolean, `(batch, [depth,] height, width, 1)`: the pixels to compare. Defaults to
            all pixels.

    Returns:
        Float32 tensor `(batch,)`. Lower is better; NaN where an image holds a NaN (inside the
        mask, if there is one) and where the mask is empty.

    Raises:
        ValueError: Shapes that differ or are of another rank, values that are not real
            numbers, a mask that is not boolean or has another shape, or a `data_range` that is
            not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_mri_cyclegan.metrics import mae
        >>> a = np.zeros((2, 64, 64, 1), "float32")
        >>> b = np.full((2, 64, 64, 1), 0.25, "float32")
        >>> ops.convert_to_numpy(mae(a, b)).tolist()
        [0.25, 0.25]
    """
    if data_range is not None:
        checked_data_range(data_range)
    y_true, y_pred = as_float32_pair(y_true, y_pred)
    mask = None if mask is None else checked_mask(mask, y_true)
    return mean_of_each_image(ops.abs(y_true - y_pred), mask)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class MAE(ImageMetric):
    """Mean over all images of the mean absolute error (see :func:`mae`).

    `update_state` accepts a `mask`, which `keras.metrics.MeanAbsoluteError` does not.

    Args:
        data_range: Validated, but not used. Defaults to `None`.
        name: Name of the metric. Defaults to `"mae"`.
        dtype: Dtype of the result. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: `data_range` is not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import MAE
        >>> metric = MAE()
        >>> a = np.zeros((1, 64, 64, 1), "float32")
        >>> left = np.arange(64)[None, None, :, None] < np.full((1, 64, 1, 1), 32)
        >>> metric.update_state(a, np.where(left, 0.5, 0.0), mask=left)
        >>> float(metric.result())
        0.5
    """

    def __init__(
        self, data_range: float | None = None, name: str = "mae", dtype: Any = None
    ) -> None:
        if data_range is not None:
            data_range = checked_data_range(data_range)
        super().__init__(mae, "down", name, dtype, data_range=data_range)
