"""Convolutions of small images with many channels, as products of two matrices.

In the depth of a U-Net a few pixels meet millions of weights. A CPU's kernels for convolutions are
made for the opposite: TensorFlow and XLA take two to twenty times as long there as for a product of
the same two matrices. So 4 x 4 convolutions with strides of 2, the U-Net's, become one: an image's
patches times the kernel, or, transposed, an image's pixels times the kernel, of which the patches
are then added up where they overlap.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

LARGE = 2**20  # weights of a kernel; of smaller ones a cache holds the most
KINDS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def install(network: keras.Model, patches: int, pixels: int) -> None:
    """Let a network's convolutions work so where it is the faster way; values stay as they are.

    Args:
        network: A generator or discriminator.
        patches: Integer, up to how many pixels an output of a convolution may have.
        pixels: Integer, up to how many pixels an input of a transposed convolution may have.
    """
    for layer in network._flatten_layers():
        if type(layer) not in KINDS or not layer.built or not _is_known(layer):
            continue
        before = layer.call
        if getattr(before, "func", None) is _call:
            before = before.args[1]
        transposed = type(layer) is keras.layers.Conv2DTranspose
        most = pixels if transposed else 4 * patches
        layer.call = functools.partial(_call, layer, before, most)


def _is_known(layer: keras.layers.Layer) -> bool:
    return (
        layer.kernel_size == (4, 4)
        and tuple(layer.strides) == (2, 2)
        and layer.padding == "same"
        and layer.data_format == "channels_last"
        and getattr(layer, "output_padding", None) is None
        and getattr(layer, "groups", 1) == 1
        and ops.size(layer.kernel) >= LARGE
    )


def _call(layer: keras.layers.Layer, otherwise: Callable, most: int, inputs: Any) -> Any:
    """Call a layer, `otherwise` on images of more than `most` pixels, of unknown or odd sizes."""
    height, width = inputs.shape[1:3]
    if height is None or width is None or height * width > most:
        return otherwise(inputs)
    if type(layer) is keras.layers.Conv2DTranspose:
        outputs = _transposed(inputs, ops.convert_to_tensor(layer.kernel))
    elif height % 2 or width % 2:
        return otherwise(inputs)
    else:
        outputs = _convolved(inputs, ops.convert_to_tensor(layer.kernel))
    if layer.use_bias:
        outputs = ops.add(outputs, layer.bias)
    return outputs if layer.activation is None else layer.activation(outputs)


def _convolved(images: Any, kernel: Any) -> Any:
    """Multiply the 4 x 4 patches of images, two pixels apart, by a kernel (4, 4, in, out)."""
    height, width, channels = images.shape[1:]
    rows, columns = height // 2, width // 2
    # Between zeros, an image is one of 2 x 2 blocks, and a patch two blocks by two.
    images = ops.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)))
    blocks = ops.reshape(images, (-1, rows + 1, 2, columns + 1, 2, channels))
    tall = ops.concatenate([blocks[:, :-1], blocks[:, 1:]], axis=2)
    patches = ops.concatenate([tall[:, :, :, :-1], tall[:, :, :, 1:]], axis=4)
    patches = ops.transpose(patches, (0, 1, 3, 2, 4, 5))
    product = ops.matmul(
        ops.reshape(patches, (-1, 16 * channels)), ops.reshape(kernel, (16 * channels, -1))
    )
    return ops.reshape(product, (-1, rows, columns, kernel.shape[3]))


def _transposed(images: Any, kernel: Any) -> Any:
    """Add up, two pixels apart, a kernel (4, 4, out, in) times each pixel of images."""
    height, width, channels = images.shape[1:]
    product = ops.matmul(
        ops.reshape(images, (-1, channels)),
        ops.transpose(ops.reshape(kernel, (-1, channels))),
    )
    # Sums of half precision are made in single, as within a convolution.
    product = ops.cast(product, "float32")
    # Every pixel makes two blocks by two of 2 x 2 pixels each.
    blocks = ops.reshape(product, (-1, height, width, 2, 2, 2, 2, kernel.shape[2]))
    total = 0
    for down in (0, 1):
        for right in (0, 1):
            around = ((0, 0), (down, 1 - down), (right, 1 - right), (0, 0), (0, 0), (0, 0))
            total += ops.pad(blocks[:, :, :, down, :, right], around)
    total = ops.transpose(total, (0, 1, 3, 2, 4, 5))
    total = ops.reshape(total, (-1, 2 * height + 2, 2 * width + 2, kernel.shape[2]))
    return ops.cast(total[:, 1:-1, 1:-1], images.dtype)
