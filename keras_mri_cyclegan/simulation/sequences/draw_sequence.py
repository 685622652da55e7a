"""Random timings of the contrasts that radiologists name."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.simulation.sequences.gradient_echo import MPRAGE, SpoiledGradientEcho
from keras_mri_cyclegan.simulation.sequences.inversion_recovery import (
    InversionRecovery,
    nulling_time,
)
from keras_mri_cyclegan.simulation.sequences.sequence import Sequence
from keras_mri_cyclegan.simulation.sequences.spin_echo import SpinEcho, TurboSpinEcho
from keras_mri_cyclegan.simulation.sequences.tissue_intensities import draw_intensities
from keras_mri_cyclegan.simulation.tissues import checked_field, tissue_properties

_SUPPRESSED = (0.05, 0.3)  # what is left of fat: suppression is rarely perfect
_FAT_IN_A_TRAIN = (1.1, 2.2)
# Weaker refocusing pulses leave stimulated echoes, which keep signal as T1 does: the echo time at
# which a spin echo would have the same contrast is shorter by this (Busse et al., Magn. Reson. Med.
# 55 (2006) 1030).
_STIMULATED = (0.65, 1.0)
_FLAIR_SUPPRESSED = 0.8  # of the protocols that are called FLAIR and no more


def _t1_se(rng: np.random.Generator, field: float) -> Sequence:
    # T1 grows with the field, and protocols follow it half-way.
    longer = (tissue_properties(field)["white_matter"].t1 / 646.0) ** 0.5
    tr, te = rng.uniform(350, 750) * longer, rng.uniform(8, 20)
    if rng.random() < 0.7:
        return SpinEcho(tr, te)
    return TurboSpinEcho(tr, te, rng.uniform(20, 50), rng.uniform(1.0, 1.6))


def _t1_gre(rng: np.random.Generator, field: float) -> Sequence:
    if rng.random() < 0.5:  # slice by slice
        return SpoiledGradientEcho(rng.uniform(120, 260), rng.uniform(2, 6), rng.uniform(60, 85))
    return SpoiledGradientEcho(rng.uniform(9, 30), rng.uniform(2, 7), rng.uniform(18, 35))


def _mprage(rng: np.random.Generator, field: float) -> Sequence:
    tr = rng.uniform(1700, 2600)
    ti = tr * rng.uniform(0.4, 0.48)
    spacing = rng.uniform(6, 10)
    echoes = int(ti * rng.uniform(0.8, 1.5) / spacing)
    return MPRAGE(tr, rng.uniform(2, 5), ti, rng.uniform(7, 12), spacing, echoes)


def _t2(rng: np.random.Generator, field: float) -> Sequence:
    tr, te = rng.uniform(2800, 7000), rng.uniform(70, 120)
    if rng.random() < 0.2:
        return SpinEcho(tr, te)
    te *= rng.uniform(*_STIMULATED)
    return TurboSpinEcho(tr, te, rng.uniform(80, 250), rng.uniform(*_FAT_IN_A_TRAIN))


def _pd(rng: np.random.Generator, field: float) -> Sequence:
    # So long that T1 does not turn the order of the proton densities of grey and white matter.
    longer = tissue_properties(field)["grey_matter"].t1 / 1197.0
    tr, te = rng.uniform(2800, 5000) * longer, rng.uniform(8, 35)
    if rng.random() < 0.4:
        return SpinEcho(tr, te)
    return TurboSpinEcho(tr, te, rng.uniform(40, 150), rng.uniform(1.0, 1.4))


def _flair(rng: np.random.Generator, field: float) -> Sequence:
    tr, train = rng.uniform(6500, 11500), rng.uniform(80, 300)
    csf = tissue_properties(field)["csf"].t1
    ti = nulling_time(tr - train, csf) * rng.uniform(0.975, 1.025)
    suppressed = rng.random() < _FLAIR_SUPPRESSED
    fat = rng.uniform(*(_SUPPRESSED if suppressed else _FAT_IN_A_TRAIN))
    te = rng.uniform(80, 140) * rng.uniform(*_STIMULATED)
    return InversionRecovery(tr, te, ti, train, fat)


def _t1(rng: np.random.Generator, field: float) -> Sequence:
    return (_t1_se, _t1_se, _t1_gre, _mprage)[rng.integers(4)](rng, field)


_DRAW: dict[str, Callable[[np.random.Generator, float], Sequence]] = {
    "t1": _t1,
    "t1_se": _t1_se,
    "t1_gre": _t1_gre,
    "mprage": _mprage,
    "t2": _t2,
    "pd": _pd,
    "flair": _flair,
}

CONTRASTS = (*_DRAW, *(f"{name}_fs" for name in _DRAW), "random")


def draw_sequence(contrast: str, rng: np.random.Generator, field_strength: float = 1.5) -> Sequence:
    """Draw a sequence with the timing of some clinical protocol.

    Args:
        contrast: `"t1_se"` (spin echo, some with a short train), `"t1_gre"` (spoiled gradient
            echo), `"mprage"`, `"t1"` (one of these three), `"t2"`, `"pd"` or `"flair"`. With
            `"_fs"` at the end, such as `"t2_fs"`, fat is suppressed to 5 % to 30 % of its signal.
            So it is in four fifths of `"flair"`: many protocols of that name suppress it too.
            `"random"` is `TissueIntensities` of no sequence in particular.
        rng: `numpy.random.Generator`.
        field_strength: In tesla, from 0.5 to 7. Defaults to 1.5.

    Returns:
        A sequence. FLAIR's inversion time is within 2.5 % of the one that suppresses fluid.

    Raises:
        ValueError: Another contrast or a field strength out of its range.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import draw_sequence
        >>> t1 = draw_sequence("t1_se", np.random.default_rng(0), field_strength=3.0)
        >>> type(t1).__name__, round(t1.tr), round(t1.te)
        ('SpinEcho', 689, 11)
    """
    name = _checks.one_of("contrast", contrast, CONTRASTS)
    if name == "random":
        return draw_intensities(rng)
    sequence = _DRAW[name.removesuffix("_fs")](rng, checked_field(field_strength))
    if name.endswith("_fs"):
        return replace(sequence, fat=rng.uniform(*_SUPPRESSED))  # type: ignore[type-var]
    return sequence
