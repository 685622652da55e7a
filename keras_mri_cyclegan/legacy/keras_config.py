"""Config of a saved model, read as data and never turned into objects."""

import json
import os
from typing import Any

from keras_mri_cyclegan.legacy.errors import LegacyError

MAX_JSON = 2**26
# Deeper than any model nests, and far from Python's own limit.
MAX_NESTING = 20


def parse(text: str | bytes, path: str | os.PathLike) -> dict[str, Any]:
    """Return the config that `text` holds.

    Args:
        text: JSON of a model.
        path: The file, for the message.

    Raises:
        LegacyError: It is no JSON, no object, or too large.
    """
    if len(text) > MAX_JSON:
        raise LegacyError(path, f"a config of {len(text)} bytes. Expected at most {MAX_JSON}.")
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LegacyError(
            path, f"its config is damaged ({type(error).__name__}). Copy the file again."
        ) from error
    if not isinstance(config, dict):
        raise LegacyError(path, "its config is not that of a model. Copy the file again.")
    return config


def flatten(config: dict[str, Any], path: str | os.PathLike) -> list[dict[str, Any]]:
    """Return what a model's config says of each layer, inner models unfolded.

    Args:
        config: `{"class_name": ..., "config": {"layers": [...]}}`.
        path: The file, for the message.

    Returns:
        A list of `{"class": ..., "name": ..., ...}`, with the layer's own settings.

    Raises:
        LegacyError: There is a Lambda layer, or the nesting has no end.
    """
    found: list[dict[str, Any]] = []
    _flatten(config, path, found, 0)
    return found


def children(config: Any) -> list[dict[str, Any]]:
    """Return the configs of a model's layers; none if it is a layer."""
    inner = config.get("config") if isinstance(config, dict) else None
    # Until 2.2 the config of a Sequential was the list itself.
    listed = inner.get("layers") if isinstance(inner, dict) else inner
    if not isinstance(listed, list):
        return []
    return [layer for layer in listed if isinstance(layer, dict)]


def _flatten(config: dict, path: str | os.PathLike, found: list, nesting: int) -> None:
    if nesting > MAX_NESTING:
        raise LegacyError(path, f"its config nests models more than {MAX_NESTING} deep.")
    name = class_name(config)
    if name == "Lambda":
        raise LegacyError(
            path,
            "there is a Lambda layer in it. Its code is not run, and so what the network computes "
            "is not known. If it has no part in the weights and your network does its work, keep "
            "the weights alone in the old environment, `model.save_weights('weights.h5')`, and "
            "load those.",
        )
    inner = children(config)
    if not inner and isinstance(config.get("config"), dict):
        found.append({**config["config"], "class": name})
    for layer in inner:
        _flatten(layer, path, found, nesting + 1)


def class_name(config: dict[str, Any]) -> str:
    """Return a layer's class without the package that registered it."""
    return str(config.get("class_name", "")).rpartition(">")[2]
