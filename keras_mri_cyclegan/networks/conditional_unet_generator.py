"""A U-Net that is told which contrast it is given and which one is wanted."""

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
    """Build one generator for many translations, chosen by a vector of conditions.

    A U-Net with two 3 x 3 convolutions after each halving, residual blocks at the smallest size,
    and a way up by resizing, with a skip connection at every size, the image's own included. Each
    convolution but that of the output is followed by a scale and a shift of every channel that
    depend on the conditions (:class:`keras_mri_cyclegan.layers.FeatureModulation`). The two largest
    sizes are not normalised, so that intensities are not lost; the others are, by instance.

    Args:
        input_shape: Shape of one image, `(height, width, channels)` or `(depth, height, width,
            channels)`. Each size must be a multiple of `2 ** depth`, or `None` for any such size.
        conditions: Integer, length of the vector. Defaults to that of a source and a target
            contrast of the head, as `contrast_generator` has them.
        depth: Integer of at least 1, how many times the image is halved. Defaults to 4.
        filters: Integer, filters at full size; twice as many after each halving, up to eight times
            as many. Defaults to 16.
        blocks: Integer of at least 0, residual blocks at the smallest size. Defaults to 2.
        tissues: Integer of at least 0, tissues of a second output. Defaults to 0: there is none.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` with the inputs `image`, `(batch, height, width, channels)` in
        [-1, 1], and `conditions`, `(batch, conditions)`. Its output has the image's shape, in
        [-1, 1], float32. With `tissues` the output is a dictionary: this `translation`, and
        `tissues`, the share of each in a pixel, `(batch, [depth,] height, width, tissues)`.

    Raises:
        ValueError: An argument is out of its range, or a size does not divide.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.conditional_unet_generator((32, 32, 1), conditions=3, filters=4)
        >>> image, wanted = np.zeros((1, 32, 32, 1)), np.array([[0, 1, 0]])
        >>> generator.predict({"image": image, "conditions": wanted}, verbose=0).shape
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
    told = keras.Input((conditions,), name="conditions")
    _checks.positive_int("tissues", tissues, minimum=0)
    features = unet_features(image, told, depth, filters, blocks)
    output: Any = translation(features, shape[-1])
    if tissues:
        output = {"translation": output, "tissues": tissue_shares(features, tissues)}
    return keras.Model([image, told], output, name=name)


def check_arguments(shape: tuple, depth: int, filters: int, blocks: int) -> None:
    """Raise a `ValueError` if the U-Net cannot be built like this."""
    _checks.positive_int("depth", depth)
    _checks.positive_int("filters", filters)
    _checks.positive_int("blocks", blocks, minimum=0)
    parts.check_divisible(shape, depth, remedy=", or choose a smaller `depth`")


def unet_features(image: Any, conditions: Any, depth: int, filters: int, blocks: int) -> Any:
    """Return features of every pixel of `image`, as `conditions` say."""
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
    """Return the image that the features are of, with `offsets` added to it."""
    x = parts.convolution(features, channels, 3, padding="same", name="output")
    if offsets is not None:
        x = keras.layers.Add(name="output_with_offsets")([x, offsets])
    return parts.float32_activation(x, "hard_tanh", name="translation")


def tissue_shares(features: Any, tissues: int) -> Any:
    """Return the share of each tissue in every pixel."""
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
        use_bias=False,  # the modulation has one
        kernel_initializer=keras.initializers.HeNormal(),
        name=name,
    )
    if normalized:
        x = InstanceNormalization(center=False, scale=False, epsilon=1e-5, name=f"{name}_norm")(x)
    return FeatureModulation(name=f"{name}_modulation")([x, conditions])
