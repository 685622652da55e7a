"""Images to train on: a folder of slices, and a phantom that is made on the spot."""

from keras_mri_cyclegan.datasets.image_folder import load_image_folder
from keras_mri_cyclegan.datasets.phantom import load_phantom

__all__ = ["load_image_folder", "load_phantom"]
