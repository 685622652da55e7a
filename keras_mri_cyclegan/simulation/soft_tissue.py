"""Division of unlabelled soft tissue into fat and muscle."""

from collections.abc import Sequence

import numpy as np

from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.simulation.tissues import TISSUES

_ORBIT = 14.0  # mm from the eyeball: the fat that it is bedded in


def divide_soft_tissue(
    tissues: np.ndarray, spacing: Sequence[float], fat_depth: float = 5.0
) -> np.ndarray:
    """Turn soft tissue below the skin and around the eyes into fat.

    What lies deeper stays soft tissue: mostly muscle, with fat between, which is drawn anew for
    each image. Needs scipy (the extra `preprocessing`).

    Args:
        tissues: uint8 array `(i, j, k)`, as `to_tissues` returns it.
        spacing: Distances between voxels along each axis, in mm.
        fat_depth: Thickness of the fat below the skin (or the air, where no skin is labelled), in
            mm. Defaults to 5.

    Returns:
        A new array of the same shape.
    """
    ndimage = require("scipy.ndimage", "preprocessing")
    number = {name: 1 + index for index, name in enumerate(TISSUES)}
    soft = tissues == number["soft_tissue"]
    if not soft.any():
        return tissues.copy()
    outside = tissues == number["skin"]
    if not outside.any():
        outside = _open_air(tissues, ndimage)
    fat = _within(fat_depth, outside, spacing, ndimage)
    fat |= _within(_ORBIT, tissues == number["vitreous"], spacing, ndimage)
    result = tissues.copy()
    result[soft & fat] = number["fat"]
    return result


def _within(distance: float, mask: np.ndarray, spacing: Sequence[float], ndimage) -> np.ndarray:
    """Where a mask is at most so many mm away."""
    near = np.zeros_like(mask)
    if not mask.any():
        return near
    box = []  # nothing further away has to be looked at
    for axis, step in enumerate(spacing):
        there = np.flatnonzero(mask.any(axis=tuple(k for k in range(3) if k != axis)))
        margin = int(np.ceil(distance / step)) + 1
        box.append(slice(max(there[0] - margin, 0), there[-1] + margin + 1))
    part = tuple(box)
    near[part] = ndimage.distance_transform_edt(~mask[part], sampling=spacing) <= distance
    return near


def _open_air(tissues: np.ndarray, ndimage) -> np.ndarray:
    """Air that reaches the border of the volume, and is not in the sinuses or the mouth."""
    parts, _ = ndimage.label(tissues == 0)
    at_border: set[int] = set()
    for axis in range(3):
        for end in (0, -1):
            at_border |= set(np.unique(np.take(parts, end, axis)))
    return np.isin(parts, list(at_border - {0}))
