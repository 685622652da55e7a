"""Intensity curve as a layer: a piecewise linear look-up table."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class IntensityCurve(keras.layers.Layer):
    """Map each value by a piecewise linear curve with equally spaced nodes on [-1, 1].

    A look-up table with linear interpolation: a gamma curve, a negative, or the intensity curve
    between two contrasts that :func:`keras_mri_cyclegan.unpaired_curves.fit_curves` fits. The
    curve is fixed, without trainable weights. Computed in float32 under every dtype policy, since
    half precision is too coarse near 1.

    Args:
        values: Values of the curve at equally spaced inputs from -1 to 1: at least two finite
            numbers. Inputs outside [-1, 1] are clipped.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name`.

    Input shape:
        Any, floats in [-1, 1].

    Output shape:
        The input's shape, float32.

    Raises:
        ValueError: `values` is not a list of at least two finite numbers.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> negative = kmc.layers.IntensityCurve([1.0, -1.0])
        >>> [float(value) for value in negative(np.array([-1.0, -0.5, 0.25]))]
        [1.0, 0.5, -0.25]
    """

    def __init__(self, values: Sequence[float] | np.ndarray, **kwargs: Any):
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        array = np.asarray(values, dtype="float64")
        if array.ndim != 1 or len(array) < 2 or not np.isfinite(array).all():
            raise ValueError(
                "`values` must be a list of at least two finite numbers, the values of the curve "
                f"from -1 to 1. Received: {values!r}."
            )
        self.values = [float(value) for value in array]

    def call(self, inputs: Any) -> Any:
        """Return the mapped values."""
        last = len(self.values) - 1
        curve = ops.convert_to_tensor(np.array(self.values, "float32"))
        place = (ops.clip(ops.cast(inputs, "float32"), -1.0, 1.0) + 1.0) * (last / 2)
        below = ops.minimum(ops.floor(place), last - 1)
        share = place - below
        node = ops.cast(below, "int32")
        # Rows of one number: taking single numbers uses a torch operation that ONNX lacks.
        rows = curve[:, None]
        left, right = (ops.take(rows, k, axis=0)[..., 0] for k in (node, node + 1))
        return left * (1 - share) + right * share

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {**super().get_config(), "values": self.values}
