"""Simulated scans: from label maps to tissue maps, from tissue maps to any contrast."""

from keras_mri_cyclegan.simulation.sequences import (
    CONTRASTS,
    MPRAGE,
    InversionRecovery,
    Sequence,
    SpinEcho,
    SpoiledGradientEcho,
    TurboSpinEcho,
    draw_sequence,
    nulling_time,
)
from keras_mri_cyclegan.simulation.tissues import (
    TISSUES,
    Tissue,
    effective_t2,
    tissue_properties,
)
