"""Recipes: one call from two sets of images to a compiled model, its batches and its epochs."""

from keras_mri_cyclegan.recipes.constant_then_linear import ConstantThenLinear
from keras_mri_cyclegan.recipes.heads import heads
from keras_mri_cyclegan.recipes.large import large
from keras_mri_cyclegan.recipes.match_tissues import match_tissues
from keras_mri_cyclegan.recipes.measure_contrast import measure_contrast, seen_tissues
from keras_mri_cyclegan.recipes.nearest_contrast import nearest_contrast
from keras_mri_cyclegan.recipes.paper import paper
from keras_mri_cyclegan.recipes.recipe import Recipe
from keras_mri_cyclegan.recipes.small_data import small_data
from keras_mri_cyclegan.recipes.tutorial import tutorial

__all__ = [
    "ConstantThenLinear",
    "Recipe",
    "heads",
    "large",
    "match_tissues",
    "measure_contrast",
    "nearest_contrast",
    "paper",
    "seen_tissues",
    "small_data",
    "tutorial",
]
