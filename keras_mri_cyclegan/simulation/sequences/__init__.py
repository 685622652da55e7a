"""MR sequences: from T1, T2 and proton density to a signal."""

from keras_mri_cyclegan.simulation.sequences.draw_sequence import CONTRASTS, draw_sequence
from keras_mri_cyclegan.simulation.sequences.gradient_echo import MPRAGE, SpoiledGradientEcho
from keras_mri_cyclegan.simulation.sequences.inversion_recovery import (
    InversionRecovery,
    nulling_time,
)
from keras_mri_cyclegan.simulation.sequences.sequence import Sequence
from keras_mri_cyclegan.simulation.sequences.spin_echo import SpinEcho, TurboSpinEcho
from keras_mri_cyclegan.simulation.sequences.tissue_intensities import (
    MeasuredTissues,
    TissueIntensities,
)

__all__ = [
    "CONTRASTS",
    "MPRAGE",
    "InversionRecovery",
    "MeasuredTissues",
    "Sequence",
    "SpinEcho",
    "SpoiledGradientEcho",
    "TissueIntensities",
    "TurboSpinEcho",
    "draw_sequence",
    "nulling_time",
]
