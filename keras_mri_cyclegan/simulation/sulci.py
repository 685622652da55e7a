"""Widening and narrowing of sulci."""

import numpy as np

from keras_mri_cyclegan.simulation.tissues import TISSUES

_FLUID, _GREY = TISSUES.index("csf"), TISSUES.index("grey_matter")


def narrow_sulci(maps: np.ndarray, amount: float) -> None:
    """Turn fluid that shares a pixel with grey matter into grey matter, **in place**.

    How much fluid is between the gyri differs from person to person, and a label map at 1 mm has it
    wider than a scan shows it.

    Args:
        maps: float32 array `(tissues, [depth,] height, width)` in the order of `TISSUES`.
        amount: From 0, nothing changes, to 1. Below 0 grey matter turns into fluid: wide sulci, as
            in old age.
    """
    fluid, grey = maps[_FLUID], maps[_GREY]
    both = np.float32(2 * amount) * fluid * grey / np.maximum(fluid + grey, np.float32(1e-6))
    moved = np.clip(both, -grey, fluid)
    maps[_FLUID] -= moved
    maps[_GREY] += moved
