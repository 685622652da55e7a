"""Structure losses: preservation of the anatomy in unpaired translation."""

from keras_mri_cyclegan.losses.structure.background_consistency import BackgroundConsistency
from keras_mri_cyclegan.losses.structure.gradient_magnitude_correlation import (
    GradientMagnitudeCorrelation,
)
from keras_mri_cyclegan.losses.structure.mind_ssc import MindSSC
from keras_mri_cyclegan.losses.structure.mutual_information import MutualInformation
from keras_mri_cyclegan.losses.structure.normalized_gradient_field import NormalizedGradientField
from keras_mri_cyclegan.losses.structure.structure_loss import StructureLoss

__all__ = [
    "BackgroundConsistency",
    "GradientMagnitudeCorrelation",
    "MindSSC",
    "MutualInformation",
    "NormalizedGradientField",
    "StructureLoss",
]
