"""The timings of the phantom's sequences: spin echoes, with or without an inversion."""

from dataclasses import dataclass

import numpy as np

from keras_mri_cyclegan.simulation import InversionRecovery, SpinEcho


@dataclass(frozen=True)
class Sequence:
    """The timing of a spin echo, with or without an inversion pulse before it.

    Args:
        tr: Repetition time in ms.
        te: Echo time in ms, shorter than `tr`.
        ti: Inversion time in ms, shorter than `tr`, for inversion recovery; `None` for a plain
            spin echo. Defaults to `None`.

    Raises:
        ValueError: A time that is not a positive finite number, or `te` or `ti` not below `tr`.

    Example:
        >>> from keras_mri_cyclegan.datasets.phantom import Sequence
        >>> Sequence(tr=2500, te=30)
        Sequence(tr=2500, te=30, ti=None)
    """

    tr: float
    te: float
    ti: float | None = None

    def __post_init__(self):
        for name in ("tr", "te", "ti"):
            value = getattr(self, name)
            if name == "ti" and value is None:
                continue
            is_number = isinstance(value, (int, float, np.integer, np.floating))
            if not is_number or isinstance(value, bool) or not 0 < value < np.inf:
                raise ValueError(
                    f"`{name}` of a sequence must be a positive number of milliseconds. "
                    f"Received: {value!r}."
                )
            if name != "tr" and value >= self.tr:
                raise ValueError(
                    f"`{name}` of a sequence must be shorter than its `tr`. Received: {name}="
                    f"{value!r}, tr={self.tr!r}. All times are in milliseconds."
                )


def spin_echo_signal(t1, t2, pd, tr: float, te: float) -> np.ndarray:
    """Signal of a spin echo, `PD (1 - exp(-TR/T1)) exp(-TE/T2)`.

    Args:
        t1: T1 in ms, a number or an array.
        t2: T2 in ms, of the same shape.
        pd: Proton density, of the same shape. Where it is 0, so is the signal, whatever T1 and
            T2 are.
        tr: Repetition time in ms.
        te: Echo time in ms.

    Returns:
        The signal, float64, of the arguments' shape.
    """
    return signal(t1, t2, pd, Sequence(tr, te))


def inversion_recovery_signal(t1, t2, pd, tr: float, te: float, ti: float) -> np.ndarray:
    """Signal of an inversion recovery spin echo before the magnitude is taken.

    `PD (1 - 2 exp(-TI/T1) + exp(-TR/T1)) exp(-TE/T2)`: negative where the magnetisation has not
    yet passed through zero.

    Args:
        t1: T1 in ms, a number or an array.
        t2: T2 in ms, of the same shape.
        pd: Proton density, of the same shape. Where it is 0, so is the signal.
        tr: Repetition time in ms.
        te: Echo time in ms.
        ti: Inversion time in ms.

    Returns:
        The signed signal, float64, of the arguments' shape.
    """
    return signal(t1, t2, pd, Sequence(tr, te, ti))


def signal(t1, t2, pd, sequence: Sequence) -> np.ndarray:
    """The signed signal of `sequence`, with or without an inversion."""
    if sequence.ti is None:
        return SpinEcho(sequence.tr, sequence.te).signal(t1, t2, pd)
    return InversionRecovery(sequence.tr, sequence.te, sequence.ti).signal(t1, t2, pd)
