"""Training data: images of scans, unpaired batches, augmentation."""

from keras_mri_cyclegan.data.augmentation import (
    RandomAffine,
    RandomBiasField,
    RandomElastic,
    RandomFlip,
    RandomIntensity,
    RandomNoise,
    RandomTranslation,
    RandomWarp,
    mri_augmentation,
)
from keras_mri_cyclegan.data.from_volumes import from_volumes
from keras_mri_cyclegan.data.patients import split_by_patient
from keras_mri_cyclegan.data.simulated_pairs import SimulatedPairs
from keras_mri_cyclegan.data.unpaired_dataset import UnpairedDataset
from keras_mri_cyclegan.data.volume_images import VolumeImages

__all__ = [
    "RandomAffine",
    "RandomBiasField",
    "RandomElastic",
    "RandomFlip",
    "RandomIntensity",
    "RandomNoise",
    "RandomTranslation",
    "RandomWarp",
    "SimulatedPairs",
    "UnpairedDataset",
    "VolumeImages",
    "from_volumes",
    "mri_augmentation",
    "split_by_patient",
]
