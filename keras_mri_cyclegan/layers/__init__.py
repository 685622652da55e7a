"""Layers of the networks that Keras does not provide."""

from keras_mri_cyclegan.layers.adaptive_augmentation import AdaptiveAugmentation
from keras_mri_cyclegan.layers.constant_vector import ConstantVector
from keras_mri_cyclegan.layers.differentiable_augmentation import DifferentiableAugmentation
from keras_mri_cyclegan.layers.feature_modulation import FeatureModulation
from keras_mri_cyclegan.layers.foreground import Foreground
from keras_mri_cyclegan.layers.instance_normalization import InstanceNormalization
from keras_mri_cyclegan.layers.intensity_curve import IntensityCurve
from keras_mri_cyclegan.layers.reflection_padding import ReflectionPadding
from keras_mri_cyclegan.layers.scheduled_augmentation import ScheduledAugmentation
from keras_mri_cyclegan.layers.spectral_normalization import SpectralNormalization

__all__ = [
    "AdaptiveAugmentation",
    "ConstantVector",
    "DifferentiableAugmentation",
    "FeatureModulation",
    "Foreground",
    "InstanceNormalization",
    "IntensityCurve",
    "ReflectionPadding",
    "ScheduledAugmentation",
    "SpectralNormalization",
]
