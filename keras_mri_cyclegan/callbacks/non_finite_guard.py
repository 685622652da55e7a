"""Guard against losses and weights that are not finite."""

import math
import warnings
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.callbacks.checkpoint import Checkpoint


class NonFiniteWarning(UserWarning):
    """Loss or weight that was not finite, with the action taken."""


class NonFiniteGuard(keras.callbacks.Callback):
    """Stop at a loss or weight that is not finite, or resume from a checkpoint with lower rates.

    The loss is checked after each step, the weights after each epoch. Without a checkpoint the
    training stops. With one, the newest checkpoint is loaded (a `Checkpoint` saves only finite
    weights), the learning rates of both optimizers are lowered, and the training continues with the
    next data. After `max_returns` such returns it stops, with the weights of the newest checkpoint.
    A `NonFiniteWarning` reports each of these events.

    A `LearningRateScheduler` that sets the learning rate in each epoch, independent of the previous
    rate, reverts the lower rates.

    Args:
        checkpoint: The `Checkpoint` of the same training, or `None` to stop. Defaults to `None`.
        rate_factor: Factor by which the learning rates are multiplied, in (0, 1). Defaults to 0.5.
        max_returns: Maximum number of returns to a checkpoint. Defaults to 3.

    Raises:
        ValueError: An argument is out of its range. At the start of the training: the learning
            rates cannot be lowered, since a schedule of `keras.optimizers.schedules` sets them.

    Example:
        >>> import tempfile
        >>> import keras_mri_cyclegan as kmc
        >>> checkpoint = kmc.callbacks.Checkpoint(tempfile.mkdtemp())
        >>> callbacks = [checkpoint, kmc.callbacks.NonFiniteGuard(checkpoint, max_returns=2)]
    """

    def __init__(
        self,
        checkpoint: Checkpoint | None = None,
        rate_factor: float = 0.5,
        max_returns: int = 3,
    ) -> None:
        super().__init__()
        if checkpoint is not None and not isinstance(checkpoint, Checkpoint):
            raise ValueError(
                "`checkpoint` must be a `keras_mri_cyclegan.callbacks.Checkpoint`, or `None`. "
                f"Received: {checkpoint!r}."
            )
        self.checkpoint = checkpoint
        self.rate_factor = _checks.fraction("rate_factor", rate_factor)
        if not self.rate_factor:
            raise ValueError("`rate_factor` must be above 0. Received: 0.")
        self.max_returns = _checks.positive_int("max_returns", max_returns)
        self.returns = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Check that the learning rates can be lowered."""
        self.returns = 0
        if self.checkpoint is not None:
            for optimizer in _optimizers(self.model):
                if isinstance(
                    optimizer.get_config()["learning_rate"],
                    (dict, keras.optimizers.schedules.LearningRateSchedule),
                ):
                    raise ValueError(
                        "`NonFiniteGuard` cannot lower the rate of an optimizer whose "
                        "`learning_rate` is a schedule. Use a number and the callback "
                        "`LearningRateScheduler`, or pass no checkpoint, to stop."
                    )

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Check the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            self._act(f"the loss is {loss} in batch {batch + 1}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Check the weights."""
        for variable in self.model.variables:  # also batch statistics, and the images in pools
            if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
                self._act(f"`{variable.path}` is not finite after epoch {epoch + 1}")
                return

    def get_state(self) -> dict[str, Any]:
        """Return the number of returns so far, for a resumed training."""
        return {"returns": self.returns}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_state`."""
        self.returns = state["returns"]

    def _act(self, found: str) -> None:
        model = self.model
        if self.checkpoint is None:
            model.stop_training = True
            _warn(f"{found}: the training stops.")
            return
        before = [float(optimizer.learning_rate) for optimizer in _optimizers(model)]
        path = self.checkpoint.go_back()
        for metric in model.metrics:
            metric.reset_state()
        if self.returns == self.max_returns:
            model.stop_training = True
            _warn(
                f"{found}, after going back {self.returns} times: the training stops, with the "
                f"weights of `{path}`. Lower the learning rates, or clip the gradients."
            )
            return
        self.returns += 1
        rates = []
        for optimizer, rate in zip(_optimizers(model), before, strict=True):
            # The checkpoint may be older than the last return, with a higher rate.
            rates.append(min(rate, float(optimizer.learning_rate)) * self.rate_factor)
            optimizer.learning_rate = rates[-1]
        _warn(
            f"{found}: back to `{path}` ({self.returns} of {self.max_returns} times). The training "
            f"continues with the learning rates {rates[0]:g} of the generators and {rates[1]:g} of "
            "the discriminators."
        )


def _optimizers(model: Any) -> list[keras.optimizers.Optimizer]:
    optimizer = model.optimizer
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        optimizer = optimizer.inner_optimizer
    return optimizer.optimizers


def _warn(text: str) -> None:
    warnings.warn(text[0].upper() + text[1:], NonFiniteWarning, stacklevel=3)
