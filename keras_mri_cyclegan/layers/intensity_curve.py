"""A function of a pixel's value alone, as a layer."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class IntensityCurve(keras.layers.Layer):
    """Map each value by a curve that is straight between equally spaced nodes on [-1, 1].

    A look-up table with interpolation: what a gamma, a negative, or the best curve between two
    contrasts is, such as :func:`keras_mri_cyclegan.unpaired_curves.fit_curves` finds. It is fixed:
    there is no weight to train. Computed in float32 under every policy, since half precision has
    too few steps near 1.

    Args:
        values: The curve's values at equally spaced inputs from -1 to 1, at least two, finite.
            Inputs beyond are mapped as the end next to them.
        **kwargs: What every `keras.layers.Layer` takes, such as `name`.

    Input shape:
        Any, floats in [-1, 1].

    Output shape:
        The input's, float32.

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
                "`values` must be a list of at least two finite numbers, the curve's values from "
                f"-1 to 1. Received: {values!r}."
            )
        self.values = [float(value) for value in array]

    def call(self, inputs: Any) -> Any:
        """Return the mapped values.

        Args:
            inputs: Tensor of floats in [-1, 1], of any shape.
        """
        last = len(self.values) - 1
        curve = ops.convert_to_tensor(np.array(self.values, "float32"))
        place = (ops.clip(ops.cast(inputs, "float32"), -1.0, 1.0) + 1.0) * (last / 2)
        below = ops.minimum(ops.floor(place), last - 1)
        share = place - below
        node = ops.cast(below, "int32")
        # Rows of one number: for single numbers torch has an operation that ONNX has not.
        rows = curve[:, None]
        left, right = (ops.take(rows, k, axis=0)[..., 0] for k in (node, node + 1))
        return left * (1 - share) + right * share

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the input's shape."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return the arguments that make this layer again."""
        return {**super().get_config(), "values": self.values}
