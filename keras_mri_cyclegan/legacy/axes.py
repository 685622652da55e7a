"""Axes over which the normalisations of a file and of a network take their statistics."""

from typing import Any

import keras

from keras_mri_cyclegan.legacy.joins import layers_of


def differing(name: str, theirs: Any, layer: keras.layers.Layer) -> list[str]:
    """Say whether a layer's `axis` differs from that in a file; of `[3]`, 3 and -1 none does.

    Args:
        name: The layer's name in the file.
        theirs: Its axis there, as JSON has it.
        layer: The network's layer.
    """
    ours = getattr(layer, "axis", None)
    if not isinstance(ours, int):
        return []
    if isinstance(theirs, dict):  # a list, as a SavedModel has it
        theirs = theirs.get("items")
    if isinstance(theirs, (list, tuple)) and len(theirs) == 1:
        (theirs,) = theirs
    rank = getattr(getattr(layer, "input_spec", None), "ndim", None)
    if isinstance(theirs, int) and (theirs - ours) % (rank or 10**9) == 0:
        return []
    over = " (statistics over the channels too, as in keras_contrib)" if theirs is None else ""
    return [f"{name} has axis={theirs}{over}; {layer.name} has axis={ours}"]


def differing_without_weights(network: keras.Model, config: list[dict[str, Any]]) -> list[str]:
    """Compare the normalisations that have neither gamma nor beta, in their order.

    Args:
        network: The network.
        config: What the file says of each of its layers, inner models unfolded.
    """
    theirs = [
        entry
        for entry in config
        if str(entry.get("class", "")).endswith("InstanceNormalization")
        and "axis" in entry
        and entry.get("center") is False
        and entry.get("scale") is False
    ]
    ours = [
        layer
        for layer in layers_of(network)
        if type(layer).__name__.endswith("InstanceNormalization")
        and all(hasattr(layer, name) for name in ("axis", "center", "scale"))
        and not (layer.center or layer.scale)
    ]
    if len(theirs) != len(ours):
        return [
            f"the file has {len(theirs)} normalisations without weights; the network {len(ours)}"
        ]
    return [
        line
        for entry, layer in zip(theirs, ours, strict=True)
        for line in differing(str(entry.get("name")), entry["axis"], layer)
    ]
