"""Translation of whole scans, from file to file: `translate_volume`, `translate_volumes`."""

from keras_mri_cyclegan.translation.translate_volume import translate_volume
from keras_mri_cyclegan.translation.translate_volumes import TranslatedFile, translate_volumes

__all__ = ["TranslatedFile", "translate_volume", "translate_volumes"]
