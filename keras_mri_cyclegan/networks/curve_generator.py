"""Curve generator: a residual U-Net that corrects an intensity curve."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers import Foreground, IntensityCurve
from keras_mri_cyclegan.networks import parts

IDENTITY = (-1.0, 1.0)
SLOPE = 0.2


def curve_generator(
    input_shape: tuple,
    curve: Sequence[float] | np.ndarray = IDENTITY,
    depth: int = 2,
    filters: int = 16,
    blocks: int = 2,
    normalization: str | keras.layers.Layer | None = "instance",
    name: str = "curve_generator",
) -> keras.Model:
    """Build a small residual U-Net around an intensity curve, for tens of slices.

    The translation is `curve(image) + foreground(image) * network(image, curve(image))`, clipped to
    [-1, 1]. The network's last convolution is initialised to zero, hence before training the
    translation **equals** `curve(image)`: contrast about right, every edge in place. Training adds
    what no intensity curve can do: separate two tissues that have the same intensity in one
    contrast, but not in the other. Air is never changed.

    The network halves the image `depth` times and upsamples by nearest neighbour, which leaves no
    checkerboard; features of the same size are joined (U-Net). The receptive field of some tens
    of pixels is large enough to locate a pixel in the head, but too small to generate a new head.

    Args:
        input_shape: Shape of one image, `(height, width, channels)` or `(depth, height, width,
            channels)`. Each size must be a multiple of `2 ** depth`, or `None` for any such size.
        curve: Values at equally spaced intensities from -1 to 1, such as
            `keras_mri_cyclegan.unpaired_curves.fit_curves(a, b).ab`, for all channels. Defaults to
            a copy of the input.
        depth: Integer of at least 1, number of halvings of the image. Defaults to 2.
        filters: Integer, filters at full size; doubled after each halving. Defaults to 16.
        blocks: Integer of at least 0, residual blocks at the smallest size. Defaults to 2.
        normalization: `"instance"` (epsilon 1e-5), `"batch"`, `None`, or a template layer, which is
            copied for each normalisation. Defaults to `"instance"`.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` in [-1, 1] to the same
        shape in [-1, 1], float32.

    Raises:
        ValueError: An argument out of range, or a size that is not divisible; the message suggests
            valid sizes.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.curve_generator((32, 32, 1), curve=[-1.0, 1.0, 0.0])
        >>> image = np.full((1, 32, 32, 1), 0.5, "float32")
        >>> float(generator.predict(image, verbose=0).mean())  # untrained: the curve's value
        0.5

    References:
        - He et al., "Deep Residual Learning for Image Recognition", CVPR 2016,
          https://arxiv.org/abs/1512.03385
        - Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation",
          MICCAI 2015, https://arxiv.org/abs/1505.04597
    """
    shape = _checks.input_shape(input_shape)
    _checks.positive_int("depth", depth)
    _checks.positive_int("filters", filters)
    _checks.positive_int("blocks", blocks, minimum=0)
    parts.check_choices(normalization)
    parts.check_divisible(shape, depth, remedy=", or choose a smaller `depth`")

    image = keras.Input(shape, name="image")
    mapped = IntensityCurve(curve, name="curve")(image)
    x = keras.layers.Concatenate(name="image_and_curve")([image, mapped])
    x = parts.convolution(x, filters, 3, padding="same", name="input", kernel_initializer=_he())
    x = parts.leaky_relu(x, SLOPE, name="input_act")

    skips = []
    for level in range(1, depth + 1):
        skips.append(x)
        x = _block(x, filters * 2**level, normalization, strides=2, name=f"down_{level}")
        x = _block(x, filters * 2**level, normalization, name=f"down_{level}_again")

    for index in range(blocks):
        x = _residual(x, normalization, name=f"residual_{index}")

    for level in reversed(range(depth)):
        x = parts.resize(x, name=f"up_{level}_resize")
        x = _block(x, filters * 2**level, normalization, name=f"up_{level}")
        x = keras.layers.Concatenate(name=f"up_{level}_skip")([x, skips.pop()])
        x = _block(x, filters * 2**level, normalization, name=f"up_{level}_again")

    x = parts.convolution(
        x, shape[-1], 3, padding="same", name="correction", kernel_initializer="zeros"
    )
    inside = Foreground(name="foreground")(image)
    x = keras.layers.Multiply(name="correction_inside", dtype="float32")([x, inside])
    x = keras.layers.Add(name="corrected", dtype="float32")([mapped, x])
    x = parts.float32_activation(x, "hard_tanh", name="translation")
    return keras.Model(image, x, name=name)


def _block(x: Any, filters: int, normalization: Any, name: str, strides: int = 1) -> Any:
    x = _convolution(x, filters, normalization, strides=strides, name=name)
    return parts.leaky_relu(x, SLOPE, name=f"{name}_act")


def _residual(x: Any, normalization: Any, name: str) -> Any:
    y = _block(x, x.shape[-1], normalization, name=f"{name}_a")
    y = _convolution(y, x.shape[-1], normalization, name=f"{name}_b")
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _convolution(x: Any, filters: int, normalization: Any, name: str, strides: int = 1) -> Any:
    x = parts.convolution(
        x,
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=normalization is None,  # a bias before a normalisation has no gradient
        kernel_initializer=_he(),
        name=name,
    )
    return parts.normalize(x, normalization, name=f"{name}_norm")


def _he() -> keras.initializers.Initializer:
    # In this small network of many layers, N(0, 0.02) would attenuate the signal of the first
    # layers, which would then learn more slowly than the others.
    return keras.initializers.HeNormal()
