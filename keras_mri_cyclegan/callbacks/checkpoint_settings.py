"""Comparison of a checkpoint's settings and data with those of the script that resumes it."""

import json
import os
import warnings
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.data.volume_images import VolumeImages
from keras_mri_cyclegan.volumes import Volume

# Settings of `compile` that do not change the result of a step.
HOW = ("jit_compile", "steps_per_execution", "run_eagerly", "recompute")
RATES = ("generator_optimizer.learning_rate", "discriminator_optimizer.learning_rate")
SAME = 1e-5  # largest difference between the measures of equal images


def settings_of(model: Any) -> dict[str, Any]:
    """Return the arguments of a compiled `CycleGAN` and its `compile`, in types of JSON."""
    given = {name: _plain(value) for name, value in model._compile_arguments.items()}
    settings = {
        **{name: value for name, value in given.items() if name not in HOW},
        "model_seed": model.seed,
        "model_augmentation": _plain(model.augmentation),
    }
    return json.loads(json.dumps(settings, default=str))  # the same types as read from a file


def rates_of(model: Any) -> dict[str, Any]:
    """Return the optimizers' current learning rates, by their names in the settings."""
    found = settings_of(model)
    return {name: _at(found, name) for name in RATES}


def data_of(source: Any) -> dict[str, Any]:
    """Return the settings of an `UnpairedDataset` and measures of its images."""
    paired = source.paired or ()
    return {
        "seed": source.seed,
        "epoch": source.epoch,
        "images": [len(source.a), len(source.b)],
        "pairs": len(paired[0]) if paired else 0,
        "batch_size": source.batch_size,
        "steps_per_epoch": source.steps_per_epoch,
        "shuffle": bool(source.shuffle),
        "augment": [getattr(f, "__name__", type(f).__name__) for f in source.augment],
        **{name: contents_of(side) for name, side in zip("ab", (source.a, source.b), strict=True)},
    }


def what_differs(
    state: dict[str, Any],
    settings: dict[str, Any],
    data: dict[str, Any] | None,
    source: Any,
    others: list,
) -> list[str]:
    """Return the differences between a checkpoint and the script, and whose values are used.

    Where the checkpoint's values are used, they are written to `settings`, for the next checkpoint.

    Args:
        state: State of the checkpoint.
        settings: Current result of `settings_of`.
        data: Current result of `data_of`, or `None` for other data than an `UnpairedDataset`.
        source: The data.
        others: The training's other callbacks.
    """
    saved = state.get("settings", {})  # none in a checkpoint of an earlier version
    told = [_data_differs(state["data"], data)] if data and state["data"] else []
    rates, seeds, new = [], [], []
    for path, one, other in _differences("", saved, settings) if saved else ():
        words = f"{path}: {_short(one)}, now {_short(other)}"
        if path in RATES and isinstance(one, float) and isinstance(other, float):
            holds = state["rates"][path]  # may be lower than at the start of the training
            if other != holds:
                rates.append(f"{path}: {holds:g}, now {other:g}")
                settings[path.partition(".")[0]]["learning_rate"] = one
        elif path == "model_seed":
            settings[path] = one
            if None not in (one, other):
                seeds.append(words)
        elif path not in RATES or isinstance(one, dict) == isinstance(other, dict):
            new.append(words)  # loading raises an error for a schedule in place of a number
    if data and state["data"] and source.seed_was_given and state["data"]["seed"] != data["seed"]:
        seeds.append(f"seed of the data: {state['data']['seed']}, now {data['seed']}")
    if rates and not any(isinstance(c, keras.callbacks.LearningRateScheduler) for c in others):
        told.append(
            f"the learning rate is not that of the checkpoint ({'; '.join(rates)}). The "
            "checkpoint's is used. To change it, add `keras.callbacks.LearningRateScheduler("
            "lambda epoch, rate: ...)`, which sets it at the start of each epoch."
        )
    if seeds:
        told.append(
            f"the seed is not that of the checkpoint ({'; '.join(seeds)}). The checkpoint's "
            "is used. To change it, start again in another folder."
        )
    if new:
        told.append(
            f"the settings are not those of the checkpoint ({'; '.join(new)}). The new settings "
            "are used. To keep the checkpoint's, compile the model as before."
        )
    return [text for text in told if text]


