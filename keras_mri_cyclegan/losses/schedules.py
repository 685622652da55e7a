"""Weights that change during training: functions of the step for any term of the objective."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks


class WeightSchedule:
    """Base class of the schedules; subclass it for one of your own.

    A schedule is called with the number of training steps done so far, an integer or an integer
    tensor, and returns the weight of a term, a float32 scalar tensor. It is written with
    `keras.ops`, so it works inside a compiled step. A schedule of Keras, such as
    `keras.optimizers.schedules.CosineDecay`, can be called in the same way.

    Example:
        >>> from keras import ops
        >>> import keras_mri_cyclegan as kmc
        >>> class Halving(kmc.losses.WeightSchedule):
        ...     def __call__(self, step):
        ...         return 2.0 ** -ops.cast(step, "float32")
        >>> float(Halving()(3))
        0.125
    """

    def __call__(self, step: Any) -> Any:
        """Return the weight after `step` steps."""
        raise TypeError(f"{type(self).__name__} must define `__call__(step)`.")

    def get_config(self) -> dict:
        """Return the arguments that make this schedule again."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "WeightSchedule":
        """Make the schedule that `get_config` described."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ConstantWeight(WeightSchedule):
    """The same weight always.

    Args:
        weight: Finite number of at least 0.

    Raises:
        ValueError: `weight` is anything else.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> float(kmc.losses.ConstantWeight(10.0)(500))
        10.0
    """

    def __init__(self, weight: float):
        self.weight = _checks.weight("weight", weight)

    def __call__(self, step: Any) -> Any:
        """Return the weight."""
        return ops.convert_to_tensor(self.weight, dtype="float32")

    def get_config(self) -> dict:
        """Return the arguments that make this schedule again."""
        return {"weight": self.weight}


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class WarmUp(WeightSchedule):
    """From 0 to a weight, in a straight line.

    Args:
        weight: What the weight ends at and then keeps, a finite number of at least 0.
        steps: How many steps the way takes, at least 1.
        start: The last step at which the weight is 0. Defaults to 0.

    Raises:
        ValueError: An argument of the wrong type or range.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> schedule = kmc.losses.WarmUp(2.0, steps=100, start=50)
        >>> [float(schedule(step)) for step in (0, 50, 100, 150, 1000)]
        [0.0, 0.0, 1.0, 2.0, 2.0]
    """

    def __init__(self, weight: float, steps: int, start: int = 0):
        self.weight = _checks.weight("weight", weight)
        self.steps = _checks.positive_int("steps", steps)
        self.start = _checks.positive_int("start", start, minimum=0)

    def __call__(self, step: Any) -> Any:
        """Return the weight after `step` steps."""
        return self.weight * _done(step, self.start, self.steps)

    def get_config(self) -> dict:
        """Return the arguments that make this schedule again."""
        return {"weight": self.weight, "steps": self.steps, "start": self.start}


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class LinearDecay(WeightSchedule):
    """From a weight down (or up) to another, in a straight line.

    Args:
        weight: The first weight, a finite number of at least 0.
        steps: How many steps the way takes, at least 1.
        start: The last step with the first weight. Defaults to 0.
        end: What the weight ends at and then keeps. Defaults to 0.

    Raises:
        ValueError: An argument of the wrong type or range.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> schedule = kmc.losses.LinearDecay(5.0, steps=100, end=1.0)
        >>> [float(schedule(step)) for step in (0, 50, 100, 1000)]
        [5.0, 3.0, 1.0, 1.0]
    """

    def __init__(self, weight: float, steps: int, start: int = 0, end: float = 0.0):
        self.weight = _checks.weight("weight", weight)
        self.steps = _checks.positive_int("steps", steps)
        self.start = _checks.positive_int("start", start, minimum=0)
        self.end = _checks.weight("end", end)

    def __call__(self, step: Any) -> Any:
        """Return the weight after `step` steps."""
        return self.weight + (self.end - self.weight) * _done(step, self.start, self.steps)

    def get_config(self) -> dict:
        """Return the arguments that make this schedule again."""
        return {
            "weight": self.weight,
            "steps": self.steps,
            "start": self.start,
            "end": self.end,
        }


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Piecewise(WeightSchedule):
    """One weight after the other.

    Args:
        boundaries: The steps at which the weight changes, rising: integers of at least 1.
        weights: The weights before, between and after them, one more than `boundaries`; finite
            numbers of at least 0. At a boundary the new weight holds.

    Raises:
        ValueError: An argument of the wrong type, range, order or length.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> schedule = kmc.losses.Piecewise([100, 200], [0.0, 5.0, 1.0])
        >>> [float(schedule(step)) for step in (0, 99, 100, 199, 200)]
        [0.0, 0.0, 5.0, 5.0, 1.0]
    """

    def __init__(self, boundaries: Sequence[int], weights: Sequence[float]):
        self.boundaries = [_checks.positive_int("boundaries", step) for step in boundaries]
        self.weights = [_checks.weight("weights", weight) for weight in weights]
        if sorted(set(self.boundaries)) != self.boundaries:
            raise ValueError(f"`boundaries` must rise. Received: {self.boundaries}.")
        if len(self.weights) != len(self.boundaries) + 1:
            raise ValueError(
                "`weights` must be one more than `boundaries`: those before, between and after "
                f"them. Received: {len(self.weights)} weights, {len(self.boundaries)} boundaries."
            )

    def __call__(self, step: Any) -> Any:
        """Return the weight after `step` steps."""
        step = ops.cast(step, "float32")
        weight = ops.convert_to_tensor(self.weights[0], dtype="float32")
        for boundary, after in zip(self.boundaries, self.weights[1:], strict=True):
            weight = ops.where(step >= boundary, after, weight)
        return weight

    def get_config(self) -> dict:
        """Return the arguments that make this schedule again."""
        return {"boundaries": self.boundaries, "weights": self.weights}


def get(name: str, identifier: Any) -> Any:
    """Return the function of the step that a number or a function of the step stands for.

    Args:
        name: The argument's name, for the message.
        identifier: A finite number of at least 0, a `WeightSchedule`, or any function of the step.

    Raises:
        ValueError: `identifier` is none of these.

    Example:
        >>> from keras_mri_cyclegan.losses import schedules
        >>> float(schedules.get("cycle_weight", 10)(0))
        10.0
    """
    if callable(identifier) and not isinstance(identifier, type):
        return identifier
    if isinstance(identifier, (int, float, np.integer, np.floating)):
        return ConstantWeight(_checks.weight(name, identifier))
    raise ValueError(
        f"`{name}` must be a number of at least 0 or a function of the step, such as "
        f"`keras_mri_cyclegan.losses.WarmUp(1.0, steps=1000)`. Received: {identifier!r}."
    )


def get_unless_zero(name: str, identifier: Any) -> Any:
    """Return what `get` does, or `None` for a constant 0, whose term need not be computed.

    Args:
        name: The argument's name, for the message.
        identifier: A finite number of at least 0, a `WeightSchedule`, or any function of the step.

    Raises:
        ValueError: `identifier` is none of these.

    Example:
        >>> from keras_mri_cyclegan.losses import schedules
        >>> schedules.get_unless_zero("cycle_weight", 0) is None
        True
    """
    found = get(name, identifier)
    return None if isinstance(found, ConstantWeight) and found.weight == 0 else found


def _done(step: Any, start: int, steps: int) -> Any:
    """How much of the way that begins at `start` and takes `steps` is done, from 0 to 1."""
    return ops.clip((ops.cast(step, "float32") - start) / steps, 0.0, 1.0)
