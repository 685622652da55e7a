"""Convolutions of small feature maps with many channels, as matrix products.

The deepest layers of a U-Net have few pixels and millions of weights. CPU kernels for convolutions
are optimised for the opposite: TensorFlow and XLA take 2 to 20 times as long for such a layer as
for the matrix product of the same size. Therefore the U-Net's 4 x 4 convolutions with strides of 2
are replaced by a matrix product: a convolution multiplies the patches of the image by the kernel; a
transposed convolution multiplies the pixels by the kernel and adds up the overlapping patches.
"""

import functools
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

LARGE = 2**20  # weights of a kernel; smaller kernels mostly fit into the cache
KINDS = (keras.layers.Conv2D, keras.layers.Conv2DTranspose)


def install(network: keras.Model, patches: int, pixels: int) -> None:
    """Replace 4 x 4 convolutions of small feature maps by matrix products. Outputs are unchanged.

    Args:
        network: A generator or discriminator.
        patches: Integer, maximum number of output pixels of a convolution to replace.
        pixels: Integer, maximum number of input pixels of a transposed convolution to replace.
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
    """Call a layer; use `otherwise` for more than `most` pixels or for unknown or odd sizes."""
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
    """Multiply the 4 x 4 patches of images (stride 2) by a kernel (4, 4, in, out)."""
    height, width, channels = images.shape[1:]
    rows, columns = height // 2, width // 2
    # Divide the zero-padded image into blocks of 2 x 2 pixels. A patch is 2 x 2 blocks.
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
    """Multiply each pixel of images by a kernel (4, 4, out, in); add up the patches (stride 2)."""
    height, width, channels = images.shape[1:]
    product = ops.matmul(
        ops.reshape(images, (-1, channels)),
        ops.transpose(ops.reshape(kernel, (-1, channels))),
    )
    # Sum half precision in float32, as a convolution does.
    product = ops.cast(product, "float32")
    # The patch of each pixel is 2 x 2 blocks of 2 x 2 pixels.
    blocks = ops.reshape(product, (-1, height, width, 2, 2, 2, 2, kernel.shape[2]))
    total = 0
    for down in (0, 1):
        for right in (0, 1):
            around = ((0, 0), (down, 1 - down), (right, 1 - right), (0, 0), (0, 0), (0, 0))
            total += ops.pad(blocks[:, :, :, down, :, right], around)
    total = ops.transpose(total, (0, 1, 3, 2, 4, 5))
    total = ops.reshape(total, (-1, 2 * height + 2, 2 * width + 2, kernel.shape[2]))
    return ops.cast(total[:, 1:-1, 1:-1], images.dtype)
