"""What the Keras metrics here share: the mean of a score over every image seen."""

from collections.abc import Callable
from typing import Any

import keras


class ImageMetric(keras.metrics.Mean):
    """Mean over all images seen of a score that a function gives each of them.

    Args:
        function: `(y_true, y_pred, *, mask, **options)` to one score per image, `(batch,)`.
        direction: `"up"` if a higher score is better, `"down"` if a lower one is.
        name: The metric's name.
        dtype: The dtype of the result.
        **options: What `function` takes besides, and what :meth:`get_config` returns.
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
        # What mode="auto" of EarlyStopping reads, if the metric was given to `compile(metrics=)`.
        self._direction = direction

    def update_state(
        self, y_true: Any, y_pred: Any, sample_weight: Any = None, mask: Any = None
    ) -> None:
        """Add a batch of images.

        Args:
            y_true: The images aimed at.
            y_pred: The images to score, of the same shape.
            sample_weight: Weight of each image, `(batch,)`. Defaults to 1 for each.
            mask: Where to compare, see the function of the same name. An image with an empty
                mask makes the mean NaN: leave it out of the batch. Defaults to everywhere.
        """
        scores = self.function(y_true, y_pred, mask=mask, **self.options)
        super().update_state(scores, sample_weight)

    def get_config(self) -> dict:
        """Return the arguments that build an equal metric."""
        return {"name": self.name, "dtype": self.dtype, **self.options}
