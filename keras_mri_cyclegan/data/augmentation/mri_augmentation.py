"""Standard augmentation for MR images."""

from typing import Any

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.data.augmentation.random_bias_field import RandomBiasField
from keras_mri_cyclegan.data.augmentation.random_flip import RandomFlip
from keras_mri_cyclegan.data.augmentation.random_intensity import RandomIntensity
from keras_mri_cyclegan.data.augmentation.random_noise import RandomNoise
from keras_mri_cyclegan.data.augmentation.random_translation import RandomTranslation
from keras_mri_cyclegan.data.augmentation.random_warp import RandomWarp


def mri_augmentation(plane: str = "axial", intensity: bool = False) -> list[Any]:
    """Return the augmentations that preserve the meaning of an MR contrast.

    They are in the order of image formation: the patient (left-right flip, shift, rotation, size,
    shape), then, with `intensity`, the contrast, then the coil's bias field and the noise. A slice
    of 256 x 256 takes 4 to 6 ms on one core.

    Args:
        plane: Plane of the slices, `"axial"`, `"coronal"` or `"sagittal"`. For volumes of
            `Patches`, whose width is left-right as in axial slices, pass `"axial"`. There is no
            flip in the sagittal plane, whose width is front-back. Defaults to `"axial"`.
        intensity: Whether to change the contrast too, see `RandomIntensity`. Defaults to `False`.

    Returns:
        List of callables `(image, rng) -> image`, for the `augment` of an `UnpairedDataset`.

    Raises:
        ValueError: An argument is not one of its values.
        ImportError: When used: scipy is not installed.

    Example:
        >>> from keras_mri_cyclegan.data import mri_augmentation
        >>> [type(step).__name__ for step in mri_augmentation("sagittal")]
        ['RandomTranslation', 'RandomWarp', 'RandomBiasField', 'RandomNoise']
    """
    _checks.one_of("plane", plane, ("axial", "coronal", "sagittal"))
    _checks.one_of("intensity", intensity, (True, False))
    steps: list[Any] = [] if plane == "sagittal" else [RandomFlip("width")]
    steps += [RandomTranslation(0.05), RandomWarp()]
    steps += [RandomIntensity()] if intensity else []
    return [*steps, RandomBiasField(), RandomNoise()]
