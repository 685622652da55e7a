"""Checks of the ranges that random effects are drawn from."""

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
        is_range = isinstance(value, (tuple, list))
        if is_range != isinstance(field.default, tuple) or (is_range and len(value) != 2):
            expected = "(low, high)" if isinstance(field.default, tuple) else "one number"
            raise ValueError(f"`{field.name}` must be {expected}. Received: {value!r}.")
        numbers = [_checks.weight(field.name, one) for one in (value if is_range else (value,))]
        if is_range and numbers[0] > numbers[1]:
            raise ValueError(
                f"`{field.name}` must be (low, high) with low at most high. Received: {value!r}."
            )
        if field.name in above_zero and numbers[0] == 0:
            raise ValueError(f"`{field.name}` must be above 0. Received: {value!r}.")
        if field.name in probabilities and numbers[-1] > 1:
            raise ValueError(f"`{field.name}` must be at most 1. Received: {value!r}.")
