"""Saving and loading of a model's random state, which Keras leaves out of its files."""

import warnings
from typing import Any

import keras
import numpy as np

NAME = "random"
VARIABLE = "seed_generator_state"  # Keras' name of the variable: two numbers, seed and counter


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
    """Add the states of all seed generators to the variables that Keras saves for the model.

    The states are unsigned 32-bit numbers, which each backend stores in another dtype; in the file
    they are always int64.

    Args:
        model: The model to save.
        store: The store that Keras passes to `save_own_variables`.
    """
    found = [_numbers(state) for state in states(model)]
    if found:
        store[NAME] = np.stack(found)


def load(model: keras.layers.Layer, store: Any) -> dict[str, Any]:
    """Load the states of the seed generators from a file, and return the file's other variables.

    A file without states, such as a file of weights, changes nothing. If the number of states
    differs, as between models with and without dropout, the states are not changed, with a warning.

    Args:
        model: The model to load into.
        store: The store that Keras passes to `load_own_variables`.
    """
    rest = {name: store[name] for name in store.keys() if name != NAME}  # noqa: SIM118
    if NAME not in store:
        return rest
    variables, saved = states(model), np.asarray(store[NAME])
    if saved.shape != (len(variables), 2):
        warnings.warn(
            f"The file holds the state of {len(saved)} random generators, but the model "
            f'"{model.name}" has {len(variables)}: the random states of the model are not changed. '
            "To continue exactly, load the file into a model with the same dropout and noise "
            "layers.",
            stacklevel=2,
        )
        return rest
    for variable, numbers in zip(variables, saved, strict=True):
        variable.assign(_as_backend_has_it(numbers, variable.dtype))
    return rest


def _numbers(variable: keras.Variable) -> np.ndarray:
    state = keras.ops.convert_to_numpy(variable)
    if state.dtype == np.int32:  # torch stores the bits of an unsigned number as int32
        state = state.view(np.uint32)
    return state.astype(np.int64)


def _as_backend_has_it(state: np.ndarray, dtype: str) -> np.ndarray:
    if dtype == "int64":  # TensorFlow
        return state
    unsigned = state.astype(np.uint32)
    return unsigned.view(np.int32) if dtype == "int32" else unsigned
