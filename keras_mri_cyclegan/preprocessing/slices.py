"""Sampler of 2-D slices, in radiological orientation."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing import orientation
from keras_mri_cyclegan.preprocessing.cutter import Cutter, checked_size, one_channel
from keras_mri_cyclegan.preprocessing.fit_size import to_size
from keras_mri_cyclegan.volumes import Volume, VolumeError

# Directions of slices, rows and columns: the patient's right is on the left of the image.
PLANES = {"axial": "SPL", "coronal": "AIL", "sagittal": "LIP"}


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class Slices(Cutter):
    """Sampler of 2-D slices, for networks that take images.

    Slices are in radiological orientation for any orientation of the volume; an oblique volume is
    sliced along its own axes, those nearest to the plane:

    ========  =============  =============  =============
    plane     slices         rows           columns
    ========  =============  =============  =============
    axial     feet to head   front to back  right to left
    coronal   back to front  head to feet   right to left
    sagittal  right to left  head to feet   front to back
    ========  =============  =============  =============

    `cut` and `join` are exact: they pad, crop and omit nothing. `training_images` returns the
    slices with enough foreground, at one size.

    Args:
        plane: `"axial"`, `"coronal"` or `"sagittal"`. Defaults to `"axial"`.
        size: `(h, w)` of the training images. Smaller slices are centred and padded with -1;
            larger slices are cropped to a window around the middle of the volume's foreground, the
            same window for all slices of a volume. Defaults to `None`: the original size.
        neighbours: Number of adjacent slices on either side to add as channels: `2 * neighbours +
            1` channels in order, the slice itself in the middle. The first and last slice are
            repeated at the ends of the volume. Defaults to 0.
        minimum_foreground: Smallest share of foreground, in `[0, 1)`, of a training slice. 0 keeps
            every slice. Defaults to 0.02.
        threshold: Foreground of volumes without a mask: voxels more than `threshold` above the
            background (the first percentile of the volume's voxels), in units of [-1, 1].
            A volume's mask takes precedence. Defaults to 0.1: 5 % of the range.
        crop: What cropping to `size` may remove: only `"background"`, or `"any"` voxels. Defaults
            to `"background"`: a `VolumeError` if foreground would be lost.

    Raises:
        ValueError: An argument is out of its range.
        VolumeError: No slice of a volume has enough foreground, or the foreground exceeds `size`.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Slices
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> array = np.full((20, 30, 10), -1.0)  # axes to the right, the front, the head
        >>> array[5:15, 5:25, 2:8] = 0.5
        >>> scan = Volume(array, np.eye(4))
        >>> Slices("axial", neighbours=1).cut(scan).shape
        (10, 30, 20, 3)
        >>> Slices("coronal").cut(scan).shape
        (30, 10, 20, 1)
        >>> Slices("axial", size=(32, 16)).training_images(scan).shape
        (6, 32, 16, 1)
        >>> images = Slices("sagittal").cut(scan)
        >>> np.array_equal(Slices("sagittal").join(images, like=scan).array, scan.array)
        True
    """

    def __init__(
        self,
        plane: str = "axial",
        size: tuple[int, int] | None = None,
        neighbours: int = 0,
        minimum_foreground: float = 0.02,
        threshold: float = 0.1,
        crop: str = "background",
    ):
        super().__init__(minimum_foreground, threshold)
        self.plane = _checks.one_of("plane", plane, tuple(PLANES))
        self.size = None if size is None else checked_size(size, "(height, width)")
        self.neighbours = _checks.positive_int("neighbours", neighbours, minimum=0)
        self.crop = _checks.one_of("crop", crop, ("background", "any"))

    def cut(self, volume: Volume) -> np.ndarray:
        """Return every slice, float32 `(n, h, w, 2 * neighbours + 1)`."""
        slices = self._shown(volume.array, volume)
        return self._with_neighbours(slices, np.arange(len(slices)))

    def join(self, images: np.ndarray, like: Volume) -> Volume:
        """Reassemble slices into a volume: the exact inverse of `cut` for a single channel.

        Args:
            images: Floats, `(n, h, w, 1)`: all slices, in order.
            like: The volume that was `cut`, which provides the grid, header and path.

        Returns:
            A volume on the grid of `like`.
        """
        slices = one_channel(images, self._shown(like.array, like).shape, "Slices")
        return like.replace(array=orientation.from_codes(slices, like.affine, PLANES[self.plane]))

    def training_images(self, volume: Volume) -> np.ndarray:
        """Return the training slices, float32 `(n, h, w, 2 * neighbours + 1)`, at `size`."""
        slices = self._shown(volume.array, volume)
        foreground = self._shown(self.foreground(volume), volume)
        kept = self.enough(foreground.mean((1, 2)), volume)
        images = self._with_neighbours(slices, kept)
        if self.size is None or self.size == images.shape[1:3]:
            return images
        shown = foreground[kept]
        starts = [
            self._start(axis, shown.any((0, 2 - axis)), length, volume)
            for axis, length in enumerate(self.size)
        ]
        return to_size(images, self.size, start=starts)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            "plane": self.plane,
            "size": None if self.size is None else list(self.size),
            "neighbours": self.neighbours,
            **super().get_config(),
            "crop": self.crop,
        }

    def _shown(self, array: np.ndarray, volume: Volume) -> np.ndarray:
        return orientation.to_codes(array, volume.affine, PLANES[self.plane])

    def _with_neighbours(self, slices: np.ndarray, kept: np.ndarray) -> np.ndarray:
        channels = [
            slices[np.clip(kept + step, 0, len(slices) - 1)]
            for step in range(-self.neighbours, self.neighbours + 1)
        ]
        return np.stack(channels, axis=-1)

    def _start(self, axis: int, occupied: np.ndarray, length: int, volume: Volume) -> int:
        """Return the first pixel of a window of `length` along rows (axis 0) or columns (1)."""
        available = len(occupied)
        if length >= available:
            return -((length - available) // 2)
        if not occupied.any():
            return (available - length) // 2
        first, last = np.flatnonzero(occupied)[[0, -1]]
        start = min(max((int(first) + int(last) + 1 - length) // 2, 0), available - length)
        if self.crop == "background" and not start <= first <= last < start + length:
            raise VolumeError(
                volume.path,
                f"foreground of {last - first + 1} pixels along the {('rows', 'columns')[axis]} of "
                f"its {self.plane} slices. Expected at most {length}, the `size` of the slices. "
                "Use a larger `size`, `Resample` to a larger spacing, `ForegroundMask` if the "
                "foreground includes noise around the head, or `crop='any'` to crop foreground.",
            )
        return start
