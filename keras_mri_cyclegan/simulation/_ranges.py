"""Checks of the ranges of random effects."""

from dataclasses import fields
from typing import Any

from keras_mri_cyclegan import _checks


def check_ranges(
    settings: Any,
    above_zero: tuple[str, ...] = (),
    probabilities: tuple[str, ...] = (),
) -> None:
    """Check a frozen dataclass of numbers and ranges `(low, high)`, all at least 0.

    Args:
        settings: The dataclass.
        above_zero: Names of fields that must not be 0.
        probabilities: Names of fields that must be at most 1.

    Raises:
        ValueError: A field out of its range.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(field.default, tuple):
            numbers = checked_range(field.name, value)
        else:
            numbers = (_checks.weight(field.name, value),) * 2
        if field.name in above_zero and numbers[0] == 0:
            raise ValueError(f"`{field.name}` must be above 0. Received: {value!r}.")
        if field.name in probabilities and numbers[1] > 1:
            raise ValueError(f"`{field.name}` must be at most 1. Received: {value!r}.")


def checked_range(name: str, value: Any) -> tuple[float, float]:
    """Return `(low, high)`, if it is two numbers of at least 0 in this order."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(f"`{name}` must be two numbers, (low, high). Received: {value!r}.")
    low, high = (_checks.weight(name, one) for one in value)
    if low > high:
        raise ValueError(f"`{name}` must be (low, high), low at most high. Received: {value!r}.")
    return low, high
