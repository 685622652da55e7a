"""Serialisation of transforms and samplers as entries of a config."""

from typing import Any

import keras

from keras_mri_cyclegan.preprocessing.cutter import Cutter
from keras_mri_cyclegan.preprocessing.normalization import short
from keras_mri_cyclegan.preprocessing.step import Step


def check_part(name: str, value: Any, base: type) -> None:
    """Raise a `ValueError` unless `value` is a registered object of class `base`."""
    if not isinstance(value, base):
        raise ValueError(
            f"`{name}` must be a `{base.__name__}`, for example {_example(base)}. Received: "
            f"{value!r}. A custom class must subclass `keras_mri_cyclegan.preprocessing."
            f"{base.__name__}`."
        )
    registered = keras.saving.get_registered_name(type(value))
    if keras.saving.get_registered_object(registered) is not type(value):
        raise ValueError(
            f"`{name}` must be of a registered class, so that a saved preprocessing can be loaded. "
            f"Received: {value!r}. Put "
            "`@keras.saving.register_keras_serializable(package='my_project')` before `class "
            f"{type(value).__name__}`."
        )


def to_entry(part: Step | Cutter) -> dict[str, Any]:
    """Return the config entry of a transform or sampler: its registered class and its config."""
    return {
        "class_name": keras.saving.get_registered_name(type(part)),
        "config": part.get_config(),
    }


def from_entry(name: str, entry: Any, base: Any) -> Any:
    """Build a transform or sampler from its config entry.

    Only registered classes are accepted: nothing is imported or executed.

    Raises:
        ValueError: `entry` is malformed, its class is unknown, or its config does not fit the
            class.
    """
    if (
        not isinstance(entry, dict)
        or set(entry) != {"class_name", "config"}
        or not isinstance(entry["class_name"], str)
        or not isinstance(entry["config"], dict)
    ):
        raise ValueError(
            f"`{name}` must be a dictionary of a 'class_name' and a 'config'. Received: "
            f"{short(entry)}."
        )
    class_name = entry["class_name"]
    registered = keras.saving.get_registered_object(class_name)
    if not isinstance(registered, type) or not issubclass(registered, base):
        raise ValueError(
            f"`{name}` names the class {short(class_name)}, but no {base.__name__.lower()} is "
            "registered under this name. If the class is your own, import the module that defines "
            "it, with `@keras.saving.register_keras_serializable(package=...)`, before loading."
        )
    part_class: Any = registered
    try:
        return part_class.from_config(entry["config"])
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"`{name}`: {class_name} cannot be built from {short(entry['config'])}: {error}"
        ) from error


def _example(base: type) -> str:
    return "`Reorient()`" if base is Step else "`Slices('axial')`"
