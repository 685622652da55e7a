"""Base class of the Keras metrics: mean of a score over all images."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


class ImageMetric(keras.metrics.Mean):
    """Mean over all images of a score per image.

    An image of finite intensities whose score is infinite or undefined is excluded from the mean:
    two equal images (PSNR), an empty mask, a target of zeros (NRMSE). If all images are excluded,
    the mean is infinite if every score was infinite, otherwise NaN. Images that hold NaN or
    infinity make the mean NaN.

    Args:
        function: `(y_true, y_pred, *, mask, **options)` to one score per image, `(batch,)`.
        direction: `"up"` if higher scores are better, `"down"` if lower scores are better.
        name: Name of the metric.
        dtype: Dtype of the result.
        **options: Further arguments of `function`, saved by :meth:`get_config`.

    Attributes:
        left_out: Number of images excluded from the mean.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        direction: str,
        name: str,
        dtype: Any,
        **options: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.function = function
        self.options = options
        # Read by mode="auto" of EarlyStopping if the metric is passed to `compile(metrics=)`.
        self._direction = direction
        self.left_out = self.add_variable(
            shape=(), initializer="zeros", dtype=self.dtype, name="left_out"
        )
        self._infinite = self.add_variable(
            shape=(), initializer="zeros", dtype=self.dtype, name="infinite"
        )

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch of images.

        Args:
            y_true: Target images.
            y_pred: Images to score, of the same shape.
            sample_weight: Weight of each image, `(batch,)`. Defaults to 1 for each.
            mask: Pixels to compare, see the function of the metric. Defaults to all pixels.
        """
        scores = self.function(y_true, y_pred, mask=mask, **self.options)
        weights = ops.ones_like(scores)
        if sample_weight is not None:
            weights = weights * ops.cast(sample_weight, scores.dtype)
        left_out = ops.logical_and(
            ops.logical_not(ops.isfinite(scores)), _hold_finite_numbers(y_true, y_pred, mask)
        )
        left_out = ops.logical_and(left_out, weights != 0)
        infinite = ops.logical_and(left_out, scores == float("inf"))
        self.left_out.assign_add(ops.sum(ops.cast(left_out, self.dtype)))
        self._infinite.assign_add(ops.sum(ops.cast(infinite, self.dtype)))
        counted = ops.logical_and(weights != 0, ops.logical_not(left_out))
        zeros = ops.zeros_like(scores)  # 0 times NaN is NaN
        super().update_state(ops.where(counted, scores, zeros), ops.where(counted, weights, zeros))

    def result(self) -> Any:
        """Return the mean over all images that are not excluded."""
        mean = super().result()
        infinite = self._infinite == self.left_out
        without = ops.where(infinite, ops.full_like(mean, float("inf")), mean * float("nan"))
        none_counted = ops.logical_and(self.count == 0, self.left_out > 0)
        return ops.where(none_counted, without, mean)

    def reset_state(self) -> None:
        """Reset the mean and the number of excluded images."""
        super().reset_state()
        self.left_out.assign(0)
        self._infinite.assign(0)

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {"name": self.name, "dtype": self.dtype, **self.options}


def _hold_finite_numbers(y_true: Any, y_pred: Any, mask: Any) -> Any:
    """Whether both images of each pair are finite, inside the mask if given: `(batch,)`."""
    finite = [ops.isfinite(ops.cast(images, "float32")) for images in (y_true, y_pred)]
    sound = ops.logical_and(*finite)
    if mask is not None:
        sound = ops.logical_or(sound, ops.logical_not(ops.convert_to_tensor(mask)))
    return ops.all(sound, axis=tuple(range(1, len(sound.shape))))
