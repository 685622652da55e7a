"""Spin echoes, one or a train of them in an excitation.

Bernstein, King and Zhou, Handbook of MRI Pulse Sequences, 2004, chapter 14, for TE much shorter
than TR: the small correction for the longitudinal recovery around the refocusing pulse is left out.
"""

from dataclasses import dataclass

import numpy as np

from keras_mri_cyclegan.simulation.sequences.sequence import Sequence


@dataclass(frozen=True)
class SpinEcho(Sequence):
    """A spin echo, `PD (1 - exp(-TR/T1)) exp(-TE/T2)`.

    Args:
        tr: Repetition time in ms.
        te: Echo time in ms, shorter than `tr`.
        fat: What the signal of fat and marrow is multiplied by. Defaults to 1.

    Raises:
        ValueError: A time that is not a positive finite number, or `te` not below `tr`.

    Example:
        >>> from keras_mri_cyclegan.simulation import SpinEcho
        >>> round(float(SpinEcho(tr=500, te=14).signal(t1=646, t2=70, pd=0.77)), 3)
        0.34
    """

    tr: float
    te: float
    fat: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._shorter("te", self.tr, "`tr`")

    def _signal(self, t1: np.ndarray, t2: np.ndarray) -> np.ndarray:
        return (1.0 - np.exp(-self.tr / t1)) * np.exp(-self.te / t2)


@dataclass(frozen=True)
class TurboSpinEcho(Sequence):
    """A train of spin echoes (TSE, FSE, RARE), `PD (1 - exp(-(TR - train)/T1)) exp(-TE/T2)`.

    The magnetisation begins to recover at the end of the train. Fat is brighter than in a spin
    echo, as rapid refocusing undoes the coupling of its spins.

    Args:
        tr: Repetition time in ms.
        te: Effective echo time in ms, that of the middle of k-space.
        train: Duration of the train in ms, shorter than `tr`. Defaults to 150.
        fat: What the signal of fat and marrow is multiplied by. Defaults to 1.6.

    Raises:
        ValueError: A time that is not a positive finite number, or not below `tr`.

    Example:
        >>> from keras_mri_cyclegan.simulation import TurboSpinEcho
        >>> round(float(TurboSpinEcho(tr=4000, te=100).signal(t1=1197, t2=83, pd=0.86)), 3)
        0.247

    References:
        - Hennig, Nauerth and Friedburg, "RARE imaging", Magn. Reson. Med. 3 (1986) 823
        - Henkelman et al., "Why fat is bright in RARE and fast spin-echo imaging", J. Magn. Reson.
          Imaging 2 (1992) 533
    """

    tr: float
    te: float
    train: float = 150.0
    fat: float = 1.6

    def __post_init__(self) -> None:
        super().__post_init__()
        self._shorter("te", self.tr, "`tr`")
        self._shorter("train", self.tr, "`tr`")

    def _signal(self, t1: np.ndarray, t2: np.ndarray) -> np.ndarray:
        return (1.0 - np.exp(-(self.tr - self.train) / t1)) * np.exp(-self.te / t2)
