"""Instance normalisation, compatible with tensorflow-addons."""

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks

# Entries, besides the axis, that every saved config of this layer holds.
RECORDED = {"epsilon", "center", "scale", "beta_initializer", "gamma_initializer"}


# The class name is part of the file formats: Keras finds a layer's weights in `.weights.h5` and
# `.keras` files under a name derived from it, including files written with tensorflow-addons.
@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class InstanceNormalization(keras.layers.Layer):
    r"""Normalise every channel of every image by its own mean and standard deviation.

    .. math:: y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    with the mean :math:`\mu` and the variance :math:`\sigma^2` over the spatial axes of one image
    and one channel. Statistics are neither shared between the images of a batch nor kept between
    calls, so training and inference give the same result.

    A drop-in for `tensorflow_addons.layers.InstanceNormalization`: same arguments, same defaults,
    same weights in the same order (gamma, beta). Other implementations use another `epsilon`
    (1e-5 in the TensorFlow CycleGAN tutorial and in torch), which changes the output visibly:
    use weights with the `epsilon` of their training.

    The statistics of half-precision inputs are computed in float32, and the mean is subtracted
    twice, so that images with a large offset and constant images are normalised correctly.

    Args:
        axis: Integer, the channel axis. -1 for channels last, 1 for channels first. Defaults to -1.
        epsilon: Positive number added to the variance, in squared units of the input.
            Defaults to 1e-3.
        center: Whether to add `beta`. Defaults to `True`.
        scale: Whether to multiply by `gamma`. Defaults to `True`.
        beta_initializer: Initializer of `beta`. Defaults to `"zeros"`.
        gamma_initializer: Initializer of `gamma`. Defaults to `"ones"`.
        beta_regularizer: Regularizer of `beta`. Defaults to `None`.
        gamma_regularizer: Regularizer of `gamma`. Defaults to `None`.
        beta_constraint: Constraint on `beta`. Defaults to `None`.
        gamma_constraint: Constraint on `gamma`. Defaults to `None`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`; and `groups`,
            which tensorflow-addons accepts and ignores: it has no effect here either. A value
            other than -1 raises a warning.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, channels, height, width)` with `axis=1`;
        likewise with one or three spatial axes. All sizes except the number of channels may be
        unknown.

    Output shape:
        The input's shape.

    Raises:
        ValueError: `axis` is the batch axis or outside the input's axes, `epsilon` is not positive,
            the input has no spatial axis, or its number of channels is unknown.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> images = np.random.default_rng(0).normal(100.0, 5.0, size=(2, 8, 8, 3))
        >>> layer = kmc.layers.InstanceNormalization()
        >>> y = keras.ops.convert_to_numpy(layer(images))
        >>> y.shape
        (2, 8, 8, 3)
        >>> bool(np.allclose(y.mean(axis=(1, 2)), 0, atol=1e-5))
        True
        >>> bool(np.allclose(y.std(axis=(1, 2)), 1, atol=1e-3))
        True

    References:
        Ulyanov, Vedaldi and Lempitsky, "Instance Normalization: The Missing Ingredient for Fast
        Stylization", 2016, https://arxiv.org/abs/1607.08022
    """

    def __init__(
        self,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ):
        groups = _checked_groups(kwargs.pop("groups", -1))
        if groups != -1:
            warnings.warn(
                f"InstanceNormalization normalises channels separately: groups={groups} has no "
                "effect, as in tensorflow-addons. For groups of channels use "
                f"`keras.layers.GroupNormalization(groups={groups})`.",
                UserWarning,
                stacklevel=2,
            )
        super().__init__(**kwargs)
        self.axis = _channel_axis(axis)
        self.epsilon = _positive("epsilon", epsilon)
        self.center = center
        self.scale = scale
        self.beta_initializer = keras.initializers.get(beta_initializer)
        self.gamma_initializer = keras.initializers.get(gamma_initializer)
        self.beta_regularizer = keras.regularizers.get(beta_regularizer)
        self.gamma_regularizer = keras.regularizers.get(gamma_regularizer)
        self.beta_constraint = keras.constraints.get(beta_constraint)
        self.gamma_constraint = keras.constraints.get(gamma_constraint)
        self.gamma = None
        self.beta = None
        # As in tensorflow-addons: a mask is passed on, and masked positions count like all others.
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        """Create gamma and beta, `(channels,)` each."""
        rank = len(input_shape)
        if rank < 3:
            raise ValueError(
                "InstanceNormalization needs a batch axis, a channel axis and at least one spatial "
                f"axis. Received: input_shape={tuple(input_shape)}. For vectors "
                "use `keras.layers.LayerNormalization`."
            )
        axis = self.axis + rank if self.axis < 0 else self.axis
        if not 1 <= axis < rank:
            raise ValueError(
                f"`axis` must be a channel axis of the input, from 1 to {rank - 1} or from "
                f"{1 - rank} to -1. Received: axis={self.axis} with "
                f"input_shape={tuple(input_shape)}."
            )
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                "InstanceNormalization must know the number of channels. Received: "
                f"input_shape={tuple(input_shape)} with axis={self.axis}. Specify the size of "
                "this axis in `keras.Input`."
            )
        self.input_spec = keras.layers.InputSpec(ndim=rank, axes={axis: channels})
        # No autocast: gamma and beta are applied to float32 statistics, never in half precision.
        if self.scale:
            self.gamma = self.add_weight(
                shape=(channels,),
                name="gamma",
                initializer=self.gamma_initializer,
                regularizer=self.gamma_regularizer,
                constraint=self.gamma_constraint,
                autocast=False,
            )
        if self.center:
            self.beta = self.add_weight(
                shape=(channels,),
                name="beta",
                initializer=self.beta_initializer,
                regularizer=self.beta_regularizer,
                constraint=self.beta_constraint,
                autocast=False,
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the normalised images, in the layer's compute dtype."""
        rank = len(inputs.shape)
        channel_axis = self.axis % rank
        axes = [axis for axis in range(1, rank) if axis != channel_axis]
        # The largest float16 is 65504, less than the square of 256. (Not `result_type`: on torch
        # the result type of float64 and float32 is float32.)
        is_double = keras.backend.standardize_dtype(inputs.dtype) == "float64"
        dtype = "float64" if is_double else "float32"
        x = ops.cast(inputs, dtype)
        x = x - _mean(x, axes)
        # The rounding error of the mean remains in x: at an offset of 1e4 the error is 1e-3, which
        # a constant image would be scaled up by. The second mean is constant for the gradient.
        x = x - ops.stop_gradient(_mean(x, axes))
        # Not `ops.moments`, which clips at 65504 and on torch computes E[x^2] - E[x]^2, whose root
        # is NaN when rounding makes the difference negative.
        # Not `ops.square` either: a power on torch, which LiteRT does not support for volumes.
        factor = ops.rsqrt(_mean(x * x, axes) + self.epsilon)
        shape = [-1 if axis == channel_axis else 1 for axis in range(rank)]
        if self.gamma is not None:
            factor = factor * ops.reshape(ops.cast(self.gamma, dtype), shape)
        x = x * factor
        if self.beta is not None:
            x = x + ops.reshape(ops.cast(self.beta, dtype), shape)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `input_shape`."""
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "epsilon": self.epsilon,
            "center": self.center,
            "scale": self.scale,
            "beta_initializer": keras.initializers.serialize(self.beta_initializer),
            "gamma_initializer": keras.initializers.serialize(self.gamma_initializer),
            "beta_regularizer": keras.regularizers.serialize(self.beta_regularizer),
            "gamma_regularizer": keras.regularizers.serialize(self.gamma_regularizer),
            "beta_constraint": keras.constraints.serialize(self.beta_constraint),
            "gamma_constraint": keras.constraints.serialize(self.gamma_constraint),
        }

    @classmethod
    def from_config(cls, config: dict) -> "InstanceNormalization":
        """Build the layer from its config, or from a config of tensorflow-addons' layer.

        Args:
            config: Result of `get_config`. The entry `"groups"` of tensorflow-addons (-1, or the
                number of channels once the layer is built) is dropped, and a dtype policy in the
                format of Keras 2 is accepted.

        Raises:
            ValueError: `"groups"` is neither -1 nor positive; or the config has keras_contrib's
                `axis=None`, which includes the channels in the statistics.
        """
        config = dict(config)
        _checked_groups(config.pop("groups", -1))
        # Reading an `.h5` file, Keras drops an axis that is null or a list and uses the default.
        if config.get("axis", None if set(config) >= RECORDED else -1) is None:
            raise ValueError(
                "InstanceNormalization does not support `axis=None`, the default of the layer of "
                "keras_contrib, which computes the mean and standard deviation over all channels. "
                "Received: a config with axis=None or several axes. Use "
                "`keras.layers.LayerNormalization(axis=(1, 2, 3))` instead, or set the axis in the "
                "file if the layer's weights were trained with one."
            )
        dtype = config.get("dtype")
        if isinstance(dtype, dict) and dtype.get("class_name") == "Policy":
            config["dtype"] = dtype["config"]["name"]  # Keras 3 only reads `DTypePolicy`.
        return super().from_config(config)


def _mean(x: Any, axes: list[int]) -> Any:
    """Mean over `axes`, which are kept with size 1.

    Computed axis by axis, the innermost first. TensorFlow on a CPU accumulates sequentially, which
    loses four digits for 256 x 256 numbers; sums of sums lose one digit, on every backend.
    """
    for axis in reversed(axes):
        count = ops.shape(x)[axis]
        # A known size stays a Python number, which torch need not convert to a tensor.
        count = count if isinstance(count, int) else ops.cast(count, x.dtype)
        # Not `ops.mean`, which on torch computes the mean of float64 in float32.
        x = ops.sum(x, axis=axis, keepdims=True) / count
    return x


def _channel_axis(axis: Any) -> int:
    if isinstance(axis, bool) or not isinstance(axis, (int, np.integer)) or axis == 0:
        raise ValueError(
            "`axis` must be an integer, the channel axis: -1 for channels last, 1 for channels "
            f"first (0 is the batch axis). Received: axis={axis!r}."
        )
    return int(axis)


def _checked_groups(groups: Any) -> int:
    return groups if groups == -1 else _checks.positive_int("groups", groups)


def _positive(name: str, value: Any) -> float:
    if _checks.weight(name, value) == 0:
        raise ValueError(
            f"`{name}` must be positive, since a constant image would be divided by zero. "
            f"Received: {name}={value!r}."
        )
    return float(value)
