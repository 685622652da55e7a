"""Heads from label maps: those that SynthSeg publishes, or one's own."""

from keras_mri_cyclegan.datasets.label_heads.label_heads import LabelHeads
from keras_mri_cyclegan.datasets.label_heads.load_label_heads import LICENCE, load_label_heads

__all__ = ["LICENCE", "LabelHeads", "load_label_heads"]
