"""ResNet generator of the CycleGAN paper."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers import ReflectionPadding
from keras_mri_cyclegan.networks import parts

# "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial Networks" (Zhu et al.,
# ICCV 2017, appendix 7.2): c7s1-64, d128, d256, R256 x 9, u128, u64, c7s1-3.
HALVINGS = 2
SMALLEST = 8  # enough pixels for the reflection padding of 3 (input) and of 1 (residual blocks)


def resnet_generator(
    input_shape: tuple,
    blocks: int = 9,
    filters: int = 64,
    output_channels: int | None = None,
    dropout: float = 0.0,
    upsampling: str = "transpose",
    normalization: str | keras.layers.Layer | None = "instance",
    name: str = "resnet_generator",
) -> keras.Model:
    """Build the CycleGAN paper's generator: a residual network with reflection padding.

    A 7 x 7 convolution, two of stride 2, `blocks` residual blocks at a quarter of the size, two
    up-samplings, and a 7 x 7 convolution to the output. Reflection instead of zero padding avoids
    artefacts at the border of the translation. With the defaults,
    `resnet_generator((256, 256, 3))` is the paper's network for images of 256 pixels: 11.4 million
    parameters.

    The rank of `input_shape` selects the network: `(height, width, channels)` builds a 2-D network,
    `(depth, height, width, channels)` a volumetric one.

    Args:
        input_shape: Shape of one image, without the batch axis. Each spatial size must be a
            multiple of 4 and at least 8, or `None` for any such size.
        blocks: Integer, number of residual blocks. The paper uses 6 for 128 pixels and 9 for 256
            and more. Defaults to 9.
        filters: Integer, filters of the first convolution, doubled at each halving. Defaults to
            64.
        output_channels: Integer, channels of the translation. Defaults to the input's channels.
        dropout: Float in `[0, 1)`, dropout rate inside each residual block. Defaults to 0.
        upsampling: `"transpose"` for 3 x 3 transposed convolutions of stride 2 as in the paper;
            `"resize"` for nearest-neighbour upsampling followed by a 3 x 3 convolution. Defaults to
            `"transpose"`.
        normalization: `"instance"` (epsilon 1e-5), `"batch"`, `None`, or a template layer such as
            `keras_mri_cyclegan.layers.InstanceNormalization(epsilon=1e-3)`, copied for each
            normalisation. Defaults to `"instance"`.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` in [-1, 1] to
        `(batch, height, width, output_channels)` in [-1, 1] (tanh), float32.

    Raises:
        ValueError: An argument out of range, or a size that is not divisible; the message suggests
            valid sizes.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.resnet_generator((64, 64, 1), blocks=2, filters=8)
        >>> generator.output_shape
        (None, 64, 64, 1)

    References:
        - Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
          Networks", ICCV 2017, https://arxiv.org/abs/1703.10593
        - Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution",
          ECCV 2016, https://arxiv.org/abs/1603.08155
    """
    shape = _checks.input_shape(input_shape)
    _checks.positive_int("blocks", blocks)
    _checks.positive_int("filters", filters)
    output_channels = _checks.positive_int(
        "output_channels", shape[-1] if output_channels is None else output_channels
    )
    _checks.fraction("dropout", dropout)
    parts.check_choices(normalization, upsampling)
    parts.check_divisible(shape, HALVINGS, remedy="")
    parts.check_smallest(shape, SMALLEST)
    return _build(shape, blocks, filters, output_channels, dropout, upsampling, normalization, name)


def _build(
    shape: tuple,
    residual_blocks: int,
    filters: int,
    output_channels: int,
    dropout: float,
    upsampling: str,
    normalization: str | keras.layers.Layer | None,
    name: str,
) -> keras.Model:
    biased = normalization is None  # a bias before a normalisation has no gradient

    x = image = keras.Input(shape, name="image")
    x = ReflectionPadding(3, data_format="channels_last", name="input_pad")(x)
    x = parts.convolution(x, filters, 7, use_bias=biased, name="input")
    x = _normalize_relu(x, normalization, name="input")

    for level in range(1, HALVINGS + 1):
        block = f"down_{level}"
        x = parts.convolution(
            x, filters * 2**level, 3, strides=2, padding="same", use_bias=biased, name=block
        )
        x = _normalize_relu(x, normalization, name=block)

    for index in range(residual_blocks):
        x = _residual(x, normalization, dropout, name=f"residual_{index}")

    for level in reversed(range(HALVINGS)):
        block = f"up_{level}"
        x = parts.upsample(x, filters * 2**level, 3, upsampling, use_bias=biased, name=block)
        x = _normalize_relu(x, normalization, name=block)

    x = ReflectionPadding(3, data_format="channels_last", name="output_pad")(x)
    x = parts.convolution(x, output_channels, 7, name="output")
    x = parts.float32_activation(x, "tanh", name="translation")
    return keras.Model(image, x, name=name)


def _residual(
    x: Any, normalization: str | keras.layers.Layer | None, dropout: float, name: str
) -> Any:
    filters = x.shape[-1]
    biased = normalization is None

    y = ReflectionPadding(1, data_format="channels_last", name=f"{name}_a_pad")(x)
    y = parts.convolution(y, filters, 3, use_bias=biased, name=f"{name}_a")
    y = _normalize_relu(y, normalization, name=f"{name}_a")
    if dropout:
        y = keras.layers.Dropout(dropout, name=f"{name}_dropout")(y)
    y = ReflectionPadding(1, data_format="channels_last", name=f"{name}_b_pad")(y)
    y = parts.convolution(y, filters, 3, use_bias=biased, name=f"{name}_b")
    y = parts.normalize(y, normalization, name=f"{name}_b_norm")
    return keras.layers.Add(name=f"{name}_add")([x, y])


def _normalize_relu(x: Any, normalization: str | keras.layers.Layer | None, name: str) -> Any:
    x = parts.normalize(x, normalization, name=f"{name}_norm")
    return keras.layers.ReLU(name=f"{name}_act")(x)
