"""Conditional U-Net generator: source and target contrast as an input vector."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers import FeatureModulation, InstanceNormalization
from keras_mri_cyclegan.networks import parts
from keras_mri_cyclegan.networks.contrast_code import PROPERTIES

WIDEST = 8  # times the first filters
SLOPE = 0.2


def conditional_unet_generator(
    input_shape: tuple,
    conditions: int = 2 * len(PROPERTIES),
    depth: int = 4,
    filters: int = 16,
    blocks: int = 2,
    tissues: int = 0,
    name: str = "conditional_unet_generator",
) -> keras.Model:
    """Build one generator for many translations, selected by a vector of conditions.

    A U-Net with two 3 x 3 convolutions after each halving, residual blocks at the smallest size,
    nearest-neighbour upsampling, and a skip connection at every size, including full size. Each
    convolution except the output's is followed by a scale and a shift of every channel that depend
    on the conditions (:class:`keras_mri_cyclegan.layers.FeatureModulation`). The two largest sizes
    are not normalised, which preserves the intensities; all other sizes are instance-normalised.

    Args:
        input_shape: Shape of one image, `(height, width, channels)` or `(depth, height, width,
            channels)`. Each size must be a multiple of `2 ** depth`, or `None` for any such size.
        conditions: Integer, length of the condition vector. Defaults to the length of a
            `contrast_code`, a source and a target contrast of the head.
        depth: Integer of at least 1, number of halvings of the image. Defaults to 4.
        filters: Integer, filters at full size; doubled after each halving, up to eight times as
            many. Defaults to 16.
        blocks: Integer of at least 0, residual blocks at the smallest size. Defaults to 2.
        tissues: Integer of at least 0, number of tissues of a second output. Defaults to 0, no
            second output.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` with the inputs `image`, `(batch, height, width, channels)` in
        [-1, 1], and `conditions`, `(batch, conditions)`. The output has the image's shape, in
        [-1, 1], float32. With `tissues` the output is a dictionary of this `translation` and of
        `tissues`, the tissue map, `(batch, [depth,] height, width, tissues)`: the share of each
        tissue in each pixel.

    Raises:
        ValueError: An argument out of range, or a size that is not divisible.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.conditional_unet_generator((32, 32, 1), conditions=3, filters=4)
        >>> image, target = np.zeros((1, 32, 32, 1)), np.array([[0, 1, 0]])
        >>> generator.predict({"image": image, "conditions": target}, verbose=0).shape
        (1, 32, 32, 1)

    References:
        - Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation",
          MICCAI 2015, https://arxiv.org/abs/1505.04597
        - Perez et al., "FiLM: Visual Reasoning with a General Conditioning Layer", AAAI 2018,
          https://arxiv.org/abs/1709.07871
    """
    shape = _checks.input_shape(input_shape)
    _checks.positive_int("conditions", conditions)
    check_arguments(shape, depth, filters, blocks)
    image = keras.Input(shape, name="image")
    vector = keras.Input((conditions,), name="conditions")
    _checks.positive_int("tissues", tissues, minimum=0)
    features = unet_features(image, vector, depth, filters, blocks)
    output: Any = translation(features, shape[-1])
    if tissues:
        output = {"translation": output, "tissues": tissue_shares(features, tissues)}
    return keras.Model([image, vector], output, name=name)


def check_arguments(shape: tuple, depth: int, filters: int, blocks: int) -> None:
    """Validate the arguments of the U-Net; raise a `ValueError` if they do not fit."""
    _checks.positive_int("depth", depth)
    _checks.positive_int("filters", filters)
    _checks.positive_int("blocks", blocks, minimum=0)
    parts.check_divisible(shape, depth, remedy=", or choose a smaller `depth`")


def unet_features(image: Any, conditions: Any, depth: int, filters: int, blocks: int) -> Any:
    """Return features of every pixel of `image`, conditioned on `conditions`."""
    widths = [filters * min(2**level, WIDEST) for level in range(depth + 1)]

    def block(x: Any, level: int, name: str, strides: int = 1) -> Any:
        x = _convolution(x, conditions, widths[level], level >= 2, strides, name)
        return parts.leaky_relu(x, SLOPE, name=f"{name}_act")

    x = block(image, 0, "input")
    skips = []
    for level in range(1, depth + 1):
        skips.append(x)
        x = block(x, level, f"down_{level}", strides=2)
        x = block(x, level, f"down_{level}_again")

    for index in range(blocks):
        name = f"residual_{index}"
        y = block(x, depth, f"{name}_a")
        y = _convolution(y, conditions, widths[depth], depth >= 2, 1, f"{name}_b")
        x = keras.layers.Add(name=f"{name}_add")([x, y])

    for level in reversed(range(depth)):
        x = parts.resize(x, name=f"up_{level}_resize")
        x = keras.layers.Concatenate(name=f"up_{level}_skip")([x, skips.pop()])
        x = block(x, level, f"up_{level}")
        if level >= 2:
            x = block(x, level, f"up_{level}_again")

    return x


def translation(features: Any, channels: int, offsets: Any = None) -> Any:
    """Return the translation from the features, with `offsets` added."""
    x = parts.convolution(features, channels, 3, padding="same", name="output")
    if offsets is not None:
        x = keras.layers.Add(name="output_with_offsets")([x, offsets])
    return parts.float32_activation(x, "hard_tanh", name="translation")


def tissue_shares(features: Any, tissues: int) -> Any:
    """Return the tissue map: the share of each tissue in every pixel."""
    x = parts.convolution(features, tissues, 3, padding="same", name="tissue_scores")
    return parts.float32_activation(x, "softmax", name="tissues")


def _convolution(
    x: Any, conditions: Any, filters: int, normalized: bool, strides: int, name: str
) -> Any:
    x = parts.convolution(
        x,
        filters,
        3,
        strides=strides,
        padding="same",
        use_bias=False,  # the modulation has a bias
        kernel_initializer=keras.initializers.HeNormal(),
        name=name,
    )
    if normalized:
        x = InstanceNormalization(center=False, scale=False, epsilon=1e-5, name=f"{name}_norm")(x)
    return FeatureModulation(name=f"{name}_modulation")([x, conditions])
