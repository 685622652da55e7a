"""The arguments of `compile` as a file has them: names and numbers, never code."""

import json
import warnings
from typing import Any

import keras

from keras_mri_cyclegan.cyclegan.composite_optimizer import portable


def to_config(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Return the arguments of `compile` in a form that every backend can read.

    A `lambda` could only be kept as code, which `keras.models.load_model` would refuse to run, and
    an object without `get_config` not at all. With one of them there is no config, and a warning:
    the file has all weights and moments, and the model in it is not compiled.

    Args:
        arguments: The arguments by name.

    Example:
        >>> import keras
        >>> from keras_mri_cyclegan.cyclegan.compile_config import from_config, to_config
        >>> optimizers = {"generator_optimizer": keras.optimizers.SGD(0.5)}
        >>> optimizers["discriminator_optimizer"] = keras.optimizers.SGD(0.25)
        >>> config = to_config({**optimizers, "cycle_weight": 3.0})
        >>> float(from_config(config)["generator_optimizer"].learning_rate)
        0.5
    """
    config, left_out = {}, []
    for name, value in arguments.items():
        try:
            config[name] = _without_code(value)
        except (TypeError, ValueError):
            left_out.append(f"{name}={value!r}")
    if left_out:
        warnings.warn(
            f"What the model was compiled with cannot be saved ({', '.join(left_out)}): the copy "
            "will not be compiled. Compile it again, and load the state of its optimizers: "
            "`loaded.compile(...)`, `loaded.load_weights(path)`. A function with a name, or a "
            "class with `get_config`, is saved if it is registered by "
            "`@keras.saving.register_keras_serializable()`.",
            stacklevel=2,
        )
        return None
    return portable(config)


def from_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that `to_config` was given.

    Args:
        config: What it returned.
    """
    return {name: keras.saving.deserialize_keras_object(value) for name, value in config.items()}


def _without_code(value: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras', of what is an error here
        config = keras.saving.serialize_keras_object(value)
    if '"__lambda__"' in json.dumps(config):
        raise ValueError("a lambda")
    return config
