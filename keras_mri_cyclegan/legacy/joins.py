"""Layers without weights that join images or change their size: those of a file and a network."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import keras

JOINS = re.compile(
    r"Add|Subtract|Multiply|Average|Maximum|Minimum|Concatenate|Dot|"
    r"(Global)?(Max|Average)Pool(ing)?[123]D|UpSampling[123]D"
)
# Joins of somebody's own: `x + y` between layers.
OPAQUE = {"TFOpLambda", "TensorFlowOpLayer", "SlicingOpLambda", "Operation"}


def differing(network: keras.Model, config: list[dict[str, Any]]) -> list[str]:
    """Say where a file has other joins than the network: a residual sum, a skip connection.

    Args:
        network: The network.
        config: What the file says of each of its layers, inner models unfolded.
    """
    theirs = Counter(str(entry.get("class", "")) for entry in config)
    ours = Counter(type(layer).__name__ for layer in layers_of(network))
    if OPAQUE & {*theirs, *ours}:
        return []
    return [
        f"the file has {theirs[kind]} x {kind}; the network {ours[kind]}"
        for kind in sorted({*theirs, *ours})
        if JOINS.fullmatch(kind) and theirs[kind] != ours[kind]
    ]


def layers_of(network: keras.Model) -> Iterator[keras.layers.Layer]:
    """Give all layers of a network, those of inner models in their place."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from layers_of(layer)
        else:
            yield layer
