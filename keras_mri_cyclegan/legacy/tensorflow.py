"""SavedModel folders and `tf.train.Checkpoint`: variables and their owners, never a graph.

TensorFlow only reads the table of tensors, which has a checksum for each. The functions of a
SavedModel are not loaded.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from keras_mri_cyclegan import _extras
from keras_mri_cyclegan.legacy import keras_config, saved_metadata
from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.source import Block, Layer, Network, Weight

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
NUMBERED = re.compile(r"layer_with_weights-(\d+)")
# Children of a model that hold numbers of the training, or the weights a second time.
NO_WEIGHTS = re.compile("optimizer|metric|keras_api|signatures|loss")
MAX_METADATA = 2**28
MAX_NODES = 10**6
MAX_NESTING = 20


def checkpoint_in(folder: str) -> str:
    """Return the latest checkpoint of a folder, as its file `checkpoint` names it."""
    with open(os.path.join(folder, "checkpoint"), encoding="utf8", errors="replace") as file:
        found = re.search(r'^model_checkpoint_path:\s*"([^"]*)"', file.read(2**20), re.M)
    if found is None:
        raise LegacyError(folder, "its file `checkpoint` names none. Give the checkpoint's prefix.")
    # Only the name: the file must not lead elsewhere.
    name = re.split(r"[/\\]", found[1])[-1]
    prefix = os.path.join(folder, name)
    if not os.path.isfile(f"{prefix}.index"):
        raise LegacyError(folder, f"there is no `{name}.index`, which its `checkpoint` names.")
    return prefix


@contextmanager
def opened(prefix: str, path: str, metadata: str | None = None) -> Iterator[dict[str, Network]]:
    """Open a checkpoint and yield its networks, "" for that of a file of only one.

    Args:
        prefix: The checkpoint's name without `.index`.
        path: What was passed in, for messages.
        metadata: The `keras_metadata.pb` of a SavedModel, with the config, if there is one.

    Raises:
        ImportError: There is no TensorFlow.
        LegacyError: It is damaged, or not of networks made of layers in a known order.
    """
    tf = _extras.require("tensorflow", extra="tensorflow")
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    config = None
    if metadata is not None and os.path.isfile(metadata):
        if os.path.getsize(metadata) > MAX_METADATA:
            raise LegacyError(path, "its keras_metadata.pb is too large.")
        with open(metadata, "rb") as file:
            text = saved_metadata.root(file.read())
        if text is not None:
            config = keras_config.flatten(keras_config.parse(text, path), path)
    reader = tf.train.load_checkpoint(prefix)
    shapes = reader.get_variable_to_shape_map()
    types = reader.get_variable_to_dtype_map()
    if GRAPH not in shapes or tuple(shapes[GRAPH]) != ():
        raise LegacyError(
            path, "it does not say which variable belongs to which layer, as Keras 2 does."
        )
    graph = trackable_object_graph_pb2.TrackableObjectGraph()
    graph.ParseFromString(reader.get_tensor(GRAPH))
    if not 0 < len(graph.nodes) <= MAX_NODES:
        raise LegacyError(path, f"{len(graph.nodes)} objects. Expected 1 to {MAX_NODES}.")
    yield _Graph(graph, reader, shapes, types, path).networks(config)


class _Graph:
    """The objects of a checkpoint, by number."""

    def __init__(self, graph: Any, reader: Any, shapes: dict, types: dict, path: str):
        self.nodes = graph.nodes
        self.reader = reader
        self.shapes = shapes
        self.types = types
        self.path = path

    def networks(self, config: list | None) -> dict[str, Network]:
        children = self._children(0)
        if any(NUMBERED.fullmatch(name) for name in children):
            return {"": Network(self._block(0, ""), config)}
        found = {}
        for name, node in children.items():
            if any(NUMBERED.fullmatch(inner) for inner in self._children(node)):
                found[name] = Network(self._block(node, name))
        if not found:
            raise LegacyError(
                self.path,
                "no functional or sequential network in it: the layers of others have no order. "
                f"It has {', '.join(sorted(children)[:10]) or 'nothing'}.",
            )
        return found

    def _block(self, node: int, name: str) -> Block:
        """Return a network's layers, all of its weights being in one of them."""
        self.taken: set[str] = set()
        block = Block(name, self._layers(node, name, 0))
        left = sorted(self._reachable(node) - self.taken)
        if left:
            raise LegacyError(
                self.path,
                f"{len(left)} weights belong to no layer that is understood, such as those inside "
                "a wrapper:",
                left,
            )
        return block

    def _reachable(self, start: int) -> set[str]:
        """Return the keys of all weights below an object, optimizers and metrics apart."""
        keys: set[str] = set()
        seen = {start}
        waiting = [start]
        while waiting:
            node = waiting.pop()
            for name, child in self._children(node).items():
                if child not in seen and not NO_WEIGHTS.search(name):
                    seen.add(child)
                    waiting.append(child)
            keys.update(
                a.checkpoint_key
                for a in self.nodes[node].attributes
                if a.checkpoint_key in self.types and self.types[a.checkpoint_key].is_floating
            )
        return keys

    def _children(self, node: int) -> dict[str, int]:
        if not 0 <= node < len(self.nodes):
            raise LegacyError(self.path, "its objects are damaged. Copy it again.")
        return {child.local_name: child.node_id for child in self.nodes[node].children}

    def _layers(self, node: int, name: str, nesting: int) -> list[Layer | Block]:
        if nesting > MAX_NESTING:
            raise LegacyError(self.path, f"its layers nest more than {MAX_NESTING} deep.")
        children = self._children(node)
        numbered = {int(m[1]): m[0] for m in map(NUMBERED.fullmatch, children) if m}
        layers: list[Layer | Block] = []
        for number in sorted(numbered):
            inner = children[numbered[number]]
            layers += self._layers(inner, f"{name}/{numbered[number]}".strip("/"), nesting + 1)
        weights = [
            weight
            for role, child in children.items()
            for weight in self._weights(child, role, name)
        ]
        if weights:
            first = self._full_name(children[weights[0].role])
            layers.append(Layer(first.rpartition("/")[0].rpartition("/")[2] or name, weights))
        return layers

    def _full_name(self, node: int) -> str:
        return next((a.full_name for a in self.nodes[node].attributes), "")

    def _weights(self, node: int, role: str, name: str) -> list[Weight]:
        self._children(node)
        keys = [a.checkpoint_key for a in self.nodes[node].attributes if a.name == "VARIABLE_VALUE"]
        found = []
        for key in keys:
            if key not in self.shapes:
                raise LegacyError(self.path, f"it has no tensor {key!r}. Copy it again.")
            self.taken.add(key)
            found.append(
                Weight(
                    role,
                    f"{name}/{role}",
                    tuple(self.shapes[key]),
                    np.dtype(self.types[key].as_numpy_dtype),
                    lambda key=key: self.reader.get_tensor(key),  # type: ignore[misc]
                )
            )
        return found
