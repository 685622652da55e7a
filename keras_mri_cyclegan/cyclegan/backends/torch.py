"""Training and test steps on torch, which Keras calls: `step(data) -> logs`."""

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
KERAS_COMPILES = False  # torch would compile Keras' Python code; `_call` compiles operations


def prepare(network: keras.Model) -> None:
    """Prepare a network: convolutions without copies, recorded calls, and seeded dropout.

    Unseeded `Dropout` uses torch's global generator. Seeding it makes Keras use the layer's own
    generator, whose state is saved with the model.
    """
    for layer in network._flatten_layers():  # `modules` lacks the layers of a functional model
        for generator in layer._seed_generators:
            if generator._initial_seed is None:
                generator._initial_seed = int(generator.state[0])
    _lay_out(network.variables)
    torch_convolution.install(network)
    network._graph = torch_graph.Graph(network) if torch_graph.can_record(network) else None


def prepare_optimizer(optimizer: keras.optimizers.Optimizer) -> None:
    """Store the moments of kernels in the kernels' layout, and use Adam's fused update.

    An update takes ten times as long where the layouts of a kernel, its gradient and its moments
    differ.
    """
    _lay_out(optimizer.variables)
    for part in getattr(optimizer, "inner_optimizer", optimizer).optimizers:
        torch_adam.install(part)


def _lay_out(variables: list) -> None:
    """Store kernels, `(height, width, in, out)`, in memory as `(out, height, width, in)`.

    This is torch's channels-last layout. Otherwise Keras copies each kernel to this layout at every
    use, and each gradient back: half of a step's time on a CPU. Values and shapes are unchanged.
    For kernels with one output channel, torch does not recognise Keras' layout, and the gradient of
    a small 3 x 3 convolution fails on a CPU ("grad_weight must be contiguous"); the layout used
    here avoids this error.
    """
    for variable in variables:
        data = variable.value.data
        if data.ndim in (4, 5):
            # A clone has the strides of its layout even along an axis of one element.
            moved = data.movedim(-1, 0).clone(memory_format=torch.contiguous_format)
            variable.value.data = moved.movedim(0, -1)


def own_values(network: keras.Model) -> None:
    """Do nothing: on torch no two weights share an array."""


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Update every network once and return the running means of the terms."""
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
    """Call a network as `in_training` does, by its recorded operations where it has any."""
    graph = getattr(network, "_graph", None)  # a network that replaced another one has no record
    if graph is None:
        return in_training(network, images, frozen)
    return graph(images, frozen, compiled)


def processes_that_exchange_nothing() -> int:
    """Return the number of `torch.distributed` processes, which do not exchange gradients."""
    distributed = torch.distributed
    up = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if up else 1


def skip_step(steps: int, logs: dict, data: Any) -> dict[str, Any]:
    """Drop the batches of one call of Keras' `train_function`, and train on none of them."""
    return logs


def input_gradient(function: Callable, images: Any) -> Any:
    """Return the gradient of a scalar function at `images`, which can itself be differentiated."""
    images = images.detach().requires_grad_()
    return torch.autograd.grad(function(images), images, create_graph=True)[0]


def test_step(model: Any, data: Any) -> dict[str, Any]:
    """Score the translations of a batch of pairs and return the running means of the scores."""
    with torch.no_grad():
        return model.score(*model.unpack(data))
