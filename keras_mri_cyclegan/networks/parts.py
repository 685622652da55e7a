"""Building blocks of the networks, for images (rank 2) and volumes (rank 3).

A block maps a tensor to a tensor. The rank is inferred from the tensor, so that one builder serves
2-D and 3-D networks. Data is always channels last, regardless of
`keras.config.image_data_format()`, as in an `input_shape` of `(height, width, channels)`.
"""

from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers import InstanceNormalization

NORMALIZATIONS = ("instance", "batch", None)
UPSAMPLINGS = ("transpose", "resize")


def initializer() -> keras.initializers.Initializer:
    """Return a new instance of the papers' weight initialisation, N(0, 0.02).

    A Keras initialiser returns the same numbers in every call: layers that share an initialiser
    would start with equal weights.
    """
    return keras.initializers.RandomNormal(stddev=0.02)


def convolution(
    x: Any, filters: int, kernel_size: int | tuple[int, ...], name: str, **kwargs: Any
) -> Any:
    """Convolve `x`, in two or three dimensions."""
    return convolution_layer(_rank(x), filters, kernel_size, name=name, **kwargs)(x)


def convolution_layer(
    rank: int, filters: int, kernel_size: int | tuple[int, ...], name: str, **kwargs: Any
) -> keras.layers.Layer:
    """Return a convolution over `rank` spatial axes."""
    layer = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    kwargs.setdefault("kernel_initializer", initializer())
    return layer(
        filters,
        kernel_size,
        data_format="channels_last",
        name=name,
        **kwargs,
    )


def upsample(
    x: Any,
    filters: int,
    kernel_size: int | tuple[int, ...],
    upsampling: str,
    name: str,
    strides: int | tuple[int, ...] = 2,
    **kwargs: Any,
) -> Any:
    """Double the size of `x` by a transposed convolution, or by resizing and a convolution.

    An axis with a stride of 1 keeps its size.

    A transposed convolution leaves a checkerboard if its kernel size is not divisible by its
    stride, or after poor training; resizing first avoids this (Odena et al., Distill 2016).
    """
    rank = _rank(x)
    if upsampling == "transpose":
        layer = {2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}[rank]
        return layer(
            filters,
            kernel_size,
            strides=strides,
            padding="same",
            data_format="channels_last",
            kernel_initializer=initializer(),
            name=name,
            **kwargs,
        )(x)
    x = resize(x, name=f"{name}_resize", size=strides)
    return convolution(x, filters, 3, padding="same", name=name, **kwargs)


def resize(x: Any, name: str, size: int | tuple[int, ...] = 2) -> Any:
    """Upsample `x` by a factor of `size`, by nearest neighbour."""
    nearest = {2: keras.layers.UpSampling2D, 3: keras.layers.UpSampling3D}[_rank(x)]
    return nearest(size, data_format="channels_last", name=name)(x)


def normalize(x: Any, normalization: str | keras.layers.Layer | None, name: str) -> Any:
    """Normalise `x` over each image ("instance"), over the batch ("batch"), or not at all.

    A layer serves as a template: the new layer has the same arguments, but its own weights.
    """
    if isinstance(normalization, keras.layers.Layer):
        return type(normalization).from_config({**normalization.get_config(), "name": name})(x)
    if normalization == "instance":
        return InstanceNormalization(axis=-1, epsilon=1e-5, name=name)(x)
    if normalization == "batch":
        return keras.layers.BatchNormalization(axis=-1, epsilon=1e-5, momentum=0.9, name=name)(x)
    return x


def zero_padding(x: Any, padding: int, name: str) -> Any:
    """Pad `x` with `padding` zeros on every side."""
    layer = {2: keras.layers.ZeroPadding2D, 3: keras.layers.ZeroPadding3D}[_rank(x)]
    return layer(padding, data_format="channels_last", name=name)(x)


def leaky_relu(x: Any, negative_slope: float, name: str) -> Any:
    """Apply a leaky ReLU with the slope `negative_slope` below zero."""
    return keras.layers.LeakyReLU(negative_slope, name=name)(x)


def float32_activation(x: Any, activation: str, name: str) -> Any:
    """Apply an activation in float32, which keeps outputs and losses out of half precision."""
    return keras.layers.Activation(activation, dtype="float32", name=name)(x)


def check_choices(normalization: Any, upsampling: Any = "transpose") -> None:
    """Validate `normalization` and `upsampling`; raise a `ValueError` if unsupported."""
    if not isinstance(normalization, keras.layers.Layer) and normalization not in NORMALIZATIONS:
        raise ValueError(
            "`normalization` must be one of 'instance', 'batch', None, or a layer, such as "
            f"`InstanceNormalization(epsilon=1e-3)`. Received: {normalization!r}."
        )
    _checks.one_of("upsampling", upsampling, UPSAMPLINGS)


def check_divisible(shape: tuple, halvings: int, remedy: str) -> None:
    """Raise a `ValueError` if a spatial size of `shape` cannot be halved `halvings` times."""
    factor = 2**halvings
    wrong = [size for size in shape[:-1] if size is not None and size % factor]
    if not wrong:
        return
    below = tuple(s if s is None else max(s // factor, 1) * factor for s in shape[:-1])
    above = tuple(s if s is None else -(-s // factor) * factor for s in shape[:-1])
    fitting = f"{above + shape[-1:]}"
    if below != above:
        fitting = f"{below + shape[-1:]} or {fitting}"
    raise ValueError(
        f"`input_shape` must have sizes divisible by {factor}: the network halves images "
        f"{halvings} times. Received: {shape}. {fitting} would fit; pad or crop the images to this "
        f"size{remedy}."
    )


def check_smallest(shape: tuple, smallest: int, remedy: str = "") -> None:
    """Raise a `ValueError` if a spatial size of `shape` is below `smallest`."""
    if any(size is not None and size < smallest for size in shape[:-1]):
        raise ValueError(
            f"`input_shape` must have sizes of at least {smallest}. Received: {shape}. Enlarge or "
            f"pad the images{remedy}."
        )


def _rank(x: Any) -> int:
    return len(x.shape) - 2
