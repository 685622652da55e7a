"""The random state of a model, which Keras leaves out of its files."""

import warnings
from typing import Any

import keras
import numpy as np

NAME = "random"
VARIABLE = "seed_generator_state"  # what Keras calls it; two numbers, a seed and a counter


def states(model: keras.layers.Layer) -> list[keras.Variable]:
    """Return the states of the seed generators of a model and of all its layers.

    Args:
        model: A layer or a model, such as a `CycleGAN`.

    Example:
        >>> import keras
        >>> from keras_mri_cyclegan.cyclegan import random_state
        >>> model = keras.Sequential([keras.layers.Dropout(0.5, seed=3), keras.layers.Flatten()])
        >>> len(random_state.states(model))
        1
    """
    return [variable for variable in model.variables if variable.name == VARIABLE]


def save(model: keras.layers.Layer, store: Any) -> None:
    """Put the states of all seed generators into what Keras saves of a model itself.

    They are unsigned 32-bit numbers that each backend keeps in a type of its own; in the file they
    are int64 everywhere.

    Args:
        model: The model that is being saved.
        store: What Keras gives `save_own_variables`.
    """
    found = [_numbers(state) for state in states(model)]
    if found:
        store[NAME] = np.stack(found)


def load(model: keras.layers.Layer, store: Any) -> dict[str, Any]:
    """Give the seed generators the states in a file, and return what else the file holds.

    A file without them, of single weights, changes nothing. Where a file has another number of
    them, as of a model with dropout for one without, they are left as they are, with a warning.

    Args:
        model: The model that is being loaded.
        store: What Keras gives `load_own_variables`.
    """
    rest = {name: store[name] for name in store.keys() if name != NAME}  # noqa: SIM118
    if NAME not in store:
        return rest
    variables, saved = states(model), np.asarray(store[NAME])
    if saved.shape != (len(variables), 2):
        warnings.warn(
            f"The file holds the state of {len(saved)} random generators, the model "
            f'"{model.name}" has {len(variables)}: they stay as they are. Load it into a model '
            "with the same layers of dropout and noise to go on exactly.",
            stacklevel=2,
        )
        return rest
    for variable, numbers in zip(variables, saved, strict=True):
        variable.assign(_as_backend_has_it(numbers, variable.dtype))
    return rest


def _numbers(variable: keras.Variable) -> np.ndarray:
    state = keras.ops.convert_to_numpy(variable)
    if state.dtype == np.int32:  # torch's, whose bits are those of an unsigned number
        state = state.view(np.uint32)
    return state.astype(np.int64)


def _as_backend_has_it(state: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "int64":  # TensorFlow's
        return state
    unsigned = state.astype(np.uint32)
    return unsigned.view(np.int32) if dtype == "int32" else unsigned
