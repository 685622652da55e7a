"""Convolutions on torch without copies of the images.

Keras copies an image, `(batch, height, width, channels)`, to the layout `(batch, channels, height,
width)` before each convolution, and then back to its first layout, with which torch convolves
fastest. Here torch receives a view of the image in its first layout.
"""

import functools
import math
from typing import Any

import keras
import torch
from torch.nn import functional

CONVOLUTIONS = {
    keras.layers.Conv2D: functional.conv2d,
    keras.layers.Conv3D: functional.conv3d,
}
TRANSPOSED = {
    keras.layers.Conv2DTranspose: functional.conv_transpose2d,
    keras.layers.Conv3DTranspose: functional.conv_transpose3d,
}


def install(network: keras.Model) -> None:
    """Use convolutions without copies in the layers of a network that this module supports."""
    for layer in network._flatten_layers():
        if layer.__dict__.get("call") or getattr(layer, "data_format", None) != "channels_last":
            continue
        if type(layer) in CONVOLUTIONS and layer.padding in ("same", "valid"):
            layer.call = functools.partial(_convolve, layer)
        if type(layer) in TRANSPOSED and _doubles(layer):
            layer.call = functools.partial(_transpose, layer)


def _doubles(layer: keras.layers.Layer) -> bool:
    """Whether the output is the strides times the input, cropped equally at both ends."""
    sizes = zip(layer.kernel_size, layer.strides, strict=True)
    return (
        layer.padding == "same"
        and layer.output_padding is None
        and set(layer.dilation_rate) == {1}
        and all(kernel >= stride and (kernel - stride) % 2 == 0 for kernel, stride in sizes)
    )


def _convolve(layer: keras.layers.Layer, inputs: Any) -> Any:
    images = inputs.movedim(-1, 1)
    padding: Any = 0
    if layer.padding == "same":
        around = [
            _same(size, kernel, stride, dilation)
            for size, kernel, stride, dilation in zip(
                images.shape[2:], layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
            )
        ]
        padding = [before for before, _ in around]
        if any(before != after for before, after in around):
            images = functional.pad(images, [n for both in reversed(around) for n in both])
            padding = 0
    outputs = CONVOLUTIONS[type(layer)](
        images,
        _kernel(layer),
        stride=layer.strides,
        padding=padding,
        dilation=layer.dilation_rate,
        groups=layer.groups,
    )
    return _finish(layer, outputs)


def _same(size: int, kernel: int, stride: int, dilation: int) -> tuple[int, int]:
    """Return the zeros before and after an axis for "same" padding: output size / `stride`."""
    total = max((math.ceil(size / stride) - 1) * stride + dilation * (kernel - 1) + 1 - size, 0)
    return total // 2, total - total // 2


def _transpose(layer: keras.layers.Layer, inputs: Any) -> Any:
    sizes = zip(layer.kernel_size, layer.strides, strict=True)
    outputs = TRANSPOSED[type(layer)](
        inputs.movedim(-1, 1),
        _kernel(layer),
        stride=layer.strides,
        padding=[(kernel - stride) // 2 for kernel, stride in sizes],
    )
    return _finish(layer, outputs)


def _kernel(layer: keras.layers.Layer) -> Any:
    """Return the kernel `(height, width, in, out)` as a view `(out, in, height, width)`."""
    kernel = keras.ops.convert_to_tensor(layer.kernel)
    return kernel.movedim((-1, -2), (0, 1))


def _finish(layer: keras.layers.Layer, outputs: Any) -> Any:
    outputs = outputs.movedim(1, -1)
    if layer.use_bias:
        outputs = torch.add(outputs, keras.ops.convert_to_tensor(layer.bias))
    return outputs if layer.activation is None else layer.activation(outputs)
