"""Gradient echoes in a steady state: spoiled (FLASH, SPGR), and after inversions (MP-RAGE)."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from keras_mri_cyclegan.simulation.sequences.sequence import Sequence


@dataclass(frozen=True)
class SpoiledGradientEcho(Sequence):
    """A spoiled gradient echo (FLASH, SPGR, T1-FFE).

    `PD sin(a) (1 - exp(-TR/T1)) / (1 - cos(a) exp(-TR/T1)) exp(-TE/T2*)`.

    Args:
        tr: Repetition time in ms.
        te: Echo time in ms, shorter than `tr`.
        flip_angle: Flip angle `a` in degrees, above 0 and at most 90.
        fat: What the signal of fat and marrow is multiplied by. Defaults to 1.

    Raises:
        ValueError: A time that is not a positive finite number, `te` not below `tr`, or an angle
            out of its range.

    Example:
        >>> from keras_mri_cyclegan.simulation import SpoiledGradientEcho
        >>> flash = SpoiledGradientEcho(tr=20, te=4, flip_angle=30)
        >>> round(float(flash.signal(t1=646, t2=61, pd=0.77)), 3)
        0.069

    References:
        - Ernst and Anderson, Rev. Sci. Instrum. 37 (1966) 93
        - Haase et al., "FLASH imaging", J. Magn. Reson. 67 (1986) 258
    """

    tr: float
    te: float
    flip_angle: float
    fat: float = 1.0
    gradient_echo: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._shorter("te", self.tr, "`tr`")
        _check_angle(self.flip_angle)

    def _signal(self, t1: np.ndarray, t2: np.ndarray) -> np.ndarray:
        angle = np.radians(self.flip_angle)
        decayed = np.exp(-self.tr / t1)
        steady = (1.0 - decayed) / (1.0 - np.cos(angle) * decayed)
        return np.sin(angle) * steady * np.exp(-self.te / t2)


@dataclass(frozen=True)
class MPRAGE(Sequence):
    """Magnetisation-prepared rapid gradient echo: an inversion, then a train of small angles.

    In the steady state the magnetisation before an inversion is the same each time. `ti` is the
    time from the inversion to the middle of the train, where the middle of k-space is measured.

    Args:
        tr: Time from one inversion to the next in ms.
        te: Echo time in ms, shorter than `echo_spacing`.
        ti: Inversion time in ms.
        flip_angle: Flip angle of the train in degrees, above 0 and at most 90. Defaults to 9.
        echo_spacing: Time from one echo to the next in ms. Defaults to 8.
        echoes: Echoes in a train. Defaults to 160.
        fat: What the signal of fat and marrow is multiplied by. Defaults to 1.

    Raises:
        ValueError: A time that is not a positive finite number, an angle out of its range, or a
            train that does not fit between the inversions.

    Example:
        >>> from keras_mri_cyclegan.simulation import MPRAGE
        >>> mprage = MPRAGE(tr=2300, te=3, ti=900)
        >>> white, grey = mprage.signal(t1=[838, 1607], t2=[45, 52], pd=[0.77, 0.86])
        >>> bool(white > 1.5 * grey > 0)
        True

    References:
        - Mugler and Brookeman, "Three-dimensional magnetization-prepared rapid gradient-echo
          imaging (3D MP RAGE)", Magn. Reson. Med. 15 (1990) 152
        - Deichmann et al., "Optimization of 3-D MP-RAGE sequences for structural brain imaging",
          NeuroImage 12 (2000) 112
    """

    tr: float
    te: float
    ti: float
    flip_angle: float = 9.0
    echo_spacing: float = 8.0
    echoes: int = 160
    fat: float = 1.0
    gradient_echo: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        self._shorter("te", self.echo_spacing, "`echo_spacing`")
        _check_angle(self.flip_angle)
        half = self.echoes * self.echo_spacing / 2
        if not half < self.ti < self.tr - half:
            raise ValueError(
                "The train of MPRAGE, `echoes` times `echo_spacing`, must fit around `ti` and "
                f"between two inversions: half of it, {half:g} ms, before `ti` and as much before "
                f"`tr`. Received: ti={self.ti!r}, tr={self.tr!r}."
            )

    def _signal(self, t1: np.ndarray, t2: np.ndarray) -> np.ndarray:
        angle = np.radians(self.flip_angle)
        before = self.ti - self.echoes * self.echo_spacing / 2
        after = self.tr - before - self.echoes * self.echo_spacing
        wait, rest = np.exp(-before / t1), np.exp(-after / t1)
        decayed = np.exp(-self.echo_spacing / t1)
        kept = np.cos(angle) * decayed  # of the magnetisation, from one echo to the next
        driven = (1.0 - decayed) / (1.0 - kept)  # where a train without end leads
        # Each part of the cycle takes m to a + b m. Chained, they must lead m back to itself.
        train = kept**self.echoes
        constant = 1.0 - rest + rest * ((1.0 - wait) * train + driven * (1.0 - train))
        steady = constant / (1.0 + rest * train * wait)
        first = 1.0 - wait - wait * steady
        middle = kept ** (self.echoes / 2)
        magnetisation = first * middle + driven * (1.0 - middle)
        return np.sin(angle) * magnetisation * np.exp(-self.te / t2)


def _check_angle(angle: float) -> None:
    if angle > 90:
        raise ValueError(f"`flip_angle` must be at most 90 degrees. Received: {angle!r}.")
