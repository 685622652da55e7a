"""Instance normalisation, as tensorflow-addons had it."""

import warnings
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks

# Beside the axis, what the config of a layer in a file has always had.
RECORDED = {"epsilon", "center", "scale", "beta_initializer", "gamma_initializer"}


# The class name is part of the file formats: Keras finds a layer's weights in `.weights.h5` and
# `.keras` files under a name derived from it, also in files written with tensorflow-addons.
@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class InstanceNormalization(keras.layers.Layer):
    r"""Normalise every channel of every image by its own mean and standard deviation.

    .. math:: y = \gamma \, \frac{x - \mu}{\sqrt{\sigma^2 + \epsilon}} + \beta

    with the mean :math:`\mu` and the variance :math:`\sigma^2` over the spatial axes of one image
    and one channel. Nothing is shared between the images of a batch and nothing is remembered
    between calls, so training and prediction compute the same.

    A drop-in for `tensorflow_addons.layers.InstanceNormalization`: same arguments, same defaults,
    same weights in the same order (gamma, beta). Other implementations take another `epsilon`
    (1e-5 in the TensorFlow CycleGAN tutorial and in torch), which shows in the output: weights
    must be used with the `epsilon` that they were trained with.

    The statistics of half precision inputs are computed in float32, and the mean is taken out
    twice, so that a large offset or a constant image does no harm.

    Args:
        axis: Integer, the channel axis. -1 for channels last, 1 for channels first. Defaults to -1.
        epsilon: Positive number that is added to the variance, in squared units of the input.
            Defaults to 1e-3.
        center: Whether to add `beta`. Defaults to `True`.
        scale: Whether to multiply by `gamma`. Defaults to `True`.
        beta_initializer: Initializer of `beta`. Defaults to `"zeros"`.
        gamma_initializer: Initializer of `gamma`. Defaults to `"ones"`.
        beta_regularizer: Regularizer of `beta`. Defaults to `None`.
        gamma_regularizer: Regularizer of `gamma`. Defaults to `None`.
        beta_constraint: Constraint on `beta`. Defaults to `None`.
        gamma_constraint: Constraint on `gamma`. Defaults to `None`.
        **kwargs: What every `keras.layers.Layer` takes, such as `name` and `dtype`; and `groups`,
            which tensorflow-addons takes and overwrites: it has no effect, and a warning if it is
            not -1.

    Input shape:
        `(batch, height, width, channels)`, or `(batch, channels, height, width)` with `axis=1`;
        likewise with one or three spatial axes. Every size but that of the channels may be unknown.

    Output shape:
        Same as the input's.

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
                f"InstanceNormalization normalises every channel by itself: groups={groups} has no "
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
        # As in tensorflow-addons: a mask is handed on, and masked places count like all others.
        self.supports_masking = True

    def build(self, input_shape: tuple) -> None:
        """Create gamma and beta, one number a channel each.

        Args:
            input_shape: Shape of the input, batch axis included.

        Raises:
            ValueError: The shape has no spatial axis, no `axis`, or an unknown number of channels.
        """
        rank = len(input_shape)
        if rank < 3:
            raise ValueError(
                "InstanceNormalization needs a batch axis, a channel axis and at least one spatial "
                f"axis to normalise over. Received: input_shape={tuple(input_shape)}. For vectors "
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
                f"input_shape={tuple(input_shape)} with axis={self.axis}. Give the size of that "
                "axis in `keras.Input`."
            )
        self.input_spec = keras.layers.InputSpec(ndim=rank, axes={axis: channels})
        # Without autocast: gamma and beta meet the float32 statistics, never half precision.
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
        """Normalise.

        Args:
            inputs: Tensor of images, shape as described for the class.

        Returns:
            Tensor of the same shape, in the layer's compute dtype.
        """
        rank = len(inputs.shape)
        channel_axis = self.axis % rank
        axes = [axis for axis in range(1, rank) if axis != channel_axis]
        # float16 ends at 65504, which the square of 256 already exceeds. (Not `result_type`: on
        # torch that of float64 and float32 is float32.)
        is_double = keras.backend.standardize_dtype(inputs.dtype) == "float64"
        dtype = "float64" if is_double else "float32"
        x = ops.cast(inputs, dtype)
        x = x - _mean(x, axes)
        # The rounding of the mean is left in x: at an offset of 1e4 it is 1e-3, and a constant
        # image would be divided by it. It is a constant as far as the gradient is concerned.
        x = x - ops.stop_gradient(_mean(x, axes))
        # Not `ops.moments`, which clips at 65504 and on torch is E[x^2] - E[x]^2: NaN when it
        # rounds below zero.
        # Not `ops.square` either, a power on torch, which LiteRT does not have for volumes.
        factor = ops.rsqrt(_mean(x * x, axes) + self.epsilon)
        shape = [-1 if axis == channel_axis else 1 for axis in range(rank)]
        if self.gamma is not None:
            factor = factor * ops.reshape(ops.cast(self.gamma, dtype), shape)
        x = x * factor
        if self.beta is not None:
            x = x + ops.reshape(ops.cast(self.beta, dtype), shape)
        return ops.cast(x, self.compute_dtype)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `input_shape`.

        Args:
            input_shape: Shape of the input, batch axis included.
        """
        return tuple(input_shape)

    def get_config(self) -> dict:
        """Return all arguments of the constructor."""
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
        """Make a layer from its config, or from that of tensorflow-addons' layer.

        Args:
            config: What `get_config` returned. The entry `"groups"` that tensorflow-addons wrote
                (-1, or once built the number of channels) is dropped, and Keras 2's way to write
                a dtype policy is understood.

        Raises:
            ValueError: `"groups"` is neither -1 nor positive; or the file has keras_contrib's
                `axis=None`, statistics over the channels too.
        """
        config = dict(config)
        _checked_groups(config.pop("groups", -1))
        # Of an `.h5` Keras drops an axis that is null or several, and would take the default.
        if config.get("axis", None if set(config) >= RECORDED else -1) is None:
            raise ValueError(
                "InstanceNormalization has no `axis=None`, which keras_contrib's layer has by "
                "default: there the mean and standard deviation are those of all channels "
                "together. Received a config with axis=None, or several axes. Normalise with "
                "`keras.layers.LayerNormalization(axis=(1, 2, 3))`, or set the axis of the file's "
                "layer if its weights were trained with one."
            )
        dtype = config.get("dtype")
        if isinstance(dtype, dict) and dtype.get("class_name") == "Policy":
            config["dtype"] = dtype["config"]["name"]  # Keras 3 opens `DTypePolicy` alone.
        return super().from_config(config)


def _mean(x: Any, axes: list[int]) -> Any:
    """Mean over `axes`, which are kept with size 1.

    One axis after the other, the innermost first. TensorFlow on a CPU adds up numbers one by one,
    which at 256 x 256 of them loses four digits; sums of sums lose one, on every backend.
    """
    for axis in reversed(axes):
        count = ops.shape(x)[axis]
        # A size that is known stays a number, which torch need not make an array of.
        count = count if isinstance(count, int) else ops.cast(count, x.dtype)
        # Not `ops.mean`, which on torch computes that of float64 in float32.
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
            f"`{name}` must be positive, or a constant image is divided by zero. "
            f"Received: {name}={value!r}."
        )
    return float(value)
