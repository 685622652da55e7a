"""Images to train on: folders of slices, the phantom, IXI, and label maps of heads."""

from keras_mri_cyclegan.datasets.image_folder import load_image_folder
from keras_mri_cyclegan.datasets.ixi import load_ixi
from keras_mri_cyclegan.datasets.label_heads import load_label_heads
from keras_mri_cyclegan.datasets.phantom import load_phantom

__all__ = ["load_image_folder", "load_ixi", "load_label_heads", "load_phantom"]
