"""Gradients on the backend in use, for tests."""

from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
from keras import ops


def gradients(function: Callable[[], Any], variables: Sequence[keras.Variable]) -> list[np.ndarray]:
    """Gradients of the scalar `function()` with respect to `variables` that it reads.

    Trainable or not does not matter; a variable that the function does not depend on has a
    gradient of zeros. Nothing that the function assigns to a variable outlives the call. All
    layers that it calls must be built.
    """

    def at(values: Sequence[Any]) -> Any:
        with keras.StatelessScope(state_mapping=zip(variables, values, strict=True)):
            return function()

    values = [ops.copy(ops.convert_to_tensor(variable)) for variable in variables]
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(values)
            result = at(values)
        found = tape.gradient(result, values, unconnected_gradients=tf.UnconnectedGradients.ZERO)
        found = [tf.convert_to_tensor(gradient) for gradient in found]  # from IndexedSlices
    elif backend == "jax":
        import jax

        found = jax.jit(jax.grad(at))(values)
    elif backend == "torch":
        import torch

        values = [value.detach().requires_grad_() for value in values]
        found = torch.autograd.grad(at(values), values, allow_unused=True)
        found = [
            torch.zeros_like(value) if gradient is None else gradient
            for gradient, value in zip(found, values, strict=True)
        ]
    else:
        raise ValueError(f"No gradients on the backend {backend!r}.")
    return [ops.convert_to_numpy(gradient) for gradient in found]
