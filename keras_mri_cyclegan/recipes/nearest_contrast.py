"""The named contrast that unnamed scans of the head are nearest to."""

from typing import Any

import numpy as np

from keras_mri_cyclegan.networks import tissue_segmenter
from keras_mri_cyclegan.recipes.measure_contrast import checked_heads

NAMES = ("t1", "t2", "pd", "flair")
IMAGES = 16
HEAD = -0.9  # intensity above which a pixel is not air


def nearest_contrast(images: Any, weights: Any = "heads") -> dict[str, float]:
    """Rank the named contrasts by how well they explain scans of the head.

    The tissue network segments the scans once for each name. With the right name its class
    probabilities are highest, so no tissue intensity has to be known.

    Args:
        images: Images `(images, height, width, 1)` in [-1, 1], air -1; each size a multiple of 16.
            Sixteen of them are segmented.
        weights: As of `tissue_segmenter`. Defaults to `"heads"`.

    Returns:
        A dictionary from `"t1"`, `"t2"`, `"pd"` and `"flair"` to the probability of the likeliest
        tissue, mean over the head, highest first. A difference of 0.01 is clear.

    Raises:
        ValueError: Images that are not as above, or without a head.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> _, t2 = kmc.datasets.load_phantom(slices=4, size=96)
        >>> next(iter(kmc.recipes.nearest_contrast(t2)))
        't2'
    """
    images = checked_heads("images", images)
    some = images[np.unique(np.linspace(0, len(images) - 1, IMAGES).round().astype(int))]
    head = some[..., 0] > HEAD
    if not head.any():
        raise ValueError("`images` must show heads. Received: images of air only, at most -0.9.")
    confidence = {}
    for name in NAMES:
        shares = tissue_segmenter(name, weights=weights).predict(some, batch_size=8, verbose=0)
        confidence[name] = float(shares[head].max(axis=-1).mean())
    return dict(sorted(confidence.items(), key=lambda item: -item[1]))
