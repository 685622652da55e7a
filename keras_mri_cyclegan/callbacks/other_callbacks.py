"""State of other callbacks, saved and restored for a resumed training."""

import csv
import io
import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.volumes import atomic

# Keras' callbacks have no `get_state`. Only their state; their arguments are not saved.
KNOWN: dict[type, tuple[str, ...]] = {
    keras.callbacks.History: ("epoch", "history"),
    keras.callbacks.EarlyStopping: (
        "wait",
        "best",
        "best_epoch",
        "best_weights",
        "stopped_epoch",
    ),
    keras.callbacks.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    keras.callbacks.ModelCheckpoint: (
        "best",
        "_batches_seen_since_last_saving",
        "_last_batch_seen",
    ),
    keras.callbacks.SwapEMAWeights: ("_ema_weights_in_model",),
}


def get(callbacks: list) -> dict[str, Any]:
    """Return the states of callbacks: values of JSON types, and arrays.

    Supported are Keras' `History`, `EarlyStopping`, `ReduceLROnPlateau`, `ModelCheckpoint` and
    `SwapEMAWeights`, and callbacks with a method `get_state`.

    Args:
        callbacks: List of `keras.callbacks.Callback`.

    Example:
        >>> import keras
        >>> from keras_mri_cyclegan.callbacks import other_callbacks
        >>> history = keras.callbacks.History()
        >>> history.epoch, history.history = [0], {"loss": [0.5]}
        >>> state = other_callbacks.get([history])
        >>> other = keras.callbacks.History()
        >>> other_callbacks.put([other], state)
        >>> other.history
        {'loss': [0.5]}
    """
    states = {}
    for name, callback in _named(callbacks):
        if callable(getattr(callback, "get_state", None)):
            states[name] = callback.get_state()
        elif attributes := _attributes(callback):
            states[name] = {a: _told(a, getattr(callback, a)) for a in attributes}
    return states


def put(callbacks: list, states: dict[str, Any]) -> None:
    """Restore the states of callbacks. Callbacks without a saved state are not changed.

    Args:
        callbacks: List of `keras.callbacks.Callback`.
        states: Result of `get`.
    """
    for name, callback in _named(callbacks):
        state = states.get(name)
        if state is None:
            continue
        if callable(getattr(callback, "set_state", None)):
            callback.set_state(state)
        else:
            for attribute in _attributes(callback):
                if attribute in state:
                    setattr(callback, attribute, state[attribute])


def continue_csv(callbacks: list, epoch: int) -> None:
    """Make each `CSVLogger` continue its file, after removing later epochs from it.

    A killed training may have logged an epoch that is not in the checkpoint.

    Args:
        callbacks: List of `keras.callbacks.Callback`, before their training begins.
        epoch: The first epoch of the resumed training, from 0.

    Raises:
        VolumeError: The file cannot be written.
    """
    for callback in callbacks:
        if not isinstance(callback, keras.callbacks.CSVLogger):
            continue
        callback.append = True
        path = Path(callback.filename)
        if not path.exists():
            continue
        with open(path, newline="", encoding="utf-8") as file:
            header, *rows = list(csv.reader(file, delimiter=callback.sep)) or [[]]
        kept = [row for row in rows if row and row[0].isdigit() and int(row[0]) < epoch]
        if len(kept) == len(rows):
            continue
        text = io.StringIO(newline="")
        csv.writer(text, delimiter=callback.sep).writerows([header, *kept])
        with (
            atomic.replacing(os.fspath(path)) as temporary,
            open(temporary, "w", newline="", encoding="utf-8") as file,
        ):
            file.write(text.getvalue())


def _named(callbacks: list) -> list[tuple[str, Any]]:
    """Return each callback with a name: its class, and its number within that class."""
    counts: Counter[str] = Counter()
    named = []
    for callback in callbacks:
        name = type(callback).__name__
        named.append((f"{name}_{counts[name]}", callback))
        counts[name] += 1
    return named


def _attributes(callback: Any) -> tuple[str, ...]:
    for kind, attributes in KNOWN.items():
        if isinstance(callback, kind):
            return tuple(name for name in attributes if hasattr(callback, name))
    return ()


def _told(attribute: str, value: Any) -> Any:
    if attribute == "best_weights" and value is not None:
        return [np.asarray(weight) for weight in value]  # scalars on TensorFlow are not arrays
    return _plain(value)


def _plain(value: Any) -> Any:
    """Return NumPy numbers as Python numbers."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    number = float(value)
    return int(number) if hasattr(value, "dtype") and _is_whole(value, number) else number


def _is_whole(value: Any, number: float) -> bool:
    return "int" in str(value.dtype) and math.isfinite(number)
