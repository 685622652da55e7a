"""Augmentation: random changes of images that preserve anatomy and contrast."""

from keras_mri_cyclegan.data.augmentation.mri_augmentation import mri_augmentation
from keras_mri_cyclegan.data.augmentation.random_affine import RandomAffine
from keras_mri_cyclegan.data.augmentation.random_bias_field import RandomBiasField
from keras_mri_cyclegan.data.augmentation.random_elastic import RandomElastic
from keras_mri_cyclegan.data.augmentation.random_flip import RandomFlip
from keras_mri_cyclegan.data.augmentation.random_intensity import RandomIntensity
from keras_mri_cyclegan.data.augmentation.random_noise import RandomNoise
from keras_mri_cyclegan.data.augmentation.random_translation import RandomTranslation
from keras_mri_cyclegan.data.augmentation.random_warp import RandomWarp

__all__ = [
    "RandomAffine",
    "RandomBiasField",
    "RandomElastic",
    "RandomFlip",
    "RandomIntensity",
    "RandomNoise",
    "RandomTranslation",
    "RandomWarp",
    "mri_augmentation",
]
