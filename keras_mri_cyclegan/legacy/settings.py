"""Settings that weights do not show, where a file records them: epsilon, strides, activations."""

import math
import os
from typing import Any

import keras

from keras_mri_cyclegan.legacy import axes, joins
from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.source import Layer, snake_case
from keras_mri_cyclegan.legacy.target import TargetLayer

# What a layer with these weights has unless it was told otherwise: the tutorial's, and
# tensorflow-addons', as well as Keras' own batch normalisation.
DEFAULT_EPSILON = {"scale": 1e-5, "offset": 1e-5, "gamma": 1e-3, "beta": 1e-3}
COMPARED = ("strides", "dilation_rate", "groups", "output_padding", "data_format")


def check_settings(
    pairs: list[tuple[Layer, TargetLayer]],
    network: keras.Model,
    config: list[dict[str, Any]] | None,
    epsilon: float | None,
    path: str | os.PathLike,
) -> None:
    """Raise a `LegacyError` if layers with the same weights would not compute the same.

    Args:
        pairs: The file's layers and the network's.
        network: The network.
        config: What the file says of its layers.
        epsilon: What the old normalisations added to the variance, where the file does not say.
        path: The file, for the message.
    """
    named = {entry["name"]: entry for entry in config or () if isinstance(entry.get("name"), str)}
    differing: list[str] = []
    for layer, target in pairs:
        said = layer.config or named.get(layer.name, {})
        differing += _differing(layer, target, said)
        if hasattr(target.layer, "epsilon"):
            problem = _epsilon(layer, target, said.get("epsilon"), epsilon)
            differing += [problem] if problem else []
    if config is not None:
        differing += axes.differing_without_weights(network, config)
        differing += joins.differing(network, config)
        ours, theirs = _activations(network), _activations_of(config)
        if ours != theirs:
            differing.append(
                f"activations in the file: {', '.join(sorted(theirs))}; in the network: "
                f"{', '.join(sorted(ours))}"
            )
    if differing:
        raise LegacyError(
            path,
            "its weights fit, and the network would not compute with them what the old one did. "
            "Build it as the old one was, with `normalization="
            "kmc.layers.InstanceNormalization(epsilon=...)`, `negative_slope=...` and so on. "
            "What differs:",
            differing,
        )


def _differing(layer: Layer, target: TargetLayer, said: dict[str, Any]) -> list[str]:
    found = []
    kind = snake_case(str(said.get("class", "")))
    if kind.startswith(("conv", "dense")) and kind != target.kind:
        found.append(f"{layer.name} is a {kind}; {target.layer.name} a {target.kind}")
    for name in COMPARED:
        if name not in said or not hasattr(target.layer, name):
            continue
        theirs, ours = said[name], getattr(target.layer, name)
        if isinstance(theirs, dict):  # a tuple, as a SavedModel has it
            theirs = theirs.get("items")
        if theirs is None:
            continue
        if set(_many(theirs)) != set(_many(ours)):  # one number stands for all axes
            found.append(f"{layer.name} has {name}={theirs}; {target.layer.name} has {ours}")
    if "axis" in said:
        found += axes.differing(layer.name, said["axis"], target.layer)
    return found


def _many(value: Any) -> tuple:
    """Return the entries as text: what a file holds in their place may not even be hashable."""
    return tuple(map(str, value if isinstance(value, (tuple, list)) else (value,)))


def _epsilon(layer: Layer, target: TargetLayer, recorded: Any, given: float | None) -> str:
    """Say what is wrong with the network's epsilon; nothing if it is known to be right."""
    ours = target.layer.epsilon
    if isinstance(recorded, (int, float)):
        if given is not None and not _close(recorded, given):
            return f"{layer.name} records epsilon={recorded:g}, not `epsilon={given:g}`"
        expected, why = float(recorded), "in the file"
    elif given is not None:
        expected, why = given, "as you say"
    elif layer.weights[0].role in DEFAULT_EPSILON and not layer.kind:
        expected = DEFAULT_EPSILON[layer.weights[0].role]
        why = "by default; pass `epsilon=...` to `load_tfa` if the old one was another"
    else:
        return (
            f"{layer.name}: its epsilon is not in the file; {target.layer.name} has {ours:g}. Pass "
            "to `load_tfa` what it was: `epsilon=1e-3` (tensorflow-addons' default) or "
            "`epsilon=1e-5` (the TensorFlow tutorials' layer)"
        )
    if _close(expected, ours):
        return ""
    return f"{layer.name} has epsilon={expected:g} ({why}); {target.layer.name} has {ours:g}"


def _close(a: float, b: float) -> bool:
    # Keras 2 keeps some numbers as float32.
    return math.isclose(a, b, rel_tol=1e-6)


def _activations(network: keras.Model) -> set[str]:
    found: set[str] = set()
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            found |= _activations(layer)
        elif isinstance(layer, (keras.layers.ReLU, keras.layers.LeakyReLU)):
            found.add(_activation(layer.get_config() | {"class": type(layer).__name__}))
        elif getattr(layer, "activation", None) is not None:
            found.add(keras.activations.serialize(layer.activation))
    return found - {"linear"}


def _activations_of(config: list[dict[str, Any]]) -> set[str]:
    return {_activation(entry) for entry in config} - {"linear"}


def _activation(entry: dict[str, Any]) -> str:
    """Name the non-linearity of a layer by its config, `"linear"` if it has none."""
    kind = entry["class"]
    if kind == "LeakyReLU":
        slope = entry.get("negative_slope", entry.get("alpha", 0.3))
        return f"leaky ReLU of slope {slope:g}" if isinstance(slope, (int, float)) else "leaky ReLU"
    if kind == "ReLU":
        slope = entry.get("negative_slope")
        ceiling = entry.get("max_value")
        plain = not slope and ceiling is None and not entry.get("threshold")
        return "relu" if plain else f"relu of {slope}, {ceiling}, {entry.get('threshold')}"
    if kind in ("PReLU", "ELU", "Softmax", "ThresholdedReLU"):
        return kind
    activation = entry.get("activation", "linear")
    return activation if isinstance(activation, str) else "linear" if not activation else "other"
