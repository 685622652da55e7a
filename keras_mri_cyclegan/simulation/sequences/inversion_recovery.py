"""A spin echo some time after an inversion: FLAIR."""

from dataclasses import dataclass

import numpy as np

from keras_mri_cyclegan.simulation.sequences.sequence import Sequence


@dataclass(frozen=True)
class InversionRecovery(Sequence):
    """A spin echo, or a train of them, at a time TI after an inversion.

    `PD (1 - 2 exp(-TI/T1) + exp(-(TR - train)/T1)) exp(-TE/T2)`. With a TI at which fluid has no
    signal (`nulling_time`) and a long TE it is FLAIR.

    Args:
        tr: Repetition time in ms.
        te: (Effective) echo time in ms, shorter than `tr`.
        ti: Inversion time in ms, shorter than `tr`.
        train: Duration of the train of echoes in ms; 0 for a single echo. Defaults to 0.
        fat: What the signal of fat and marrow is multiplied by. Defaults to 1.

    Raises:
        ValueError: A time that is not a positive finite number, or `te`, or `ti` and `train`
            together, not below `tr`.

    Example:
        >>> from keras_mri_cyclegan.simulation import InversionRecovery, nulling_time
        >>> flair = InversionRecovery(tr=9000, te=120, ti=nulling_time(9000, t1=4200))
        >>> round(flair.ti), bool(abs(flair.signal(t1=4200, t2=1990, pd=1)) < 1e-12)
        (2445, True)

    References:
        - Hajnal et al., "Use of fluid attenuated inversion recovery (FLAIR) pulse sequences in MRI
          of the brain", J. Comput. Assist. Tomogr. 16 (1992) 841
        - Rydberg et al., "Initial clinical experience in MR imaging of the brain with a fast
          fluid-attenuated inversion-recovery pulse sequence", Radiology 193 (1994) 173 (the train)
    """

    tr: float
    te: float
    ti: float
    train: float = 0.0
    fat: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._shorter("te", self.tr, "`tr`")
        self._shorter("ti", self.tr - self.train, "`tr` less `train`")

    def _signal(self, t1: np.ndarray, t2: np.ndarray) -> np.ndarray:
        recovered = 1.0 - 2.0 * np.exp(-self.ti / t1) + np.exp(-(self.tr - self.train) / t1)
        return recovered * np.exp(-self.te / t2)


def nulling_time(tr: float, t1: float) -> float:
    """The inversion time in ms at which tissue of this T1 has no signal.

    It solves `1 - 2 exp(-TI/T1) + exp(-TR/T1) = 0`, so `TI = T1 ln(2 / (1 + exp(-TR/T1)))`.

    Args:
        tr: Repetition time in ms, less the duration of a train of echoes.
        t1: T1 of the tissue to suppress, in ms.

    Returns:
        The inversion time in ms.
    """
    return float(t1 * np.log(2.0 / (1.0 + np.exp(-tr / t1))))
