"""Unpaired MRI contrast translation with CycleGAN in Keras 3, on TensorFlow, JAX or torch.

Data flows one way: files -> slices -> pipeline -> model. The model never knows files, readers
never know models.
"""

from keras_mri_cyclegan import callbacks, data, datasets, figures, layers, losses, metrics
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.networks import (
    patchgan_discriminator,
    resnet_generator,
    unet_generator,
)

__version__ = "0.1.0"

__all__ = [
    "CycleGAN",
    "callbacks",
    "data",
    "datasets",
    "figures",
    "layers",
    "losses",
    "metrics",
    "patchgan_discriminator",
    "resnet_generator",
    "unet_generator",
]
