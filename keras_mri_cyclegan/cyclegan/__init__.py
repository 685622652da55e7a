"""The CycleGAN model and what only it needs: its objective, optimizer, image pool and steps."""

from keras_mri_cyclegan.cyclegan.cyclegan import CycleGAN

__all__ = ["CycleGAN"]
