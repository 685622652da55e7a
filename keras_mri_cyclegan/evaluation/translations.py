"""Translations from the argument `model`: networks, functions or arrays."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.translation.generator import pick_generator

DIRECTIONS = ("ab", "ba")


def named_rows(model: Any) -> dict[str, Any]:
    """Return the models or translations to score, by the names of their rows.

    Args:
        model: One model or its translations, whose row is called `"model"`; a dictionary of
            several by name; or `None` for none.

    Raises:
        ValueError: `model` is a path, an empty dictionary, or has keys that are not strings.
    """
    if model is None:
        return {}
    if isinstance(model, (str, os.PathLike)):  # and a string has a method `translate`
        raise ValueError(
            "`model` must be a model, a function or an array. Received: the path "
            f"{os.fspath(model)!r}. Load it first: `keras.models.load_model(path)`."
        )
    if not isinstance(model, Mapping):
        return {"model": model}
    if not model or not all(isinstance(key, str) and key for key in model):
        raise ValueError(
            '`model` as a dictionary must have the keys "ab" and "ba", or the names of several '
            f"models. Received: the keys {list(model)}."
        )
    return {"model": model} if set(model) <= set(DIRECTIONS) else dict(model)


def pick_directions(rows: Mapping[str, Any], wanted: Sequence[str] | None) -> tuple[str, ...]:
    """Return the directions to score.

    Args:
        rows: Result of :func:`named_rows`.
        wanted: `"ab"`, `"ba"` or both; `None` for all directions of any row.

    Raises:
        ValueError: A direction is unknown, or a row does not have it.
    """
    if wanted is None:
        able = {way for row in rows.values() for way in able_to(row, None)} or set(DIRECTIONS)
        return tuple(way for way in DIRECTIONS if way in able)
    ways = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    if not ways or len(set(ways)) < len(ways):
        raise ValueError(f'`directions` must be ("ab", "ba") or one of them. Received: {wanted!r}.')
    for way in ways:
        _checks.one_of("directions", way, DIRECTIONS)
    for name, row in rows.items():
        missing = [way for way in ways if way not in able_to(row, ways)]
        if missing:
            raise ValueError(
                f"`directions` asks for {', '.join(missing)}, which the row {name!r} cannot do. "
                "A generator, a function or an array stands for one direction: pass "
                '`{"ab": ..., "ba": ...}`, or ask for fewer directions.'
            )
    return ways


def able_to(row: Any, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the directions in which a row can translate, given the requested directions."""
    if isinstance(row, Mapping):
        if not row or not set(row) <= set(DIRECTIONS):
            raise ValueError(
                f'`model`: translations by direction must have the keys "ab" and "ba", or one of '
                f"them. Received: the keys {list(row)}."
            )
        return tuple(row)
    if _can_translate(row):
        return DIRECTIONS
    if wanted is None:
        return DIRECTIONS[:1]
    return wanted if len(wanted) == 1 else ()


def translate(
    name: str, row: Any, direction: str, source: np.ndarray, truth: np.ndarray, batch_size: int
) -> np.ndarray:
    """Return a row's translations, float32 of the truth's shape.

    Args:
        name: The row's name, for messages.
        row: A `CycleGAN` or another object with a method `translate`, a generator, a function of
            the images, finished translations, or a dictionary of these by direction.
        direction: `"ab"` or `"ba"`.
        source: The images to translate.
        truth: The true images of the target domain.
        batch_size: Number of images translated at once.

    Raises:
        ValueError: A network does not take the images, or the translations are not finite floats of
            the truth's shape.
    """
    if isinstance(row, Mapping):
        row = row[direction]
    if isinstance(row, CycleGAN):
        made = row.translate(source, direction=direction, batch_size=batch_size)
    elif _can_translate(row):
        made = row.translate(source, direction=direction)
    elif isinstance(row, keras.Model):
        network = pick_generator(row, direction)
        images = _checks.images("a" if direction == "ab" else "b", source, network.input_shape[1:])
        _checks.warn_range("a" if direction == "ab" else "b", images)
        made = network.predict(images, batch_size=batch_size, verbose=0)
    else:
        made = row(source) if callable(row) else row
    what = f"the translations {direction} of {name}"
    translated = _checks.images(what, made)
    if translated.shape != truth.shape:
        raise ValueError(
            f"`{what}` must have the shape of the truth, {truth.shape}. Received: "
            f"{translated.shape}. Image k must be the translation of image k."
        )
    return translated


def _can_translate(row: Any) -> bool:
    return callable(getattr(row, "translate", None)) and not isinstance(row, str)
