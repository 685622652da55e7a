"""Figures of images side by side, as PNG or GIF files, without a plotting library."""

from keras_mri_cyclegan.figures.error_maps import error_maps
from keras_mri_cyclegan.figures.files import checked_seconds, save_gif, save_png
from keras_mri_cyclegan.figures.image_grid import image_grid
from keras_mri_cyclegan.figures.layout import BACKGROUND

__all__ = ["BACKGROUND", "checked_seconds", "error_maps", "image_grid", "save_gif", "save_png"]
