"""Weights of Keras 2, with or without tensorflow-addons, loaded into networks of today."""

from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.load_tfa import load_tfa

__all__ = ["LegacyError", "load_tfa"]
