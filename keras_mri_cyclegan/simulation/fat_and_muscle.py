"""Deep soft tissue without labels of its own: muscle with sheets of fat."""

import numpy as np

from keras_mri_cyclegan.simulation.smooth_field import smooth_field
from keras_mri_cyclegan.simulation.tissues import TISSUES


def draw_fat_and_muscle(maps: np.ndarray, rng: np.random.Generator) -> None:
    """Turn all soft tissue into muscle and fat, **in place**.

    Fat is where a smooth random field is nearly zero: thin sheets, as between muscles.

    Args:
        maps: float32 array `(tissues, [depth,] height, width)` in the order of `TISSUES`.
        rng: `numpy.random.Generator`.
    """
    soft = maps[TISSUES.index("soft_tissue")]
    field = smooth_field(soft.shape, int(rng.integers(8, 22)), rng)
    width, edge = rng.uniform(0.1, 0.4), np.float32(0.25)
    fat = soft * np.clip((np.float32(width) - np.abs(field)) / edge + np.float32(0.5), 0, 1)
    maps[TISSUES.index("fat")] += fat
    maps[TISSUES.index("muscle")] += soft - fat
    soft[...] = 0
