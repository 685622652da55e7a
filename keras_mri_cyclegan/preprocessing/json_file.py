"""Validated reading and atomic writing of JSON files from untrusted sources."""

import json
import os
from typing import Any

import numpy as np

from keras_mri_cyclegan.preprocessing.normalization import short
from keras_mri_cyclegan.volumes import VolumeError, atomic

# A saved preprocessing has a few kilobytes. Parsed JSON can take fifty times its size in memory.
MAX_BYTES = 16 * 2**20


def to_text(content: dict[str, Any], indent: int | None = 2) -> str:
    """Return `content` as JSON; every float reads back as the same number.

    Raises:
        ValueError: `content` holds a value that JSON cannot represent: NaN, infinity, an object.
    """
    try:
        return json.dumps(content, indent=indent, sort_keys=indent is None, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(
            f"This preprocessing cannot be kept as JSON: {error}. Expected the configs and the "
            "states of its steps to be dictionaries of strings, finite numbers, booleans and lists."
        ) from error


def write(path: str | os.PathLike, content: dict[str, Any]) -> None:
    """Write `content` to `path` through a temporary file."""
    text = to_text(content) + "\n"
    with atomic.replacing(os.fspath(path)) as temporary, open(temporary, "wb") as file:
        file.write(text.encode())


def read(path: str | os.PathLike) -> dict[str, Any]:
    """Return the dictionary in a JSON file.

    Raises:
        VolumeError: The file is missing, too large, not JSON, not a dictionary, or holds NaN or
            infinity.
    """
    name = os.fspath(path)
    try:
        if not os.path.isfile(name):
            raise FileNotFoundError("no such file")
        with open(name, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise VolumeError(
            name, f"cannot be read: {error}. Expected a file written by `Preprocessing.save`."
        ) from error
    if len(content) > MAX_BYTES:
        raise VolumeError(
            name,
            f"more than {MAX_BYTES} bytes. Expected a file written by `Preprocessing.save`, "
            "which has a few thousand.",
        )
    try:
        result = json.loads(
            content,
            parse_constant=_refuse,
            parse_float=_finite,
            object_pairs_hook=_each_once,
        )
    except (ValueError, RecursionError, MemoryError) as error:
        raise VolumeError(
            name,
            f"not the JSON of a preprocessing: {type(error).__name__}: {str(error)[:200]}. "
            "Expected a file written by `Preprocessing.save`; it may be damaged: copy it again.",
        ) from error
    if not isinstance(result, dict):
        raise VolumeError(
            name,
            f"JSON that holds a {type(result).__name__}. Expected a dictionary, as "
            "`Preprocessing.save` writes.",
        )
    return result


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number that a preprocessing can use")


def _finite(text: str) -> float:
    number = float(text)
    if not np.isfinite(number):
        raise ValueError(f"{text[:40]} is too large a number")
    return number


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError("a dictionary has the same key twice")
    return result


def read_of(path: str | os.PathLike, kind: str, version: int) -> dict[str, Any]:
    """Return the content of a file of this format and version, without these two entries.

    Raises:
        VolumeError: As for `read`; or the file has another format or version.
    """
    content = read(path)
    file_kind, file_version = content.pop("format", None), content.pop("version", None)
    if file_kind != kind:
        raise VolumeError(
            os.fspath(path),
            f"JSON of format {short(file_kind)}. Expected {kind!r}: a file written by "
            "`Preprocessing.save`.",
        )
    if file_version != version or isinstance(file_version, bool):
        raise VolumeError(
            os.fspath(path),
            f"version {short(file_version)} of a preprocessing. This release reads version "
            f"{version}: update keras_mri_cyclegan, or fit and save the preprocessing again.",
        )
    return content
