"""Adam on torch, fused into a single pass over the weights.

Keras' Adam reads all weights and moments about twelve times, once for each operation of the
formula. For large networks on a CPU this takes longer than the convolutions. torch has one fused
operation for the whole formula.
"""

import functools
import math
from typing import Any

import keras
import torch
from torch.optim.adam import adam


def install(optimizer: keras.optimizers.Optimizer) -> None:
    """Use the fused update in a built Adam or AdamW where torch supports it. Results are Keras'."""
    ours = type(optimizer).__module__.startswith("keras.")
    if ours and isinstance(optimizer, keras.optimizers.Adam) and not optimizer.amsgrad:
        keras_step = optimizer._parallel_update_step
        optimizer._parallel_update_step = functools.partial(_step, optimizer, keras_step)


def in_memory_order(tensor: torch.Tensor) -> torch.Tensor:
    """Return a view with the axes in memory order.

    Kernels, `(height, width, in, out)`, are stored in torch's layout, `(out, height, width, in)`.
    """
    return tensor.movedim(-1, 0) if tensor.ndim in (4, 5) else tensor


def _step(
    optimizer: Any, keras_step: Any, gradients: list, variables: list, learning_rate: Any
) -> None:
    """Update the variables, by `keras_step` where an array has another layout, dtype or device."""
    index = [optimizer._get_variable_index(variable) for variable in variables]
    weights, grads, first, second = (
        [in_memory_order(array) for array in arrays]
        for arrays in (
            [variable.value.data for variable in variables],
            gradients,
            [optimizer._momentums[i].value for i in index],
            [optimizer._velocities[i].value for i in index],
        )
    )
    every = [*weights, *grads, *first, *second]
    flat = all(array.is_contiguous() for array in every)
    kinds = {(array.dtype, array.device.type) for array in every}
    if not flat or kinds != {(torch.float32, "cpu")}:
        keras_step(gradients, variables, learning_rate)
        return

    step = int(optimizer.iterations)
    # torch adds epsilon to the root of the second moment after its bias correction, Keras before.
    epsilon = optimizer.epsilon / math.sqrt(1 - optimizer.beta_2 ** (step + 1))
    adam(
        weights,
        grads,
        first,
        second,
        max_exp_avg_sqs=[],
        state_steps=[torch.tensor(float(step)) for _ in index],  # `adam` adds 1 to each
        fused=True,
        amsgrad=False,
        beta1=optimizer.beta_1,
        beta2=optimizer.beta_2,
        lr=float(learning_rate),
        weight_decay=0.0,  # Keras has already applied it
        eps=epsilon,
        maximize=False,
    )
