"""Losses of the objective (adversarial, structure, paired) and schedules of their weights."""

from keras_mri_cyclegan.losses.adversarial import (
    AdversarialLoss,
    BinaryCrossentropy,
    Hinge,
    LeastSquares,
)
from keras_mri_cyclegan.losses.gradient_difference import GradientDifference
from keras_mri_cyclegan.losses.schedules import (
    ConstantWeight,
    LinearDecay,
    Piecewise,
    WarmUp,
    WeightSchedule,
)
from keras_mri_cyclegan.losses.structure import (
    BackgroundConsistency,
    GradientMagnitudeCorrelation,
    MindSSC,
    MutualInformation,
    NormalizedGradientField,
    StructureLoss,
)

__all__ = [
    "AdversarialLoss",
    "BackgroundConsistency",
    "BinaryCrossentropy",
    "ConstantWeight",
    "GradientDifference",
    "GradientMagnitudeCorrelation",
    "Hinge",
    "LeastSquares",
    "LinearDecay",
    "MindSSC",
    "MutualInformation",
    "NormalizedGradientField",
    "Piecewise",
    "StructureLoss",
    "WarmUp",
    "WeightSchedule",
]