def _data_differs(saved: dict[str, Any], found: dict[str, Any]) -> str:
    names = ("images", "pairs", "batch_size", "steps_per_epoch", "shuffle", "augment")
    changes = [
        f"{n}: {saved[n]}, now {found[n]}" for n in names if n in saved and saved[n] != found[n]
    ]
    order = " in another order" if changes and "augment" not in changes[0] else ""
    if "a" in saved and saved["images"] == found["images"]:
        others = {name: how_they_differ(saved[name], found[name]) for name in "ab"}
        swapped = all(others.values()) and not (
            how_they_differ(saved["a"], found["b"]) or how_they_differ(saved["b"], found["a"])
        )
        if swapped:
            changes.append("`a` and `b` have changed places")
        else:
            changes += [
                f"other images of `{name}`, {told}" for name, told in others.items() if told
            ]
    if not changes:
        return ""
    return (
        f"The data is not that of the checkpoint ({'; '.join(changes)}). The training continues "
        f"with the new data{order}."
    )


def _plain(value: Any) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Keras warns of a lambda
            return _named(keras.saving.serialize_keras_object(value))
    except (TypeError, ValueError):
        return getattr(value, "__qualname__", type(value).__qualname__)


def _named(config: Any) -> Any:
    """Return a config of Keras without the modules of classes, names, seeds, and code."""
    if isinstance(config, (list, tuple)):
        return [_named(value) for value in config]
    if not isinstance(config, dict):
        return config
    if config.get("class_name") in ("__lambda__", "function"):
        return str(config.get("registered_name") or config["class_name"])
    if "class_name" in config and isinstance(config.get("config"), dict):
        inner = {k: v for k, v in config["config"].items() if k not in ("name", "seed")}
        return {"class_name": config["class_name"], **_named(inner)}
    return {name: _named(value) for name, value in config.items()}


def _differences(path: str, saved: Any, found: Any) -> list[tuple[str, Any, Any]]:
    """Return the path of each setting that differs, with both values."""
    if not (
        isinstance(saved, dict)
        and isinstance(found, dict)
        and saved.get("class_name") == found.get("class_name")
    ):
        return [] if saved == found else [(path, saved, found)]
    return [
        difference
        for name in dict.fromkeys([*saved, *found])
        for difference in _differences(
            f"{path}.{name}".lstrip("."), saved.get(name), found.get(name)
        )
    ]


def _short(value: Any) -> str:
    if isinstance(value, dict) and "class_name" in value:
        return str(value["class_name"])
    return f"{value:g}" if isinstance(value, float) else repr(value)


def _at(settings: Any, path: str) -> Any:
    for name in path.split("."):
        settings = settings.get(name) if isinstance(settings, dict) else None
    return settings


def contents_of(images: Any) -> dict[str, Any]:
    """Return measures that identify the images of one domain.

    For arrays, four numbers that depend on every image and on their order. For scans, which would
    all have to be read, the numbers of the first image, and the file names without folders.
    """
    found: dict[str, Any] = {}
    if isinstance(images, VolumeImages):
        paths = [scan.path if isinstance(scan, Volume) else scan for scan in images.scans]
        found["scans"] = [os.path.basename(path or "") for path in paths]
        images = images[:1]
    each = np.array([[image.mean(dtype="float64"), np.abs(image).mean()] for image in images])
    place = np.cos(np.arange(len(each)))[:, None]
    return {"measures": [*each.mean(axis=0), *(each * place).mean(axis=0)], **found}


def how_they_differ(saved: dict[str, Any], found: dict[str, Any]) -> str:
    """Return how two domains' images differ; empty if they are equal, or if it is unknown."""
    if set(saved) != set(found):
        return ""  # scans in the checkpoint and arrays now may be the same images
    if saved.get("scans") != found.get("scans"):
        pairs = zip(saved["scans"], found["scans"], strict=False)
        one, other = next((pair for pair in pairs if pair[0] != pair[1]), ("more", "fewer"))
        return f"`{one}`, now `{other}`"
    if np.allclose(saved["measures"], found["measures"], rtol=0, atol=SAME):
        return ""
    where = " in the first image" if "scans" in saved else ""
    means = f"mean {saved['measures'][0]:.4g}, now {found['measures'][0]:.4g}{where}"
    return means + ("" if where else ", or in another order")
