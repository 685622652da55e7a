"""What every MR sequence has: a signal for each tissue, and what becomes of fat."""

import math
from collections.abc import Mapping
from dataclasses import fields
from typing import Any, ClassVar

import numpy as np

from keras_mri_cyclegan.simulation.tissues import FATTY, Tissue, dephasing


class Sequence:
    """Base of the sequences, which are frozen dataclasses: times in ms, angles in degrees.

    `fat` multiplies the signal of fat and marrow: 1 leaves the equation's, about 0.1 is fat
    suppression, and above 1 is a train of refocusing pulses.

    A subclass lists its times and angles as fields and has `_signal(t1, t2)`, the signal of one
    unit of proton density.
    """

    # Whether the echo is of a gradient, so that the signal decays with T2* in the place of T2.
    gradient_echo: ClassVar[bool] = False
    fat: float

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            is_number = isinstance(value, (int, float, np.integer, np.floating))
            if not is_number or isinstance(value, bool) or not 0 <= value < math.inf:
                raise ValueError(
                    f"`{field.name}` of {type(self).__name__} must be a finite number of at least "
                    f"0 (times in ms, angles in degrees). Received: {value!r}."
                )
            if value == 0 and field.name not in ("fat", "train"):
                raise ValueError(
                    f"`{field.name}` of {type(self).__name__} must be above 0. Received: {value!r}."
                )

    def signal(self, t1: Any, t2: Any, pd: Any) -> np.ndarray:
        """The signal of water with these properties, before the magnitude is taken.

        Args:
            t1: T1 in ms, a number or an array.
            t2: T2 in ms, of the same shape; T2* if `gradient_echo`.
            pd: Proton density, of the same shape. Where it is 0, so is the signal, whatever T1 and
                T2 are.

        Returns:
            The signal, float64, of the arguments' shape; negative where the magnetisation has not
            yet passed through zero after an inversion.
        """
        t1, t2, pd = (np.asarray(value, dtype="float64") for value in (t1, t2, pd))
        there = pd > 0
        t1, t2 = np.where(there, t1, 1.0), np.where(there, t2, 1.0)
        return np.where(there, pd * self._signal(t1, t2), 0.0)

    def _signal(self, t1: np.ndarray, t2: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def tissue_signals(
        self, tissues: Mapping[str, Tissue], field_strength: float = 1.5
    ) -> dict[str, float]:
        """The signed signal of each tissue, with what the sequence does to fat.

        Args:
            tissues: The tissues by name, as of `tissue_properties(field_strength)`.
            field_strength: In tesla, for the dephasing of a gradient echo. Defaults to 1.5.

        Returns:
            A dictionary from the names of `tissues` to their signals.
        """
        t1, t2, pd = np.array(list(tissues.values()), dtype="float64").reshape(-1, 3).T
        if self.gradient_echo:
            t2 = 1 / (1 / t2 + dephasing(list(tissues), field_strength))
        fat = np.array([self.fat if name in FATTY else 1.0 for name in tissues])
        return dict(zip(tissues, (fat * self.signal(t1, t2, pd)).tolist(), strict=True))

    def texture_signals(
        self, tissues: Mapping[str, Tissue], wetter: Mapping[str, Tissue], field_strength: float
    ) -> dict[str, float]:
        """The signed signal of each tissue where there is more water.

        Args:
            tissues: The tissues by name.
            wetter: The same with more water.
            field_strength: In tesla.

        Returns:
            A dictionary from the names of `tissues` to their signals.
        """
        return self.tissue_signals(wetter, field_strength)

    def _shorter(self, name: str, limit: float, than: str) -> None:
        """Raise unless the time `name` is below `limit`, which is `than` in words."""
        value = getattr(self, name)
        if value >= limit:
            raise ValueError(
                f"`{name}` of {type(self).__name__} must be shorter than {than}, {limit:g} ms. "
                f"Received: {value!r}."
            )
