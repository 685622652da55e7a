"""Callbacks for the training of a CycleGAN."""

from keras_mri_cyclegan.callbacks.translation_monitor import TranslationMonitor

__all__ = ["TranslationMonitor"]
