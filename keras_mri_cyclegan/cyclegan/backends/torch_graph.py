"""A network on torch as a row of operations, without Keras' Python between them.

Keras takes as long to hand a small image from layer to layer as torch takes to convolve it, and a
GPU waits meanwhile. So a network's call is recorded once for each shape of images, and played from
then on; the record can be compiled, which the call of Keras' layers cannot.
"""

from typing import Any

import keras
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from keras_mri_cyclegan.cyclegan.together import takes_each_by_itself

MOST = 64  # records of a network, so that a training on images of all sizes does not hoard them


class Graph:
    """The calls of one network in training.

    Args:
        network: A generator or discriminator, built.
    """

    def __init__(self, network: keras.Model):
        self.network = network
        self.records: dict[tuple, Any] = {}

    def __call__(self, images: Any, frozen: bool, compiled: bool) -> Any:
        """Return what the network makes of images in training.

        Args:
            images: `(batch, height, width, channels)`.
            frozen: Boolean, whether its weights get no gradient.
            compiled: Boolean, whether by `torch.compile`.
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

        # Without gradients, as what autograd would save for them is no part of the network.
        with torch.no_grad():
            return make_fx(call)(images, *weights)


def can_record(network: keras.Model) -> bool:
    """Whether a network's call is the same operations each time, in one order.

    Dropout, which draws anew, is not, nor a network of which `takes_each_by_itself` does not know
    that it keeps no state.

    Args:
        network: A `keras.Model`.
    """
    return takes_each_by_itself(network) and not any(
        layer._seed_generators or getattr(layer, "activity_regularizer", None)
        for layer in network._flatten_layers()
    )
