"""U-Net generator: the instance-normalised U-Net of pix2pix."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.networks import parts

# Encoder-decoder of "Image-to-Image Translation with Conditional Adversarial Networks" (pix2pix,
# Isola et al., CVPR 2017, appendix 6.1): eight levels, widths 64-128-256-512-512-512-512-512.
PIX2PIX_DEPTH = 8
PIX2PIX_WIDEST = 8  # times the first filters
PIX2PIX_DROPOUT_BLOCKS = 3
WIDEST_BOTTLENECK = 8  # largest bottleneck along an axis, in pixels, at the default depth


def unet_generator(
    input_shape: tuple,
    depth: int | None = None,
    filters: int | Sequence[int] = 64,
    output_channels: int | None = None,
    dropout: float = 0.5,
    upsampling: str = "transpose",
    normalization: str | keras.layers.Layer | None = "instance",
    full_resolution: bool = False,
    dropout_blocks: int = PIX2PIX_DROPOUT_BLOCKS,
    normalize_bottleneck: bool = False,
    negative_slope: float = 0.2,
    use_bias: bool = True,
    name: str = "unet_generator",
) -> keras.Model:
    """Build the modified, instance-normalised U-Net that translates one contrast to another.

    Each encoder level is a 4 x 4 convolution of stride 2, a normalisation and a leaky ReLU (0.2).
    Each decoder level doubles the size, normalises, and is joined with the encoder level of the
    same size (skip connection), so that details need not pass the bottleneck. The first level is
    not normalised, nor is the deepest, where the normalisation of a single pixel would always be
    zero. With the defaults, `unet_generator((256, 256, 1))` is the U-Net-256 of
    pix2pix with instance in place of batch normalisation: 54.4 million parameters.

    The rank of `input_shape` selects the network: `(height, width, channels)` builds a 2-D network,
    `(depth, height, width, channels)` a volumetric one from the same code. Pass neighbouring
    slices as channels.

    Args:
        input_shape: Shape of one image, without the batch axis. Each spatial size must be a
            multiple of `2 ** depth`, or `None` for any such size.
        depth: Integer of at least 2, number of halvings of the image. Defaults to as many as all
            sizes allow, at most 8: 8 for 256, 7 for 128, 6 for 192, 5 for 160 and 224. If this
            leaves more than 8 pixels along an axis, each axis is halved separately as often as its
            size allows, short axes only in the last levels: for `(20, 256, 256, 1)` the 20 slices
            twice, the other axes 8 times. Sizes that even then leave more than 8 pixels, such as
            100 or 181, need padding or an explicit `depth`.
        filters: Integer, filters of the first level, doubled from level to level up to eight times
            as many. Or a list with the filters of every level. Defaults to 64.
        output_channels: Integer, channels of the translation. Defaults to the input's channels.
        dropout: Float in `[0, 1)`, dropout rate in the deepest `dropout_blocks` of the decoder. 0
            omits the dropout layers. Defaults to 0.5.
        upsampling: `"transpose"` for 4 x 4 transposed convolutions of stride 2 as in pix2pix;
            `"resize"` for nearest-neighbour upsampling followed by a 3 x 3 convolution, which
            avoids checkerboards. Defaults to `"transpose"`.
        normalization: `"instance"` (epsilon 1e-5), `"batch"`, `None`, or a template layer such as
            `keras_mri_cyclegan.layers.InstanceNormalization(epsilon=1e-3)`, copied for each
            normalisation. Defaults to `"instance"`.
        full_resolution: Boolean, whether to add a level at full size, with a skip connection
            between a 3 x 3 convolution before the first halving and one before the output, as in
            the original U-Net (Ronneberger et al., 2015). The finest features of pix2pix have half
            the size. The additional level costs time and sharpens small images. Defaults to
            `False`.
        dropout_blocks: Integer of at least 0, number of blocks with dropout. Defaults to 3.
        normalize_bottleneck: Boolean, whether the deepest level is normalised too, as in
            TensorFlow's tutorials. Defaults to `False`.
        negative_slope: Float of at least 0, negative slope of the leaky ReLUs. TensorFlow's
            tutorials use 0.3, the default of Keras 2. Defaults to 0.2, as in pix2pix.
        use_bias: Boolean, whether convolutions without normalisation have a bias; the last
            convolution always has a bias, convolutions followed by a normalisation never. Defaults
            to `True`.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` in [-1, 1] to
        `(batch, height, width, output_channels)` in [-1, 1] (tanh), float32.

    Raises:
        ValueError: An argument out of range, or a size that is not divisible; the message suggests
            valid sizes.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.unet_generator((64, 64, 1), filters=8)
        >>> generator.output_shape
        (None, 64, 64, 1)
        >>> volumetric = kmc.unet_generator((16, 32, 32, 1), depth=3, filters=4)
        >>> volumetric.output_shape
        (None, 16, 32, 32, 1)

    References:
        - Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
          CVPR 2017, https://arxiv.org/abs/1611.07004
        - Ronneberger et al., "U-Net: Convolutional Networks for Biomedical Image Segmentation",
          MICCAI 2015, https://arxiv.org/abs/1505.04597
        - Ulyanov et al., "Instance Normalization: The Missing Ingredient for Fast Stylization",
          2016, https://arxiv.org/abs/1607.08022
    """
    shape = _checks.input_shape(input_shape)
    if depth is None and not isinstance(filters, (tuple, list)):
        strides = _deepest(shape)
    else:
        depth = len(filters) if depth is None else depth  # type: ignore[arg-type]
        strides = _alike(shape, _checks.positive_int("depth", depth, minimum=2))
    widths = _widths(filters, len(strides))
    output_channels = _checks.positive_int(
        "output_channels", shape[-1] if output_channels is None else output_channels
    )
    _checks.fraction("dropout", dropout)
    parts.check_choices(normalization, upsampling)
    _checks.one_of("full_resolution", full_resolution, (True, False))
    _checks.positive_int("dropout_blocks", dropout_blocks, minimum=0)
    _checks.one_of("normalize_bottleneck", normalize_bottleneck, (True, False))
    _checks.weight("negative_slope", negative_slope)
    _checks.one_of("use_bias", use_bias, (True, False))
    return _build(
        shape,
        widths,
        strides,
        output_channels,
        dropout,
        upsampling,
        normalization,
        full_resolution,
        dropout_blocks,
        normalize_bottleneck,
        negative_slope,
        use_bias,
        name,
    )


def _build(
    shape: tuple,
    widths: list[int],
    strides: list[tuple[int, ...]],
    output_channels: int,
    dropout: float,
    upsampling: str,
    normalization: str | keras.layers.Layer | None,
    full_resolution: bool,
    dropout_blocks: int,
    normalize_bottleneck: bool,
    slope: float,
    use_bias: bool,
    name: str,
) -> keras.Model:
    depth, bottleneck = len(widths), len(widths) - 1
    plain = {0} if normalize_bottleneck else {0, bottleneck}

    x = image = keras.Input(shape, name="image")
    if full_resolution:
        x = detail = _full(x, widths[0], None, slope, use_bias, name="input_full")
    skips = []
    for level in range(depth):
        normalized = None if level in plain else normalization
        x = _down(
            x, widths[level], strides[level], normalized, slope, use_bias, name=f"down_{level}"
        )
        skips.append(x)

    x = skips.pop()
    for level in reversed(range(bottleneck)):
        dropped = dropout if level >= bottleneck - dropout_blocks else 0.0
        x = _up(
            x,
            widths[level],
            strides[level + 1],
            upsampling,
            normalization,
            dropped,
            use_bias,
            name=f"up_{level}",
        )
        x = keras.layers.Concatenate(name=f"up_{level}_skip")([x, skips.pop()])

    if full_resolution:
        x = _up(x, widths[0], strides[0], upsampling, normalization, 0.0, use_bias, name="up_full")
        x = keras.layers.Concatenate(name="up_full_skip")([x, detail])
        x = _full(x, widths[0], normalization, slope, use_bias, name="output_full")
        x = parts.convolution(x, output_channels, 3, padding="same", name="output")
    else:
        x = parts.upsample(
            x, output_channels, _kernel(strides[0]), upsampling, name="output", strides=strides[0]
        )
    x = parts.float32_activation(x, "tanh", name="translation")
    return keras.Model(image, x, name=name)


def _down(
    x: Any,
    filters: int,
    strides: tuple[int, ...],
    normalization: str | keras.layers.Layer | None,
    slope: float,
    use_bias: bool,
    name: str,
) -> Any:
    # The gradient of a bias before a normalisation is only rounding noise, which Adam amplifies.
    biased = use_bias and normalization is None
    x = parts.convolution(
        x, filters, _kernel(strides), name, strides=strides, padding="same", use_bias=biased
    )
    x = parts.normalize(x, normalization, name=f"{name}_norm")
    return parts.leaky_relu(x, slope, name=f"{name}_act")


def _up(
    x: Any,
    filters: int,
    strides: tuple[int, ...],
    upsampling: str,
    normalization: str | keras.layers.Layer | None,
    dropout: float,
    use_bias: bool,
    name: str,
) -> Any:
    biased = use_bias and normalization is None
    x = parts.upsample(
        x, filters, _kernel(strides), upsampling, name, strides=strides, use_bias=biased
    )
    x = parts.normalize(x, normalization, name=f"{name}_norm")
    if dropout:
        x = keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)
    return keras.layers.ReLU(name=f"{name}_act")(x)


def _full(
    x: Any,
    filters: int,
    normalization: str | keras.layers.Layer | None,
    slope: float,
    use_bias: bool,
    name: str,
) -> Any:
    biased = use_bias and normalization is None
    x = parts.convolution(x, filters, 3, padding="same", use_bias=biased, name=name)
    x = parts.normalize(x, normalization, name=f"{name}_norm")
    return parts.leaky_relu(x, slope, name=f"{name}_act")


def _widths(filters: int | Sequence[int], depth: int) -> list[int]:
    """Return the filters of every level."""
    if isinstance(filters, (tuple, list)):
        if len(filters) != depth:
            raise ValueError(
                f"`filters` must have one entry for each of the {depth} levels. "
                f"Received: {filters!r}."
            )
        return [_checks.positive_int("filters", width) for width in filters]
    first = _checks.positive_int("filters", filters)
    return [first * min(2**level, PIX2PIX_WIDEST) for level in range(depth)]


def _kernel(strides: tuple[int, ...]) -> tuple[int, ...]:
    """Return the kernel size: 4 along halved axes, 3 along all others."""
    return tuple(4 if stride == 2 else 3 for stride in strides)


def _alike(shape: tuple, depth: int) -> list[tuple[int, ...]]:
    """Return the strides of every level if all axes are halved `depth` times."""
    parts.check_divisible(shape, depth, remedy=", or choose a smaller `depth`")
    return [(2,) * len(shape[:-1])] * depth


def _deepest(shape: tuple) -> list[tuple[int, ...]]:
    """Return the strides of every level at the default depth, equal for all axes if possible."""
    sizes = [size for size in shape[:-1] if size is not None]
    if not sizes:
        return _alike(shape, PIX2PIX_DEPTH)
    times = [_halvings(size) for size in sizes]
    alike = min(times)
    if (alike > 1 and max(sizes) // 2**alike <= WIDEST_BOTTLENECK) or alike == PIX2PIX_DEPTH:
        return _alike(shape, alike)
    one_pixel = max(2, min(PIX2PIX_DEPTH, int(math.log2(min(sizes)))))
    for size, most in zip(sizes, times, strict=True):
        if size // 2**most > WIDEST_BOTTLENECK and most < PIX2PIX_DEPTH:
            _alike(shape, max(one_pixel, most + 1))  # raises the error
    if max(times) < 2:
        _alike(shape, one_pixel)
    return _axis_by_axis(shape)


def _axis_by_axis(shape: tuple) -> list[tuple[int, ...]]:
    """Return the strides of every level if each axis is halved as often as its size allows.

    An axis of unknown size is halved in every level.
    """
    sizes = [size for size in shape[:-1] if size is not None]
    left = [_halvings(size) for size in sizes]
    strides = []
    for levels in range(max(left), 0, -1):
        # Volumes of thick slices have few slices: short axes are halved only when the other axes
        # are about as short, provided that enough levels remain.
        longest = max(size for size, times in zip(sizes, left, strict=True) if times)
        halved = [
            bool(times) and (2 * size > longest or times == levels)
            for size, times in zip(sizes, left, strict=True)
        ]
        of_known = iter(halved)
        strides.append(tuple(1 + (size is None or next(of_known)) for size in shape[:-1]))
        sizes = [size // (1 + now) for size, now in zip(sizes, halved, strict=True)]
        left = [times - now for times, now in zip(left, halved, strict=True)]
    return strides


def _halvings(size: int) -> int:
    """Return how often a size can be halved: at most 8 times, as in pix2pix."""
    return next(t for t in range(PIX2PIX_DEPTH, -1, -1) if size % 2**t == 0)
