"""The CycleGAN model with its objective, optimizer, image pool and training steps."""

from keras_mri_cyclegan.cyclegan.cyclegan import CycleGAN

__all__ = ["CycleGAN"]
