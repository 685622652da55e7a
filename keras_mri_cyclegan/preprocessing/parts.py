"""Steps and cutters as entries of a config, and back."""

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
            f"{value!r}. One of your own subclasses `keras_mri_cyclegan.preprocessing."
            f"{base.__name__}`."
        )
    registered = keras.saving.get_registered_name(type(value))
    if keras.saving.get_registered_object(registered) is not type(value):
        raise ValueError(
            f"`{name}` has to be registered, so that a saved preprocessing can be loaded: put "
            "`@keras.saving.register_keras_serializable(package='my_project')` before `class "
            f"{type(value).__name__}`."
        )


def to_entry(part: Step | Cutter) -> dict[str, Any]:
    """Return what `from_entry` makes an equal object of."""
    return {
        "class_name": keras.saving.get_registered_name(type(part)),
        "config": part.get_config(),
    }


def from_entry(name: str, entry: Any, base: Any) -> Any:
    """Make a step or a cutter. Only registered classes: nothing is imported or executed.

    Raises:
        ValueError: Not an entry, an unknown class, or arguments that it does not take.
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
    found = keras.saving.get_registered_object(class_name)
    if not isinstance(found, type) or not issubclass(found, base):
        raise ValueError(
            f"`{name}` names the class {short(class_name)}, and no {base.__name__.lower()} is "
            "registered under this name. If it is one of your own, import the module that defines "
            "it, with `@keras.saving.register_keras_serializable(package=...)`, before loading."
        )
    part_class: Any = found
    try:
        return part_class.from_config(entry["config"])
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise ValueError(
            f"`{name}`: {class_name} cannot be made of {short(entry['config'])}: {error}"
        ) from error


def _example(base: type) -> str:
    return "`Reorient()`" if base is Step else "`Slices('axial')`"
