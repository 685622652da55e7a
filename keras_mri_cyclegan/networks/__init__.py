"""Generators and discriminators: functions that build a functional `keras.Model`."""

from keras_mri_cyclegan.networks.conditional_unet_generator import conditional_unet_generator
from keras_mri_cyclegan.networks.contrast_code import HEAD_CONTRASTS, contrast_code
from keras_mri_cyclegan.networks.contrast_generator import contrast_generator, tissue_segmenter
from keras_mri_cyclegan.networks.curve_generator import curve_generator
from keras_mri_cyclegan.networks.patchgan_discriminator import patchgan_discriminator
from keras_mri_cyclegan.networks.resnet_generator import resnet_generator
from keras_mri_cyclegan.networks.taught_weights import save_weights_float16
from keras_mri_cyclegan.networks.unet_generator import unet_generator

__all__ = [
    "HEAD_CONTRASTS",
    "conditional_unet_generator",
    "contrast_code",
    "contrast_generator",
    "curve_generator",
    "patchgan_discriminator",
    "resnet_generator",
    "save_weights_float16",
    "tissue_segmenter",
    "unet_generator",
]
