"""The layers of a network of today that take weights."""

from dataclasses import dataclass
from typing import Any

import keras

from keras_mri_cyclegan.legacy.source import snake_case


@dataclass
class TargetLayer:
    """A layer with weights, and the variables by role."""

    layer: keras.layers.Layer
    variables: dict[str, Any]

    @property
    def kind(self) -> str:
        """Its class in snake case."""
        return snake_case(type(self.layer).__name__)

    @property
    def signature(self) -> tuple:
        """Roles and shapes, to compare with those of a file."""
        return tuple(sorted((role, tuple(v.shape)) for role, v in self.variables.items()))


def target_layers(network: keras.Model) -> list[TargetLayer]:
    """Return the layers of a network that have weights, in the order of the forward pass."""
    found: list[TargetLayer] = []
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found += target_layers(layer)
        elif layer.weights:
            roles = [variable.name for variable in layer.weights]
            if len(set(roles)) != len(roles):
                roles = [variable.path for variable in layer.weights]
            found.append(TargetLayer(layer, dict(zip(roles, layer.weights, strict=True))))
    return found
