"""A generator between two named contrasts of the head, taught without a single scan."""

import os
from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers import ConstantVector
from keras_mri_cyclegan.networks import taught_weights
from keras_mri_cyclegan.networks.conditional_unet_generator import (
    check_arguments,
    translation,
    unet_features,
)
from keras_mri_cyclegan.networks.contrast_code import contrast_code


def contrast_generator(
    source: str | None,
    target: str,
    input_shape: tuple = (None, None, 1),
    weights: str | os.PathLike | None = "heads",
    depth: int = 4,
    filters: int = 16,
    blocks: int = 2,
    name: str = "contrast_generator",
) -> keras.Model:
    """Build the generator that translates one named contrast of the head into another.

    With `weights="heads"` it translates at once: its weights were taught on heads simulated from
    label maps (:class:`keras_mri_cyclegan.simulation.SimulatedHeads`). It knows which tissue is
    where, and how bright a tissue is in a contrast on average; it does not know your scanner, for
    which it is a start to train on. The network is
    :func:`keras_mri_cyclegan.conditional_unet_generator` with its conditions fixed.

    Args:
        source: `"t1"`, or more exactly `"t1_se"` (spin echo), `"t1_gre"` (gradient echo) or
            `"mprage"`; `"t2"`, `"pd"` or `"flair"`. With `"_fs"` at the end fat is suppressed.
            `None` where it is not known.
        target: The same, but not `None`.
        input_shape: Shape of one image, `(height, width, 1)`, where each size must be a multiple of
            `2 ** depth`, or `None` for any such size. Defaults to `(None, None, 1)`.
        weights: `"heads"`; the path of a file of `save_weights_float16`; or `None` for a network
            that was not taught. Defaults to `"heads"`.
        depth: Integer of at least 1, how many times the image is halved. Defaults to 4.
        filters: Integer, filters at full size. Defaults to 16.
        blocks: Integer of at least 0, residual blocks at the smallest size. Defaults to 2.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, 1)` in [-1, 1], air -1, the 99.5th
        percentile of the head 1, to the same shape and range, float32.

    Raises:
        ValueError: An unknown contrast, an argument out of its range, a size that does not divide,
            or weights of another network.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> t1_to_t2 = kmc.contrast_generator("t1", "t2")
        >>> t1, _ = kmc.datasets.load_phantom(slices=2, size=64)
        >>> t1_to_t2.predict(t1, verbose=0).shape
        (2, 64, 64, 1)
    """
    shape = _checks.input_shape(input_shape)
    check_arguments(shape, depth, filters, blocks)
    conditions = contrast_code(source, target)
    image = keras.Input(shape, name="image")
    told: Any = ConstantVector(conditions, name="conditions")(image)
    features = unet_features(image, told, depth, filters, blocks)
    model = keras.Model(image, translation(features, shape[-1]), name=name)
    if weights is not None:
        taught_weights.load_into(model, weights)
    return model
