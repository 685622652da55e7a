"""Weights that ship with the package, and small files of one's own: float16, by layer."""

import os
from importlib import resources
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.networks import weights as shipped

NAMES = ("heads",)
ONE_OF_TWO = ("tissue_scores", "output")  # layers that a file may have and the model may lack
ADDED = ("tissue_offsets",)  # layers that the model may have and a file may lack


def load_into(model: keras.Model, weights: str | os.PathLike) -> None:
    """Set the weights of `model` to those of a file.

    Args:
        model: A model whose layers have the names and shapes of the file's.
        weights: `"heads"`, or the path of a file that `save_weights_float16` has written.

    Raises:
        ValueError: The file cannot be read, or is of another network; `model` is then as it was.
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
            f"`weights` must be {' or '.join(map(repr, NAMES))}, None or the path of a file. There "
            f"is no file {os.fspath(weights)!r}."
        ) from None
    except Exception as error:
        raise ValueError(
            f"The file of `weights`, {os.fspath(weights)}, cannot be read: {error}. It must be "
            "one that `save_weights_float16` has written."
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
            f"`weights`, {os.fspath(weights)}, are of another network than {model.name!r}, for "
            f"example {wrong[0]}. Use the arguments with which the network was taught, or "
            "`weights=None`."
        )
    for key, variable in variables.items():
        variable.assign(arrays[key].astype("float32"))


def save_weights_float16(model: keras.Model, path: str | os.PathLike) -> None:
    """Write the weights of `model` to a compressed NumPy file (`.npz`) of float16.

    Half the size of float32, and good to three decimal digits: for a network to be handed on, not
    for a training to be resumed.

    Args:
        model: The model. Its layers' names are the keys.
        path: The file, replaced if there is one.

    Raises:
        ValueError: A weight that float16 cannot hold.
    """
    arrays = {}
    for key, variable in _variables(model).items():
        values = keras.ops.convert_to_numpy(variable.value)
        if not np.abs(values).max(initial=0) <= np.finfo("float16").max:
            raise ValueError(f"The weight {key} of {model.name!r} does not fit into float16.")
        arrays[key] = values.astype("float16")
    temporary = Path(f"{os.fspath(path)}.part")
    with temporary.open("wb") as stream:
        np.savez_compressed(stream, **arrays)
    temporary.replace(path)


def _variables(model: keras.Model) -> dict[str, Any]:
    """The weights by layer and name.

    Raises:
        ValueError: Two weights of one name, as in a model around a model.
    """
    found: dict[str, Any] = {}
    for layer in model.layers:
        for variable in layer.weights:
            key = f"{layer.name}/{variable.name}"
            if key in found:
                raise ValueError(
                    f"Two weights of {model.name!r} are called {key}, as where a model is a layer "
                    "of another. Pass the inner model."
                )
            found[key] = variable
    return found
