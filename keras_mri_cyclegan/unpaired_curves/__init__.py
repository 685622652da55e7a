"""Intensity curves between two contrasts, fitted without pairs."""

from keras_mri_cyclegan.unpaired_curves.fit_curves import CurvePair, fit_curves
from keras_mri_cyclegan.unpaired_curves.search_effort import SearchEffort

__all__ = ["CurvePair", "SearchEffort", "fit_curves"]
