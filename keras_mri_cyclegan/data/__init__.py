"""What feeds a model: unpaired batches and augmentation."""

from keras_mri_cyclegan.data.augmentation import RandomFlip, RandomTranslation
from keras_mri_cyclegan.data.unpaired_dataset import UnpairedDataset

__all__ = ["RandomFlip", "RandomTranslation", "UnpairedDataset"]
