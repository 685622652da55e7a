"""Skull stripping of tissue maps: the brain with its fluid."""

import numpy as np

from keras_mri_cyclegan.simulation.blur import blur
from keras_mri_cyclegan.simulation.tissues import BRAIN, TISSUES

_WITHIN = (*BRAIN, "ventricle", "choroid_plexus")
_PLACES = [TISSUES.index(name) for name in _WITHIN]


def brain_mask(maps: np.ndarray, pixel: float) -> np.ndarray:
    """Where skull stripping leaves something.

    Args:
        maps: float32 array `(tissues, [depth,] height, width)` in the order of `TISSUES`.
        pixel: Side of a pixel in mm.

    Returns:
        Boolean array `([depth,] height, width)`: brain, ventricles, and fluid within about 4 mm of
        the brain, where they fill at least half of a pixel.
    """
    brain = maps[_PLACES].sum(axis=0)
    close = blur(brain, 4.0 / pixel, brain.ndim) > 0.2
    return brain + maps[TISSUES.index("csf")] * close > 0.5
