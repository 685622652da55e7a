"""Normalised root-mean-squared error (NRMSE), equal to scikit-image's."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan._checks import one_of
from keras_mri_cyclegan.metrics._image_metric import ImageMetric
from keras_mri_cyclegan.metrics._image_pair import (
    as_float32_pair,
    checked_data_range,
    checked_mask,
    mean_of_each_image,
)

NORMALIZATIONS = ("euclidean", "min-max", "mean", "data_range")


def nrmse(
    y_true: Any,
    y_pred: Any,
    *,
    data_range: float | None = None,
    normalization: str = "euclidean",
    mask: Any = None,
) -> Any:
    """Normalised root-mean-squared error of each image.

    The root of the mean squared error over all pixels and channels, divided by a scale of
    `y_true`. Equal to `skimage.metrics.normalized_root_mse` image by image. Computed in float32
    for every input dtype.

    `"euclidean"` and `"mean"` require that 0 means no signal. In images in [-1, 1] air is -1, and
    would count as a strong signal: pass `(x + 1) / 2`, or use `"data_range"`.

    Args:
        y_true: Target images, `(batch, height, width, channels)` or
            `(batch, depth, height, width, channels)`.
        y_pred: Images to score, of the same shape.
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1]. Required by `normalization="data_range"`, otherwise
            not used.
        normalization: Divisor: `"euclidean"`, the root of the mean of `y_true²`; `"min-max"`, the
            range of values in `y_true`; `"mean"`, the mean of `y_true`; or `"data_range"`.
            Computed for each image, inside the mask if given. Defaults to `"euclidean"`, as in
            scikit-image.
        mask: Boolean, `(batch, [depth,] height, width, 1)`: the pixels to compare. Defaults to
            all pixels.

    Returns:
        Float32 tensor `(batch,)`. Lower is better. `inf` (NaN if the error is 0, too) where the
        divisor is 0; NaN where an image holds a NaN (inside the mask, if given) and where
        the mask is empty.

    Raises:
        ValueError: Shapes that differ or are of another rank, values that are not real
            numbers, a mask that is not boolean or has another shape, an unknown `normalization`,
            or a `data_range` that is missing or not a finite number above 0.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> from keras_mri_cyclegan.metrics import nrmse
        >>> a = np.full((2, 64, 64, 1), 0.5, "float32")
        >>> ops.convert_to_numpy(nrmse(a, a + 0.25)).tolist()
        [0.5, 0.5]
        >>> errors = nrmse(a, a + 0.25, normalization="data_range", data_range=2.0)
        >>> ops.convert_to_numpy(errors).tolist()
        [0.125, 0.125]
    """
    data_range = _checked(data_range, normalization)
    y_true, y_pred = as_float32_pair(y_true, y_pred)
    mask = None if mask is None else checked_mask(mask, y_true)
    root = ops.sqrt(mean_of_each_image(ops.square(y_true - y_pred), mask))
    if normalization == "euclidean":
        return root / ops.sqrt(mean_of_each_image(ops.square(y_true), mask))
    if normalization == "mean":
        return root / mean_of_each_image(y_true, mask)
    if normalization == "min-max":
        return root / _range(y_true, mask)
    return root / data_range


def _checked(data_range: Any, normalization: Any) -> float | None:
    one_of("normalization", normalization, NORMALIZATIONS)
    if data_range is None and normalization == "data_range":
        raise ValueError(
            "`data_range` must be given with `normalization='data_range'`: 2.0 for images in "
            "[-1, 1]. Received: None."
        )
    return None if data_range is None else checked_data_range(data_range)


def _range(images: Any, mask: Any) -> Any:
    axes = tuple(range(1, len(images.shape)))
    low = high = images
    if mask is not None:
        infinity = ops.full_like(images, float("inf"))
        low, high = ops.where(mask, images, infinity), ops.where(mask, images, -infinity)
    return ops.max(high, axis=axes) - ops.min(low, axis=axes)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class NRMSE(ImageMetric):
    """Mean over all images of the normalised root-mean-squared error (see :func:`nrmse`).

    Args:
        data_range: Difference between the largest and the smallest possible value of an
            image: 2.0 for images in [-1, 1]. Only `normalization="data_range"` needs it.
        normalization: `"euclidean"`, `"min-max"`, `"mean"` or `"data_range"`. Defaults to
            `"euclidean"`.
        name: Name of the metric. Defaults to `"nrmse"`.
        dtype: Dtype of the result. Defaults to `keras.config.floatx()`.

    Raises:
        ValueError: An unknown `normalization`, or a `data_range` that is missing or not a finite
            number above 0.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import NRMSE
        >>> metric = NRMSE()
        >>> a = np.full((1, 64, 64, 1), 0.5, "float32")
        >>> metric.update_state(a, a + 0.25)
        >>> metric.update_state(a, a)
        >>> float(metric.result())
        0.25
    """

    def __init__(
        self,
        data_range: float | None = None,
        normalization: str = "euclidean",
        name: str = "nrmse",
        dtype: Any = None,
    ) -> None:
        data_range = _checked(data_range, normalization)
        options = {"data_range": data_range, "normalization": normalization}
        super().__init__(nrmse, "down", name, dtype, **options)
