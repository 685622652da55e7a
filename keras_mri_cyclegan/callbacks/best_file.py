"""File of the best generators: the whole model (`.keras`), or only their weights (`.npz`)."""

import json
import os
import zipfile
import zlib
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.volumes import atomic

ENDINGS = (".keras", ".npz")
STATE = "best_translation.json"  # an additional file in Keras' archive, which Keras ignores

Weights = dict[str, list[np.ndarray]]


def write(path: Path, model: Any, weights: Weights, found: dict[str, Any], is_best: bool) -> None:
    """Write the best weights and all scores.

    Args:
        path: The file, `.npz` for the weights, or `.keras` for the model.
        model: The model in its current state.
        weights: The best weights so far of each generator.
        found: The best epoch and all scores.
        is_best: Whether the current model is the best; otherwise the model in the file is kept.
    """
    text = json.dumps(found)
    if path.suffix == ".npz":
        arrays: dict[str, Any] = {
            f"{name}_{k:04d}": weight
            for name, of_network in weights.items()
            for k, weight in enumerate(of_network)
        }
        with atomic.replacing(path) as temporary:
            np.savez(temporary, state=np.array(text), **arrays)
    elif is_best:
        with atomic.replacing(path) as temporary:
            keras.Model.save(model, temporary)
            with zipfile.ZipFile(temporary, "a") as archive:
                archive.writestr(STATE, text)
    elif weights and path.exists():
        with (
            zipfile.ZipFile(path) as before,
            atomic.replacing(path) as temporary,
            zipfile.ZipFile(temporary, "w") as archive,
        ):
            for member in before.infolist():
                if member.filename != STATE:
                    archive.writestr(member, before.read(member))
            archive.writestr(STATE, text)


def read(path: Path, generators: dict[str, keras.Model]) -> tuple[dict[str, Any], Weights]:
    """Return the scores so far, and the best weights of each generator.

    Args:
        path: The file.
        generators: The two generators by name.

    Raises:
        ValueError: `BestTranslation` did not write the file, the file is damaged, or it holds the
            weights of other generators.
    """
    try:
        if path.is_file() and not zipfile.is_zipfile(path):
            raise zipfile.BadZipFile("not a zip archive, or truncated")
        state, weights = (_from_npz if path.suffix == ".npz" else _from_keras)(path, generators)
    except (zipfile.BadZipFile, zlib.error, EOFError, json.JSONDecodeError) as error:
        raise ValueError(
            f"`path` {os.fspath(path)!r} is damaged ({error}). Pass another path, or move that "
            "file away."
        ) from error
    for name, network in generators.items() if state["best_epoch"] is not None else ():
        shapes = [tuple(weight.shape) for weight in weights[name]]
        expected = [tuple(weight.shape) for weight in network.weights]
        if shapes != expected:
            raise ValueError(
                f"`path` {os.fspath(path)!r} holds the weights of another {name}: "
                f"{len(shapes)} arrays, expected {len(expected)}, or other shapes. Pass "
                "another path, or move that file away."
            )
    return state, weights


def load(path: Any, model: Any) -> None:
    """Load the best weights from an `.npz` file into the generators of a model.

    Args:
        path: The file.
        model: A `CycleGAN`.

    Raises:
        ValueError: The file is not of `BestTranslation`, is of other generators, or holds no epoch
            with finite scores.
    """
    generators = {name: getattr(model, name) for name in ("generator_ab", "generator_ba")}
    state, weights = read(Path(path), generators)
    if state["best_epoch"] is None:
        raise ValueError(f"{os.fspath(path)!r} holds no weights: no epoch was finite.")
    for name, network in generators.items():
        network.set_weights(weights[name])


def _from_npz(path: Path, generators: dict[str, keras.Model]) -> tuple[dict[str, Any], Weights]:
    with np.load(path, allow_pickle=False) as file:
        if "state" not in file.files:
            raise ValueError(
                f"{os.fspath(path)!r} is not a file of `BestTranslation`. Found: "
                f"{', '.join(file.files[:5])}."
            )
        weights = {
            name: [file[key] for key in sorted(file.files) if key.startswith(f"{name}_")]
            for name in generators
        }
        return json.loads(str(file["state"])), weights


def _from_keras(path: Path, generators: dict[str, keras.Model]) -> tuple[dict[str, Any], Weights]:
    with zipfile.ZipFile(path) as archive:
        if STATE not in archive.namelist():
            raise ValueError(
                f"`path` {os.fspath(path)!r} is a model that `BestTranslation` did not write. Pass "
                "another path, or move that file away."
            )
        if (member := archive.testzip()) is not None:  # Keras does not check the CRC
            raise zipfile.BadZipFile(f"wrong checksum of {member}")
        state = json.loads(archive.read(STATE))
    model = keras.models.load_model(path, compile=False)
    return state, {name: getattr(model, name).get_weights() for name in generators}
