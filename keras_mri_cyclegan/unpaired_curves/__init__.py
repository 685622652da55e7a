"""Intensity curves between two contrasts, fitted without pairs."""

from keras_mri_cyclegan.unpaired_curves.fit_curves import CurvePair, fit_curves

__all__ = ["CurvePair", "fit_curves"]
