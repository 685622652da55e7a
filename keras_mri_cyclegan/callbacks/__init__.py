"""Callbacks for the training of a CycleGAN."""

from keras_mri_cyclegan.callbacks.best_translation import BestTranslation
from keras_mri_cyclegan.callbacks.checkpoint import Checkpoint
from keras_mri_cyclegan.callbacks.generations import CheckpointError, CheckpointWarning
from keras_mri_cyclegan.callbacks.non_finite_guard import NonFiniteGuard, NonFiniteWarning
from keras_mri_cyclegan.callbacks.translation_monitor import TranslationMonitor

__all__ = [
    "BestTranslation",
    "Checkpoint",
    "CheckpointError",
    "CheckpointWarning",
    "NonFiniteGuard",
    "NonFiniteWarning",
    "TranslationMonitor",
]
