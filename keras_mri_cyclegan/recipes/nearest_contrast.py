"""Which named contrast scans of the head look like."""

from typing import Any

import numpy as np

from keras_mri_cyclegan.networks import tissue_segmenter
from keras_mri_cyclegan.recipes.measure_contrast import checked_heads

NAMES = ("t1", "t2", "pd", "flair")
IMAGES = 16
HEAD = -0.9  # intensity above which a pixel is not air


def nearest_contrast(images: Any, weights: Any = "heads") -> dict[str, float]:
    """Compare scans of the head to the named contrasts.

    The tissue network is told each name in turn. Under the right name it is surest of what it
    sees: so the name is found without knowing which tissue is how bright.

    Args:
        images: Images `(images, height, width, 1)` in [-1, 1], air -1; each size a multiple of 16.
            Sixteen of them are looked at.
        weights: As of `tissue_segmenter`. Defaults to `"heads"`.

    Returns:
        A dictionary from `"t1"`, `"t2"`, `"pd"` and `"flair"` to how sure the network is: the share
        of the likeliest tissue, mean over the head, the surest name first. A hundredth apart is a
        clear difference.

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
    found = {}
    for name in NAMES:
        shares = tissue_segmenter(name, weights=weights).predict(some, batch_size=8, verbose=0)
        found[name] = float(shares[head].max(axis=-1).mean())
    return dict(sorted(found.items(), key=lambda item: -item[1]))
