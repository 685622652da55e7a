"""Recorded torch operations of a network, replayed without Keras' Python overhead.

For small images, the Python code of Keras' layers takes as long as torch's convolutions, and a GPU
is idle meanwhile. Therefore a network's call is traced once for each shape of images, and the
traced operations are replayed in later calls. They can be compiled; the call of Keras' layers
cannot.
"""

from typing import Any

import keras
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from keras_mri_cyclegan.cyclegan.together import takes_each_by_itself

MOST = 64  # records of a network: bounds the memory of a training on images of many sizes


class Graph:
    """Recorded training calls of one network.

    Args:
        network: A built generator or discriminator.
    """

    def __init__(self, network: keras.Model):
        self.network = network
        self.records: dict[tuple, Any] = {}

    def __call__(self, images: Any, frozen: bool, compiled: bool) -> Any:
        """Return the network's output for images, in training mode.

        Args:
            images: `(batch, height, width, channels)`.
            frozen: Boolean, whether the weights get no gradient.
            compiled: Boolean, whether to compile the operations by `torch.compile`.
        """
        variables = self.network.variables
        weights = [variable.value for variable in variables]
        if frozen:
            weights = [value.detach() for value in weights]
        key = (tuple(images.shape), images.dtype, images.device, compiled)
        if key not in self.records:
            if len(self.records) >= MOST:
                self.records.pop(next(iter(self.records)))
            record = self._record(variables, weights, images)
            self.records[key] = torch.compile(record, dynamic=False) if compiled else record
        return self.records[key](images, *weights)

    def _record(self, variables: list, weights: list, images: Any) -> Any:
        def call(images: Any, *weights: Any) -> Any:
            mapping = list(zip(variables, weights, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return self.network(images, training=True)

        # Without gradients: tensors saved by autograd must not become part of the record.
        with torch.no_grad():
            return make_fx(call)(images, *weights)


def can_record(network: keras.Model) -> bool:
    """Whether every call of a network executes the same operations in the same order.

    This excludes networks with random numbers (dropout), and networks that `takes_each_by_itself`
    does not know to be without state.

    Args:
        network: A `keras.Model`.
    """
    return takes_each_by_itself(network) and not any(
        layer._seed_generators or getattr(layer, "activity_regularizer", None)
        for layer in network._flatten_layers()
    )
