"""PatchGAN discriminator, which classifies patches instead of whole images."""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers import SpectralNormalization
from keras_mri_cyclegan.networks import parts

# The 70-pixel PatchGAN of pix2pix (Isola et al., CVPR 2017, appendix 6.1.2) has three layers of
# stride 2: C64-C128-C256-C512, with a zero padding of 1 as in the authors' code.
WIDEST = 8  # times the first filters


def patchgan_discriminator(
    input_shape: tuple,
    layers: int = 3,
    filters: int = 64,
    normalization: str | keras.layers.Layer | None = "instance",
    spectral_normalization: bool = False,
    negative_slope: float = 0.2,
    use_bias: bool = True,
    padding: str = "border",
    name: str = "patchgan_discriminator",
) -> keras.Model:
    """Build a PatchGAN, which classifies each patch of an image as real or generated.

    `layers` 4 x 4 convolutions of stride 2, one of stride 1, and one to a single logit per patch.
    The size of a patch (the receptive field of a logit) depends on `layers`:

    ======== ================ ==============================
    `layers` receptive field  logits for an image of 256 x 256
    ======== ================ ==============================
    1        16 x 16          126 x 126
    2        34 x 34          62 x 62
    3        70 x 70          30 x 30
    4        142 x 142        14 x 14
    ======== ================ ==============================

    The rank of `input_shape` selects the network: `(height, width, channels)` builds a 2-D network,
    `(depth, height, width, channels)` a volumetric one.

    Args:
        input_shape: Shape of one image, without the batch axis; a spatial size may be `None`.
        layers: Integer, number of convolutions of stride 2. Defaults to 3, the paper's patches of
            70 pixels.
        filters: Integer, filters of the first convolution, doubled in each further convolution up
            to eight times as many. Defaults to 64.
        normalization: `"instance"` (epsilon 1e-5), `"batch"`, `None`, or a template layer such as
            `keras_mri_cyclegan.layers.InstanceNormalization(epsilon=1e-3)`, copied for each
            normalisation. The first convolution is not normalised. Defaults to `"instance"`.
        spectral_normalization: Boolean, whether each convolution is wrapped in
            `keras_mri_cyclegan.layers.SpectralNormalization`. Commonly used with
            `normalization=None`. Defaults to `False`.
        negative_slope: Float of at least 0, negative slope of the leaky ReLUs. TensorFlow's
            tutorials use 0.3, the default of Keras 2. Defaults to 0.2, as in pix2pix.
        use_bias: Boolean, whether convolutions without normalisation have a bias; the last
            convolution always has a bias, convolutions followed by a normalisation never. Defaults
            to `True`.
        padding: `"border"` for a zero padding of 1 before every convolution as in pix2pix, or
            `"same"` for Keras' padding as in the Keras CycleGAN example, which yields 32 x 32
            logits for an image of 256 x 256. Defaults to `"border"`.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, channels)` in [-1, 1] to logits
        `(batch, patches down, patches across, 1)`, float32, without an activation.

    Raises:
        ValueError: An argument out of range, or an image that is too small for `layers`.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> discriminator = kmc.patchgan_discriminator((256, 256, 1), filters=8)
        >>> discriminator.output_shape
        (None, 30, 30, 1)

    References:
        - Isola et al., "Image-to-Image Translation with Conditional Adversarial Networks",
          CVPR 2017, https://arxiv.org/abs/1611.07004
        - Miyato et al., "Spectral Normalization for Generative Adversarial Networks", ICLR 2018,
          https://arxiv.org/abs/1802.05957
    """
    shape = _checks.input_shape(input_shape)
    _checks.positive_int("layers", layers)
    _checks.positive_int("filters", filters)
    parts.check_choices(normalization)
    _checks.weight("negative_slope", negative_slope)
    _checks.one_of("use_bias", use_bias, (True, False))
    _checks.one_of("padding", padding, ("border", "same"))
    _checks.one_of("spectral_normalization", spectral_normalization, (True, False))
    parts.check_smallest(shape, _smallest(layers), remedy=", or choose fewer `layers`")
    return _build(
        shape,
        layers,
        filters,
        normalization,
        spectral_normalization,
        negative_slope,
        use_bias,
        padding,
        name,
    )


def _build(
    shape: tuple,
    layers: int,
    filters: int,
    normalization: str | keras.layers.Layer | None,
    spectral: bool,
    slope: float,
    use_bias: bool,
    padding: str,
    name: str,
) -> keras.Model:
    x = image = keras.Input(shape, name="image")
    for level in range(layers + 1):
        block, normalized = f"block_{level}", normalization if level > 0 else None
        # The gradient of a bias before a normalisation is only rounding noise, which Adam
        # amplifies.
        x = _convolution(
            x,
            filters * min(2**level, WIDEST),
            strides=2 if level < layers else 1,
            use_bias=use_bias and normalized is None,
            spectral=spectral,
            padding=padding,
            name=block,
        )
        x = parts.normalize(x, normalized, name=f"{block}_norm")
        x = parts.leaky_relu(x, slope, name=f"{block}_act")
    x = _convolution(
        x, 1, strides=1, use_bias=True, spectral=spectral, padding=padding, name="patch"
    )
    x = parts.float32_activation(x, "linear", name="logits")
    return keras.Model(image, x, name=name)


def _convolution(
    x: Any, filters: int, strides: int, use_bias: bool, spectral: bool, padding: str, name: str
) -> Any:
    if padding == "border":
        x = parts.zero_padding(x, 1, name=f"{name}_pad")
    layer = parts.convolution_layer(
        len(x.shape) - 2,
        filters,
        4,
        strides=strides,
        padding="valid" if padding == "border" else "same",
        use_bias=use_bias,
        name=name,
    )
    if spectral:
        layer = SpectralNormalization(layer, name=f"{name}_spectral")
    return layer(x)


def _smallest(layers: int) -> int:
    """Return the smallest image size that yields a logit (3 before both stride-1 layers)."""
    return 3 * 2**layers
