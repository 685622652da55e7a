"""Weight schedules: the weight of a loss term as a function of the training step."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks


class WeightSchedule:
    """Base class of weight schedules; subclass it for a custom schedule.

    A schedule is called with the number of completed training steps, an integer or an integer
    tensor, and returns the weight of a term, a float32 scalar tensor. Implement a schedule with
    `keras.ops`, so that the schedule works inside a compiled step. Keras' schedules, such as
    `keras.optimizers.schedules.CosineDecay`, are accepted wherever these are.

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
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "WeightSchedule":
        """Build the schedule from the result of `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ConstantWeight(WeightSchedule):
    """Constant weight.

    Args:
        weight: Finite number of at least 0.

    Raises:
        ValueError: `weight` is not a finite number of at least 0.

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
        """Return the constructor's arguments."""
        return {"weight": self.weight}


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class WarmUp(WeightSchedule):
    """Linear increase from 0 to a weight.

    Args:
        weight: Final weight, which then stays constant: a finite number of at least 0.
        steps: Number of steps of the increase, at least 1.
        start: Last step at which the weight is 0. Defaults to 0.

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
        """Return the constructor's arguments."""
        return {"weight": self.weight, "steps": self.steps, "start": self.start}


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class LinearDecay(WeightSchedule):
    """Linear decay (or increase) from one weight to another.

    Args:
        weight: Initial weight, a finite number of at least 0.
        steps: Number of steps of the decay, at least 1.
        start: Last step with the initial weight. Defaults to 0.
        end: Final weight, which then stays constant. Defaults to 0.

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
        """Return the constructor's arguments."""
        return {
            "weight": self.weight,
            "steps": self.steps,
            "start": self.start,
            "end": self.end,
        }


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Piecewise(WeightSchedule):
    """Piecewise constant weight.

    Args:
        boundaries: Steps at which the weight changes, in ascending order: integers of at least 1.
        weights: Weights before, between and after the boundaries, one more than `boundaries`:
            finite numbers of at least 0. The new weight applies from its boundary on.

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
            raise ValueError(f"`boundaries` must be ascending. Received: {self.boundaries}.")
        if len(self.weights) != len(self.boundaries) + 1:
            raise ValueError(
                "`weights` must be one more than `boundaries`: one before, between and after all "
                f"boundaries. Received: {len(self.weights)} weights, {len(self.boundaries)} "
                "boundaries."
            )

    def __call__(self, step: Any) -> Any:
        """Return the weight after `step` steps."""
        step = ops.cast(step, "float32")
        weight = ops.convert_to_tensor(self.weights[0], dtype="float32")
        for boundary, after in zip(self.boundaries, self.weights[1:], strict=True):
            weight = ops.where(step >= boundary, after, weight)
        return weight

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {"boundaries": self.boundaries, "weights": self.weights}


def get(name: str, identifier: Any) -> Any:
    """Return the schedule for a number or for a function of the step.

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
    """Return the schedule as :func:`get` does, or `None` for 0, whose term is never computed.

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
    schedule = get(name, identifier)
    return None if isinstance(schedule, ConstantWeight) and schedule.weight == 0 else schedule


def _done(step: Any, start: int, steps: int) -> Any:
    """Return the completed fraction, from 0 to 1, of `steps` steps that begin at `start`."""
    return ops.clip((ops.cast(step, "float32") - start) / steps, 0.0, 1.0)
