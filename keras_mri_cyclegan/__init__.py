"""Unpaired MRI contrast translation with CycleGAN in Keras 3, on TensorFlow, JAX or torch.

Data flows one way: files -> slices -> pipeline -> model. The model does not depend on
files, and the readers do not depend on models.
"""

from keras_mri_cyclegan import (
    callbacks,
    data,
    datasets,
    evaluation,
    figures,
    layers,
    legacy,
    losses,
    metrics,
    networks,
    preprocessing,
    recipes,
    simulation,
    unpaired_curves,
    volumes,
)
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.evaluation import evaluate
from keras_mri_cyclegan.networks import (
    conditional_unet_generator,
    contrast_generator,
    curve_generator,
    patchgan_discriminator,
    resnet_generator,
    tissue_segmenter,
    unet_generator,
)
from keras_mri_cyclegan.translation import translate_volume, translate_volumes

__version__ = "0.1.0"

__all__ = [
    "CycleGAN",
    "callbacks",
    "conditional_unet_generator",
    "contrast_generator",
    "curve_generator",
    "data",
    "datasets",
    "evaluate",
    "evaluation",
    "figures",
    "layers",
    "legacy",
    "losses",
    "metrics",
    "networks",
    "patchgan_discriminator",
    "preprocessing",
    "recipes",
    "resnet_generator",
    "simulation",
    "tissue_segmenter",
    "translate_volume",
    "translate_volumes",
    "unet_generator",
    "unpaired_curves",
    "volumes",
]
