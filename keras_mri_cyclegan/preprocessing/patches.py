"""Sampler of 3-D patches, for 3-D networks."""

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
    """Sampler of 3-D patches, for networks that take volumes.

    A patch is a stack of axial slices oriented as in `Slices`: `(depth, height, width)` runs feet
    to head, front to back, right to left. `cut` returns the whole volume as one image, over which
    a translation slides a window. `training_images` returns a regular grid of patches.

    Args:
        size: `(depth, height, width)` of a patch, in voxels. Smaller volumes are centred and
            padded with -1.
        overlap: Overlap of neighbouring patches along every axis, as a fraction of the patch in
            `[0, 1)`. 0.5 gives about eight times as many patches. The last patch along an axis
            ends with the volume and may overlap more. Defaults to 0.0.
        minimum_foreground: Smallest share of foreground, in `[0, 1)`, of a training patch. 0 keeps
            every patch. Defaults to 0.02.
        threshold: Foreground of volumes without a mask: voxels more than `threshold` above the
            background (the first percentile of the volume's voxels), in units of [-1, 1].
            A volume's mask takes precedence. Defaults to 0.1: 5 % of the range.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: No patch of a volume has enough foreground.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Patches
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> scan = Volume(np.random.default_rng(0).uniform(-1, 1, (20, 30, 10)), np.eye(4))
        >>> patches = Patches(size=(8, 16, 16))
        >>> patches.cut(scan).shape
        (1, 10, 30, 20, 1)
        >>> patches.training_images(scan).shape  # 2 x 2 x 2 patches
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
        """Reassemble one image, `(1, d, h, w, 1)`, into a volume on the grid of `like`."""
        shape = (1, *self._shown(like.array, like).shape)
        image = one_channel(images, shape, "Patches")[0]
        return like.replace(array=orientation.from_codes(image, like.affine, PLANES["axial"]))

    def training_images(self, volume: Volume) -> np.ndarray:
        """Return the training patches, float32 `(n, *size, 1)`."""
        whole = self._large_enough(self._shown(volume.array, volume), -1.0)
        mask = self._large_enough(self._shown(self.foreground(volume), volume), False)
        starts = itertools.product(
            *(self._starts(*lengths) for lengths in zip(whole.shape, self.size, strict=True))
        )
        windows = [
            tuple(slice(first, first + size) for first, size in zip(start, self.size, strict=True))
            for start in starts
        ]
        kept = self.enough(np.array([mask[window].mean() for window in windows]), volume)
        return np.stack([whole[windows[index]] for index in kept])[..., None]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"size": list(self.size), "overlap": self.overlap, **super().get_config()}

    def _shown(self, array: np.ndarray, volume: Volume) -> np.ndarray:
        return orientation.to_codes(array, volume.affine, PLANES["axial"])

    def _large_enough(self, array: np.ndarray, fill: float) -> np.ndarray:
        size = [max(pair) for pair in zip(array.shape, self.size, strict=True)]
        return to_size(array[..., None], size, fill)[..., 0]

    def _starts(self, length: int, size: int) -> list[int]:
        step = max(1, round(size * (1 - self.overlap)))
        return [*range(0, length - size, step), length - size]
