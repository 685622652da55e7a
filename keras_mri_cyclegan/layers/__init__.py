"""Layers that the networks need and that Keras does not have."""

from keras_mri_cyclegan.layers.instance_normalization import InstanceNormalization
from keras_mri_cyclegan.layers.reflection_padding import ReflectionPadding

__all__ = ["InstanceNormalization", "ReflectionPadding"]
