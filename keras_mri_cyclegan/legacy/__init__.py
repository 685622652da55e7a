"""Weights that Keras 2 left behind, with tensorflow-addons or without, into today's networks."""

from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.load_tfa import load_tfa

__all__ = ["LegacyError", "load_tfa"]
