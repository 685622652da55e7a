"""Builders of generators and discriminators: functions that return a functional `keras.Model`."""

from keras_mri_cyclegan.networks.curve_generator import curve_generator
from keras_mri_cyclegan.networks.patchgan_discriminator import patchgan_discriminator
from keras_mri_cyclegan.networks.resnet_generator import resnet_generator
from keras_mri_cyclegan.networks.unet_generator import unet_generator

__all__ = ["curve_generator", "patchgan_discriminator", "resnet_generator", "unet_generator"]
