"""Numeric values of attributes that may be absent, empty or invalid."""

import math
from collections.abc import Sequence
from typing import Any

from keras_mri_cyclegan.volumes.errors import VolumeError


def numbers(path: str, dataset: Any, keyword: str, count: int) -> tuple[float, ...] | None:
    """Return an attribute's values as finite floats, or `None` if it is absent or empty.

    Args:
        path: The file, for the message.
        dataset: A `pydicom.Dataset`.
        keyword: The attribute, `"PixelSpacing"`.
        count: How many values it must have.

    Raises:
        VolumeError: Another number of values, or one that is not a finite number.
    """
    found = dataset.get(keyword)
    if found is None or (isinstance(found, (str, bytes)) and not found.strip()):
        return None
    several = isinstance(found, Sequence) and not isinstance(found, (str, bytes))
    values = list(found) if several else [found]
    if not values:
        return None
    try:
        converted = tuple(float(value) for value in values)
    except (TypeError, ValueError):
        converted = ()
    if len(converted) != count or not all(math.isfinite(value) for value in converted):
        shown = str(values if count > 1 else values[0] if len(values) == 1 else values)[:100]
        raise VolumeError(
            path,
            f"{keyword} is {shown}. Expected {count} finite number{'s' * (count > 1)}. The "
            "attribute is damaged: export the file again, or mend it with pydicom.",
        )
    return converted


def number(path: str, dataset: Any, keyword: str) -> float | None:
    """Return an attribute's one value as a finite float, or `None`; see `numbers`."""
    found = numbers(path, dataset, keyword, 1)
    return None if found is None else found[0]


def whole(path: str, dataset: Any, keyword: str) -> int | None:
    """Return an attribute's one value as an integer, or `None` if it is absent or empty.

    Raises:
        VolumeError: Not one whole number.
    """
    found = number(path, dataset, keyword)
    if found is not None and found != int(found):
        raise VolumeError(path, f"{keyword} is {found:g}. Expected a whole number.")
    return None if found is None else int(found)
