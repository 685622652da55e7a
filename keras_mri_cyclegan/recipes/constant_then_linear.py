"""The paper's learning-rate schedule: constant, then linear to zero."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """A learning rate that is kept for half of the training and then falls to 0.

    Args:
        rate: The rate, a finite number of at least 0.
        steps: Steps of the whole training, at least 1.
        constant: Share of the steps with the first rate, at least 0 and below 1. Defaults to 0.5.

    Raises:
        ValueError: An argument out of its range.

    Example:
        >>> from keras_mri_cyclegan.recipes import ConstantThenLinear
        >>> schedule = ConstantThenLinear(0.25, steps=100)
        >>> [float(schedule(step)) for step in (0, 50, 75, 100)]
        [0.25, 0.25, 0.125, 0.0]

    References:
        Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
        Networks", ICCV 2017, https://arxiv.org/abs/1703.10593 (appendix 7.1)
    """

    def __init__(self, rate: float, steps: int, constant: float = 0.5):
        self.rate = _checks.weight("rate", rate)
        self.steps = _checks.positive_int("steps", steps)
        self.constant = _checks.fraction("constant", constant)

    def __call__(self, step: Any) -> Any:
        """Return the rate after `step` steps."""
        left = 1 - ops.cast(step, "float32") / self.steps
        return self.rate * ops.clip(left / (1 - self.constant), 0.0, 1.0)

    def get_config(self) -> dict:
        """Return the arguments that make this schedule again."""
        return {"rate": self.rate, "steps": self.steps, "constant": self.constant}
