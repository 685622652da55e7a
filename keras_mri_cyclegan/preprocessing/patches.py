"""Blocks of a volume, for networks that take volumes."""

import itertools
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing import orientation
from keras_mri_cyclegan.preprocessing.cutter import Cutter, checked_size, one_channel
from keras_mri_cyclegan.preprocessing.fit_size import to_size
from keras_mri_cyclegan.preprocessing.slices import PLANES
from keras_mri_cyclegan.volumes import Volume


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Patches(Cutter):
    """Cuts a volume into blocks, for networks that take volumes.

    Blocks are axial slices as `Slices` shows them, one above the other: `(depth, height, width)`
    is feet to head, front to back, right to left. `cut` gives the whole volume as one image: a
    translation slides a window over it. `training_images` gives a regular grid of blocks.

    Args:
        size: `(depth, height, width)` of a block. A volume that is smaller is padded with -1,
            around its middle.
        overlap: How much of a block its neighbour repeats, as a fraction in `[0, 1)`, along every
            axis. At 0.5 there are about eight times as many blocks. The last block along an axis
            ends with the volume and may repeat more. Defaults to 0.0.
        minimum_foreground: Share of a block, in `[0, 1)`, that has to be foreground for it to be
            trained on. 0 keeps every block. Defaults to 0.02.
        threshold: What counts as foreground: the volume's mask if it has one, otherwise voxels
            that are more than `threshold` above its background (the first percentile of its
            voxels), in units of [-1, 1]. Defaults to 0.1: 5 % of the range.

    Raises:
        ValueError: An argument out of its range.
        VolumeError: A volume without a block to train on.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Patches
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.random.default_rng(0).uniform(-1, 1, (20, 30, 10)), np.eye(4))
        >>> patches = Patches(size=(8, 16, 16))
        >>> patches.cut(scan).shape
        (1, 10, 30, 20, 1)
        >>> patches.training_images(scan).shape  # 2 x 2 x 2 blocks
        (8, 8, 16, 16, 1)
    """

    def __init__(
        self,
        size: tuple[int, int, int],
        overlap: float = 0.0,
        minimum_foreground: float = 0.02,
        threshold: float = 0.1,
    ):
        super().__init__(minimum_foreground, threshold)
        self.size = checked_size(size, "(depth, height, width)")
        self.overlap = _checks.fraction("overlap", overlap)

    def cut(self, volume: Volume) -> np.ndarray:
        """Return the whole volume as one image, float32 `(1, d, h, w, 1)`."""
        return self._shown(volume.array, volume)[None, ..., None]

    def join(self, images: np.ndarray, like: Volume) -> Volume:
        """Return one image, `(1, d, h, w, 1)`, as a volume on the grid of `like`."""
        shape = (1, *self._shown(like.array, like).shape)
        image = one_channel(images, shape, "Patches")[0]
        return like.replace(array=orientation.from_codes(image, like.affine, PLANES["axial"]))

    def training_images(self, volume: Volume) -> np.ndarray:
        """Return the blocks to train on, float32 `(n, *size, 1)`."""
        whole = self._large_enough(self._shown(volume.array, volume), -1.0)
        mask = self._large_enough(self._shown(self.foreground(volume), volume), False)
        starts = itertools.product(
            *(self._starts(found, size) for found, size in zip(whole.shape, self.size, strict=True))
        )
        windows = [
            tuple(slice(first, first + size) for first, size in zip(start, self.size, strict=True))
            for start in starts
        ]
        kept = self.enough(np.array([mask[window].mean() for window in windows]), volume)
        return np.stack([whole[windows[index]] for index in kept])[..., None]

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"size": list(self.size), "overlap": self.overlap, **super().get_config()}

    def _shown(self, array: np.ndarray, volume: Volume) -> np.ndarray:
        return orientation.to_codes(array, volume.affine, PLANES["axial"])

    def _large_enough(self, array: np.ndarray, fill: float) -> np.ndarray:
        size = [max(pair) for pair in zip(array.shape, self.size, strict=True)]
        return to_size(array[..., None], size, fill)[..., 0]

    def _starts(self, found: int, size: int) -> list[int]:
        step = max(1, round(size * (1 - self.overlap)))
        return [*range(0, found - size, step), found - size]
