"""The steps on torch, where Keras calls `step(data) -> logs`."""

import functools
from collections.abc import Callable
from typing import Any

import keras
import torch

from keras_mri_cyclegan.cyclegan.backends import torch_adam, torch_convolution, torch_graph
from keras_mri_cyclegan.cyclegan.objective import objective
from keras_mri_cyclegan.cyclegan.together import in_training

NESTED = (tuple, list)
SEVERAL_DEVICES = "Several devices are for TensorFlow, `tf.distribute.MirroredStrategy`, and JAX."
KERAS_COMPILES = False  # torch would compile Keras' Python; `_call` compiles operations


def prepare(network: keras.Model) -> None:
    """Let a network convolve without copies, its calls be recorded and its dropout be saved.

    A `Dropout` without a seed draws from torch's global generator, by a shortcut of Keras that it
    takes for seed generators without a seed. With one it draws from its own, whose state is saved
    with the model.
    """
    for layer in network._flatten_layers():  # `modules` has those of no functional model
        for generator in layer._seed_generators:
            if generator._initial_seed is None:
                generator._initial_seed = int(generator.state[0])
    _lay_out(network.variables)
    torch_convolution.install(network)
    network._graph = torch_graph.Graph(network) if torch_graph.can_record(network) else None


def prepare_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Lay out the moments of kernels like the kernels, and let Adam update all in a single pass.

    Where the layouts of a kernel, its gradient and its moments differ, an update takes ten times
    as long.
    """
    _lay_out(optimizer.variables)
    for part in getattr(optimizer, "inner_optimizer", optimizer).optimizers:
        torch_adam.install(part)


def _lay_out(variables: list) -> None:
    """Put kernels, `(height, width, in, out)`, into memory as `(out, height, width, in)`.

    That is torch's channels-last layout, to which Keras would copy each kernel whenever it is used,
    and each of its gradients back: half of a step's time on a CPU. Values and shapes stay as they
    are. It also gives kernels of one output channel, of which Keras' layout is none that torch
    knows, one with which a CPU can differentiate a small 3 x 3 convolution ("grad_weight must be
    contiguous").
    """
    for variable in variables:
        data = variable.value.data
        if data.ndim in (4, 5):
            # A clone has the strides of its layout, also along an axis of one element.
            moved = data.movedim(-1, 0).clone(memory_format=torch.contiguous_format)
            variable.value.data = moved.movedim(0, -1)


def own_values(network: keras.Model) -> None:
    """Leave a network as it is: no two weights share a value."""


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Update every network once and return the terms' running means."""
    call = functools.partial(_call, compiled=model.compile_networks)
    real_a, real_b = model.unpack(data)
    pairs = model.unpack_pairs(data)
    model.zero_grad()
    loss, terms = objective(
        model,
        real_a,
        real_b,
        pairs,
        input_gradient,
        call=in_training if model.run_eagerly else call,
    )
    model.optimizer.scale_loss(loss).backward()
    variables = model.trainable_variables
    with torch.no_grad():
        model.optimizer.apply([v.value.grad for v in variables], variables)
        return model.progress.update_terms(loss, terms, real_a)


def _call(network: keras.Model, images: Any, frozen: bool = False, compiled: bool = False) -> Any:
    """Call a network as `in_training` does, by its record where it can have one."""
    graph = getattr(network, "_graph", None)  # none where a network has taken another's place
    if graph is None:
        return in_training(network, images, frozen)
    return graph(images, frozen, compiled)


def processes_that_exchange_nothing() -> int:
    """Return how many processes `torch.distributed` has up: no gradient goes between them."""
    distributed = torch.distributed
    up = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if up else 1


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
