"""The steps on torch, where Keras calls `step(data) -> logs`."""

from collections.abc import Callable
from typing import Any

import keras
import torch

from keras_mri_cyclegan.cyclegan.objective import objective

NESTED = (tuple, list)


def prepare(network: keras.Model) -> None:
    """Lay out kernels of one output channel so that torch can differentiate; let dropout be saved.

    The stride of an axis of one element says nothing, but torch takes the layout that Keras gives
    such a kernel for none that it knows, and on a CPU refuses a small 3 x 3 convolution with it
    ("grad_weight must be contiguous"). Values and shapes stay as they are.

    A `Dropout` without a seed draws from torch's global generator, by a shortcut of Keras that it
    takes for seed generators without a seed. With one it draws from its own, whose state is saved
    with the model.
    """
    for layer in network._flatten_layers():  # `modules` has those of no functional model
        for generator in layer._seed_generators:
            if generator._initial_seed is None:
                generator._initial_seed = int(generator.state[0])
    for variable in network.variables:
        data = variable.value.data
        if data.ndim in (4, 5) and data.shape[-1] == 1:
            strides = (*data.stride()[:-1], data.numel())
            variable.value.data = torch.as_strided(data, data.shape, strides)


def own_values(network: keras.Model) -> None:
    """Leave a network as it is: no two weights share a value."""


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Update every network once and return the terms' running means."""
    real_a, real_b = model.unpack(data)
    pairs = model.unpack_pairs(data)
    model.zero_grad()
    loss, terms = objective(model, real_a, real_b, pairs, input_gradient)
    model.optimizer.scale_loss(loss).backward()
    variables = model.trainable_variables
    with torch.no_grad():
        model.optimizer.apply([v.value.grad for v in variables], variables)
        return model.progress.update_terms(loss, terms, real_a)


def skip_step(steps: int, logs: dict, data: Any) -> dict[str, Any]:
    """Drop the batches of a step, in place of Keras' `train_function`."""
    return logs


def input_gradient(function: Callable, images: Any) -> Any:
    """Return the gradient of a scalar function in the images, itself open to differentiation."""
    images = images.detach().requires_grad_()
    return torch.autograd.grad(function(images), images, create_graph=True)[0]


def test_step(model: Any, data: Any) -> dict[str, Any]:
    """Score the translations of a batch of pairs and return the running means."""
    with torch.no_grad():
        return model.score(*model.unpack(data))
