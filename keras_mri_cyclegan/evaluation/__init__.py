"""How good translations are, as a table: beside no translation and the best intensity curve."""

from keras_mri_cyclegan.evaluation.evaluate import evaluate
from keras_mri_cyclegan.evaluation.evaluation import Evaluation, Score
from keras_mri_cyclegan.evaluation.intensity_curve import IntensityCurve

__all__ = ["Evaluation", "IntensityCurve", "Score", "evaluate"]
