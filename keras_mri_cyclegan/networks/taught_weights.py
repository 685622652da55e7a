"""Taught weights: weight files in float16, shipped with the package or written by the user."""

import os
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.networks import weights as shipped

NAMES = ("heads",)
ONE_OF_TWO = ("tissue_scores", "output")  # layers of a file that the model may lack
ADDED = ("tissue_offsets",)  # layers of the model that a file may lack


def load_into(model: keras.Model, weights: str | os.PathLike) -> None:
    """Load the weights of `model` from a file.

    Args:
        model: Model whose layers match the file in names and shapes.
        weights: `"heads"`, or the path of a file from `save_weights_float16`.

    Raises:
        ValueError: The file cannot be read, or belongs to another network; `model` stays unchanged.
    """
    if not isinstance(weights, (str, os.PathLike)):
        raise ValueError(
            f"`weights` must be {' or '.join(map(repr, NAMES))}, None or the path of a file. "
            f"Received: {weights!r}."
        )
    if weights in NAMES:
        path: Any = resources.files(shipped) / f"{weights}.npz"
    else:
        path = Path(os.fspath(weights))
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except FileNotFoundError:
        raise ValueError(
            f"`weights` must be {' or '.join(map(repr, NAMES))}, None or the path of a file. "
            f"Received: {os.fspath(weights)!r}, but there is no file of this name."
        ) from None
    except Exception as error:
        raise ValueError(
            f"`weights` must be a file from `save_weights_float16`. Received: "
            f"{os.fspath(weights)!r}, which cannot be read: {error}."
        ) from error
    variables = _variables(model)
    without = [name for name in ONE_OF_TWO if name not in {layer.name for layer in model.layers}]
    arrays = {key: array for key, array in arrays.items() if key.split("/")[0] not in without}
    for key in [key for key in variables if key.split("/")[0] in ADDED and key not in arrays]:
        del variables[key]
    wrong = [
        f"{key}: {np.shape(arrays[key]) if key in arrays else 'missing'}, expected "
        f"{tuple(variables[key].shape) if key in variables else 'no such weight'}"
        for key in sorted(arrays.keys() | variables.keys())
        if key not in arrays
        or key not in variables
        or np.shape(arrays[key]) != tuple(variables[key].shape)
    ]
    if wrong:
        raise ValueError(
            f"`weights` must fit the network {model.name!r}. Received: {os.fspath(weights)!r}, the "
            f"weights of another network, for example {wrong[0]}. Use the arguments of the network "
            "that was trained, or `weights=None`."
        )
    for key, variable in variables.items():
        variable.assign(arrays[key].astype("float32"))


def save_weights_float16(model: keras.Model, path: str | os.PathLike) -> None:
    """Write the weights of `model` to a compressed NumPy file (`.npz`) of float16.

    Half the size of float32, and accurate to three decimal digits: suited to share a trained
    network, not to resume its training.

    Args:
        model: The model. The keys of the file are the names of its layers and weights.
        path: The file. An existing file is replaced.

    Raises:
        ValueError: A weight outside the range of float16, or two weights of the same name.
    """
    arrays = {}
    for key, variable in _variables(model).items():
        values = keras.ops.convert_to_numpy(variable.value)
        if not np.abs(values).max(initial=0) <= np.finfo("float16").max:
            raise ValueError(
                f"The weights of {model.name!r} must be finite and within the range of float16. "
                f"Received: {key} with a value outside this range."
            )
        arrays[key] = values.astype("float16")
    temporary = Path(f"{os.fspath(path)}.part")
    with temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    temporary.replace(path)


def _variables(model: keras.Model) -> dict[str, Any]:
    """Return the weights of a model by layer and name.

    Raises:
        ValueError: Two weights of the same name, as in a nested model.
    """
    variables: dict[str, Any] = {}
    for layer in model.layers:
        for variable in layer.weights:
            key = f"{layer.name}/{variable.name}"
            if key in variables:
                raise ValueError(
                    f"The weights of {model.name!r} must have different names. Received: two "
                    f"weights called {key}, as in a nested model. Pass the inner model."
                )
            variables[key] = variable
    return variables
