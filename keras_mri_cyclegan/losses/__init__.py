"""The terms of the objective, each a function or class over `keras.ops`."""

from keras_mri_cyclegan.losses.adversarial import (
    AdversarialLoss,
    BinaryCrossentropy,
    Hinge,
    LeastSquares,
)

__all__ = ["AdversarialLoss", "BinaryCrossentropy", "Hinge", "LeastSquares"]
