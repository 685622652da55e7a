"""Saving and loading of the arguments of `compile`: names and numbers, never code."""

import json
import warnings
from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan.composite_optimizer import portable

# Arguments of Keras' `compile` that `CycleGAN.compile` lacks, and what replaces them.
INSTEAD = {
    "optimizer": "`generator_optimizer` and `discriminator_optimizer`",
    "learning_rate": "`generator_optimizer=keras.optimizers.Adam(1e-4, beta_1=0.5)` and the like",
    "loss": "`adversarial_loss`, `structure_loss` and `paired_loss`; cycle consistency and "
    "identity mapping have weights only, `cycle_weight` and `identity_weight`",
    "loss_weights": "`adversarial_weight`, `cycle_weight`, `identity_weight`, `structure_weight` "
    "and `paired_weight`",
    "metrics": "`evaluate` and `validation_data` score PSNR, SSIM and the mean absolute "
    "error, and `keras_mri_cyclegan.evaluate` any metric",
}
INSTEAD["weighted_metrics"] = INSTEAD["metrics"]


def check_no_other(arguments: dict[str, Any]) -> None:
    """Raise an error for arguments that `CycleGAN.compile` does not have.

    Raises:
        ValueError: An argument of `keras.Model.compile`; the message says what to pass instead.
        TypeError: Any other argument.
    """
    for name in arguments:
        if name not in INSTEAD:
            raise TypeError(f"CycleGAN.compile() got an unexpected keyword argument {name!r}")
        raise ValueError(
            f"`compile` of a CycleGAN has no `{name}`. Use instead: {INSTEAD[name]}. "
            f"Received: {name}={arguments[name]!r}."
        )


def to_config(arguments: dict[str, Any]) -> dict[str, Any] | None:
    """Return the arguments of `compile` in a form that every backend can read.

    A `lambda` could be saved only as code, which `keras.models.load_model` refuses to run; an
    object without `get_config` cannot be saved. With such an argument this function warns and
    returns `None`: the file then holds all weights and moments, but the loaded model is not
    compiled. A function or class that is not registered is saved by its name, with a warning.

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
    config, left_out, unknown = {}, [], []
    for name, value in arguments.items():
        try:
            config[name] = _without_code(value)
        except (TypeError, ValueError):
            left_out.append(f"{name}={value!r}")
            continue
        if not _opens_elsewhere(config[name]):
            unknown.append(f"{name}={value!r}")
    if left_out:
        warnings.warn(
            f"Arguments of `compile` cannot be saved ({', '.join(left_out)}): the loaded model "
            "will not be compiled. After loading, compile it again and load the state of its "
            "optimizers: `loaded.compile(...)`, `loaded.load_weights(path)`. A named function, or "
            "a class with `get_config`, is saved if it is registered by "
            "`@keras.saving.register_keras_serializable()`.",
            stacklevel=2,
        )
        return None
    if unknown:
        _checks.warn(
            f"Arguments of `compile` are saved by name only ({', '.join(unknown)}), and another "
            "program cannot find them by `keras.models.load_model`. Register each by "
            "`@keras.saving.register_keras_serializable()`, or load the file with "
            "`load_model(path, custom_objects={name: function})`, or with `compile=False`."
        )
    return portable(config)


def from_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `compile` from the result of `to_config`."""
    return {name: keras.saving.deserialize_keras_object(value) for name, value in config.items()}


def _opens_elsewhere(config: Any) -> bool:
    """Whether another program with this library and the registered objects can load a config."""
    if not isinstance(config, (dict, list)):
        return True
    if '"module": "__main__"' in json.dumps(config):
        return False
    try:
        keras.saving.deserialize_keras_object(config)
    except (TypeError, ValueError):
        return False
    return True


def _without_code(value: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # Keras warns of a lambda: an error here
        config = keras.saving.serialize_keras_object(value)
    if '"__lambda__"' in json.dumps(config):
        raise ValueError("a lambda")
    return config
