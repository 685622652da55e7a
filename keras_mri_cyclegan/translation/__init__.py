"""Scans translated: `translate_volume`, from a file to a file."""

from keras_mri_cyclegan.translation.translate_volume import translate_volume

__all__ = ["translate_volume"]
