"""Evaluation of translations on pairs, as a table with baselines and bootstrap intervals."""

from keras_mri_cyclegan.evaluation.evaluate import evaluate
from keras_mri_cyclegan.evaluation.evaluation import Evaluation, Score
from keras_mri_cyclegan.evaluation.intensity_curve import IntensityCurve

__all__ = ["Evaluation", "IntensityCurve", "Score", "evaluate"]
