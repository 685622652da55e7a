"""The default data set: heads computed from the MR signal equations, with known answers."""

from keras_mri_cyclegan.datasets.phantom.contrasts import CONTRASTS, default_sequence
from keras_mri_cyclegan.datasets.phantom.load_phantom import load_phantom
from keras_mri_cyclegan.datasets.phantom.signal import (
    Sequence,
    inversion_recovery_signal,
    spin_echo_signal,
)
from keras_mri_cyclegan.datasets.phantom.tissues import TISSUES, tissue_properties
from keras_mri_cyclegan.simulation import Tissue, nulling_time

__all__ = [
    "CONTRASTS",
    "TISSUES",
    "Sequence",
    "Tissue",
    "default_sequence",
    "inversion_recovery_signal",
    "load_phantom",
    "nulling_time",
    "spin_echo_signal",
    "tissue_properties",
]
