"""Intensity scale of a whole head: the brightest tissue, independent of the slice."""

from collections.abc import Sequence

import numpy as np

from keras_mri_cyclegan.simulation.head_maps import HeadMaps
from keras_mri_cyclegan.simulation.skull_strip import brain_mask
from keras_mri_cyclegan.simulation.tissues import OUTSIDE, TISSUES

_SLICES, _PIXELS = 8, 4096
_OUTSIDE = [TISSUES.index(name) for name in OUTSIDE]
_FAT = 0.4  # of soft tissue that is not divided yet


class Brightness:
    """A percentile of a head's signals, from a sample of the pixels of some of its slices.

    A scan is scaled as a whole, so a slice without the brightest tissue stays darker than 1. The
    sample is drawn when a head is asked for the first time, the same each time.

    Args:
        maps: `HeadMaps`.
        percentile: Which signal is bright.
    """

    def __init__(self, maps: HeadMaps, percentile: float):
        self.maps, self.percentile = maps, percentile
        self._samples: dict[tuple[int, bool], np.ndarray] = {}
        self._shades = np.random.default_rng(0).standard_normal(_PIXELS)

    def __call__(
        self, head: int, stripped: bool, signals: np.ndarray, shading: Sequence[float]
    ) -> list[float]:
        """The percentile in each image.

        Args:
            head: Number of the head, as in `maps.heads`.
            stripped: Whether only the brain counts.
            signals: Signed signals of pure tissues, `(images, tissues)` in the order of `TISSUES`.
            shading: Of each image, the standard deviation of the logarithm of the coil's shading
                outside of the skull.

        Returns:
            A number above 0 for each image.
        """
        if (head, stripped) not in self._samples:
            self._samples[head, False], self._samples[head, True] = self._sample(head)
        values = np.abs(signals @ self._samples[head, stripped])
        shades = self._shades * self._samples[head, stripped][_OUTSIDE].sum(axis=0)
        values *= np.exp(np.multiply.outer(np.asarray(shading), shades))
        k = round((values.shape[1] - 1) * self.percentile / 100)
        return [max(float(np.partition(row, k)[k]), 1e-12) for row in values]

    def _sample(self, head: int) -> tuple[np.ndarray, np.ndarray]:
        """Tissue shares, float32 `(tissues, pixels)`, of pixels of the head and of the brain."""
        rng = np.random.default_rng(head)
        slices = np.flatnonzero(self.maps.heads == head)
        chosen = rng.permutation(slices)[:_SLICES]
        whole, brain = [], []
        for maps in self.maps.maps[chosen]:
            full = np.zeros((len(TISSUES), *maps.shape[:-1]), "float32")
            for place, name in enumerate(self.maps.tissues):
                full[TISSUES.index(name)] = maps[..., place] / np.float32(255)
            soft = full[TISSUES.index("soft_tissue")]
            full[TISSUES.index("fat")] += np.float32(_FAT) * soft
            full[TISSUES.index("muscle")] += np.float32(1 - _FAT) * soft
            whole.append(full[:, full.sum(axis=0) > 0.5])
            brain.append(full[:, brain_mask(full, self.maps.pixel)])
        if not sum(part.shape[1] for part in brain):
            brain = whole
        both = np.concatenate(whole, axis=1), np.concatenate(brain, axis=1)
        first, second = (part[:, rng.integers(part.shape[1], size=_PIXELS)] for part in both)
        return first, second
