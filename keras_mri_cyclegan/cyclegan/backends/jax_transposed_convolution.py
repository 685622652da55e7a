"""The gradient of a transposed convolution on JAX, by a convolution that XLA has a fast kernel for.

XLA computes the gradient of `jax.lax.conv_transpose` in its kernel as a convolution whose input is
dilated and whose batch and features are swapped, for which it has a plain loop alone on a CPU: 1 to
9 GFLOP/s where its other convolutions reach 50 to 150. On a GPU a U-Net's step takes twice as long
with it. But a transposed convolution is the gradient
of a convolution in its input, so the two have the same gradient in the kernel, with the image and
the gradient of the result in each other's place.
"""

import functools
from typing import Any

import jax
import keras
from keras import ops

LAYERS = (keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose)


def install(network: keras.Model) -> None:
    """Let a network's transposed convolutions be differentiated so; values stay as they are."""
    for layer in network._flatten_layers():
        if type(layer) in LAYERS and _is_known(layer):
            layer.call = functools.partial(_call, layer)


def _is_known(layer: keras.layers.Layer) -> bool:
    return (
        layer.padding == "same"
        and layer.output_padding is None
        and layer.data_format == "channels_last"
        and set(layer.dilation_rate) == {1}
    )


def _call(layer: keras.layers.Layer, inputs: Any) -> Any:
    outputs = _transposed(tuple(layer.strides), inputs, ops.convert_to_tensor(layer.kernel))
    if layer.use_bias:
        outputs = ops.add(outputs, layer.bias)
    return outputs if layer.activation is None else layer.activation(outputs)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _transposed(strides: tuple, inputs: Any, kernel: Any) -> Any:
    return ops.conv_transpose(inputs, kernel, strides, "same", data_format="channels_last")


def _forward(strides: tuple, inputs: Any, kernel: Any) -> tuple[Any, tuple]:
    return _transposed(strides, inputs, kernel), (inputs, kernel)


def _backward(strides: tuple, saved: tuple, gradient: Any) -> tuple[Any, Any]:
    inputs, kernel = saved

    def convolve(image: Any, kernel: Any) -> Any:
        return ops.conv(image, kernel, strides, "same", data_format="channels_last")

    # What the transposed convolution is the transpose of takes the gradient back to the input.
    to_inputs, vjp = jax.vjp(convolve, gradient, kernel)
    return to_inputs, vjp(inputs)[1]


_transposed.defvjp(_forward, _backward)
