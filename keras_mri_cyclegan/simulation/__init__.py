"""Simulated scans of real anatomy: label maps to tissue maps to images of any contrast."""

from keras_mri_cyclegan.simulation.blur import blur
from keras_mri_cyclegan.simulation.contrast_images import (
    contrast_images,
    draw_tissues,
)
from keras_mri_cyclegan.simulation.deformation import Deformation
from keras_mri_cyclegan.simulation.gains import draw_gains
from keras_mri_cyclegan.simulation.ghosts import motion_ghosts
from keras_mri_cyclegan.simulation.head_maps import HeadMaps, draw_head_maps
from keras_mri_cyclegan.simulation.label_head import LabelHead
from keras_mri_cyclegan.simulation.labels import LABEL_TABLES, label_table
from keras_mri_cyclegan.simulation.pathology import (
    Pathology,
    add_lesions,
    add_mass,
    add_periventricular_rim,
)
from keras_mri_cyclegan.simulation.scanner import Scanner, bias_field
from keras_mri_cyclegan.simulation.sequences import (
    CONTRASTS,
    MPRAGE,
    InversionRecovery,
    MeasuredTissues,
    Sequence,
    SpinEcho,
    SpoiledGradientEcho,
    TissueIntensities,
    TurboSpinEcho,
    draw_sequence,
    nulling_time,
)
from keras_mri_cyclegan.simulation.simulated_heads import SimulatedHead, SimulatedHeads
from keras_mri_cyclegan.simulation.skull_strip import brain_mask
from keras_mri_cyclegan.simulation.tissue_maps import PLANES, tissue_maps
from keras_mri_cyclegan.simulation.tissues import (
    BRAIN,
    TISSUES,
    Tissue,
    effective_t2,
    tissue_properties,
)

__all__ = [
    "BRAIN",
    "CONTRASTS",
    "LABEL_TABLES",
    "MPRAGE",
    "PLANES",
    "TISSUES",
    "Deformation",
    "HeadMaps",
    "InversionRecovery",
    "LabelHead",
    "MeasuredTissues",
    "Pathology",
    "Scanner",
    "Sequence",
    "SimulatedHead",
    "SimulatedHeads",
    "SpinEcho",
    "SpoiledGradientEcho",
    "Tissue",
    "TissueIntensities",
    "TurboSpinEcho",
    "add_lesions",
    "add_mass",
    "add_periventricular_rim",
    "bias_field",
    "blur",
    "brain_mask",
    "contrast_images",
    "draw_gains",
    "draw_head_maps",
    "draw_sequence",
    "draw_tissues",
    "effective_t2",
    "label_table",
    "motion_ghosts",
    "nulling_time",
    "tissue_maps",
    "tissue_properties",
]
