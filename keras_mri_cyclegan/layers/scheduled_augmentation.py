"""Discriminator augmentation whose probability follows a schedule."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.layers.differentiable_augmentation import DifferentiableAugmentation
from keras_mri_cyclegan.layers.probable_augmentation import ProbableAugmentation
from keras_mri_cyclegan.losses import schedules


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ScheduledAugmentation(ProbableAugmentation):
    """Augment each image with a probability that depends on the training step.

    Without augmentation, discriminators learn the appearance of a contrast within hundreds of
    steps, but then memorise their images if they only see a few dozen. Augmentation prevents
    memorisation, but slows learning; hence a schedule that starts late. The step and the
    probability are saved with the model, and `CycleGAN` logs the probability as
    `augmentation_probability`.

    Args:
        probability: Schedule that maps the step to a probability in [0, 1], such as
            `keras_mri_cyclegan.losses.WarmUp(1.0, steps=500, start=500)`, or a number.
        augmentation: Differentiable `keras.layers.Layer`, or a list of such layers. Defaults to
            `None`: `DifferentiableAugmentation`, shifts and flips.
        seed: Integer or `None`. Defaults to `None`, a random seed.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, depth, height, width, channels)`, in
        [-1, 1].

    Output shape:
        The same.

    Raises:
        ValueError: An argument of the wrong type or range.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> schedule = kmc.losses.WarmUp(1.0, steps=2, start=1)
        >>> layer = kmc.layers.ScheduledAugmentation(schedule, seed=0)
        >>> for _ in range(2):  # as a `CycleGAN` does after each step
        ...     layer.adjust(0.0, 1)
        >>> float(layer.probability)
        0.5
    """

    def __init__(
        self,
        probability: Any,
        augmentation: keras.layers.Layer | Sequence | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ):
        if augmentation is None:
            augmentation = DifferentiableAugmentation(seed=seed)
        super().__init__(augmentation, seed, **kwargs)
        self.schedule = schedules.get("probability", probability)
        if isinstance(self.schedule, schedules.ConstantWeight) and self.schedule.weight > 1:
            raise ValueError(f"`probability` must be in [0, 1]. Received: {probability!r}.")
        self.step = self._state_weight("step")
        self.probability.assign(self._probability())

    def adjust(self, sign: Any, count: Any) -> None:
        """Advance the schedule by one step; both arguments are ignored."""
        self.step.assign(self.step + 1)
        self.probability.assign(self._probability())

    def _probability(self) -> Any:
        return ops.clip(ops.cast(self.schedule(self.step.value), "float32"), 0.0, 1.0)

    def _state(self) -> dict[str, keras.Variable]:
        return {**super()._state(), "step": self.step}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        schedule = keras.saving.serialize_keras_object(self.schedule)
        return {**super().get_config(), "probability": schedule}

    @classmethod
    def from_config(cls, config: dict) -> "ProbableAugmentation":
        """Build the layer from the result of `get_config`."""
        schedule = keras.saving.deserialize_keras_object(config["probability"])
        return super().from_config({**config, "probability": schedule})
