"""DICOM: a series of single images, or one multi-frame file, in; a derived series out."""

from keras_mri_cyclegan.volumes.dicom.opening import is_dicom
from keras_mri_cyclegan.volumes.dicom.read import read
from keras_mri_cyclegan.volumes.dicom.write import write

__all__ = ["is_dicom", "read", "write"]
