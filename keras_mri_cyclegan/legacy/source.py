"""Contents of an old file of any kind: its layers in their order, and a reader of their weights.

Nothing here holds an array: weights are read when everything is known to match.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

# What the TensorFlow tutorials' own layer calls tensorflow-addons' gamma and beta.
ROLES = {"scale": "gamma", "offset": "beta"}
# Layers whose class name says what they are. Any other may be somebody's own normalisation.
KNOWN = {
    *("conv1d", "conv2d", "conv3d", "conv2d_transpose", "conv3d_transpose", "dense"),
    *("depthwise_conv2d", "separable_conv2d", "batch_normalization"),
}


@dataclass
class Weight:
    """One array of the file: its role as the file has it, its name, and how to read it."""

    role: str
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], np.ndarray]


@dataclass
class Layer:
    """A layer with weights. `kind` is its class in snake case, "" where the file does not say."""

    name: str
    weights: list[Weight]
    kind: str = ""
    config: dict[str, Any] = field(default_factory=dict)

    @property
    def signature(self) -> tuple:
        """Roles, under today's names, and shapes: what has to be the same on both sides."""
        return tuple(sorted((ROLES.get(w.role, w.role), tuple(w.shape)) for w in self.weights))

    @property
    def layers(self) -> Iterator["Layer"]:
        """Itself, if it has weights."""
        if self.weights:
            yield self


@dataclass
class Block:
    """Layers and blocks, in the order in which an image meets them, or only so within each kind."""

    name: str
    children: list["Layer | Block"]
    ordered: bool = True
    kind: str = ""

    @property
    def layers(self) -> Iterator[Layer]:
        """All layers, those of inner blocks included."""
        for child in self.children:
            yield from child.layers

    def queues(self) -> list[list["Layer | Block"]]:
        """Lists of children whose order is known; between two of them nothing is known."""
        if self.ordered:
            return [self.children]
        kinds: dict[str, list] = {}
        for child in sorted(self.children, key=lambda child: natural(child.name)):
            kinds.setdefault(child.kind, []).append(child)
        return list(kinds.values())


@dataclass
class Network:
    """One network of a file: its layers, and the config that the file has of it, if any.

    Attributes:
        block: The layers.
        config: What the file says of each layer, without weights or with, in order; `None` if it
            says nothing.
    """

    block: Block
    config: list[dict[str, Any]] | None = None


def natural(name: str) -> list:
    """Return a key that sorts `conv2d_2` before `conv2d_10`, and `conv2d` before both."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def snake_case(class_name: str) -> str:
    """Return a class' name as Keras writes it in `.weights.h5` files: `conv2d_transpose`."""
    name = re.sub(r"\W+", "", class_name.rpartition(">")[2])
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
