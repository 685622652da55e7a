"""Base class of the samplers, which extract images from volumes and reassemble them."""

from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing.background import air_among_tissue, without_air
from keras_mri_cyclegan.volumes import Volume, VolumeError

# Percentile. Not the minimum: earlier interpolation leaves a few values far below air.
BACKGROUND = 1.0


class Cutter:
    """Base class of the samplers `Slices` and `Patches`; subclass it to add a sampler.

    Args:
        minimum_foreground: Smallest share of foreground, in `[0, 1)`, of a training image. 0 keeps
            every image.
        threshold: Foreground of volumes without a mask: voxels more than `threshold` above the
            background, the volume's percentile `BACKGROUND`, in units of [-1, 1].
    """

    def __init__(self, minimum_foreground: float, threshold: float):
        self.minimum_foreground = _checks.fraction("minimum_foreground", minimum_foreground)
        self.threshold = _checks.weight("threshold", threshold)

    def cut(self, volume: Volume) -> np.ndarray:
        """Extract all of `volume` as images, without padding, cropping or omission."""
        raise TypeError(f"{type(self).__name__} must define `cut`.")

    def join(self, images: np.ndarray, like: Volume) -> Volume:
        """Reassemble one-channel images, `cut` from `like`, into a volume on the grid of `like`."""
        raise TypeError(f"{type(self).__name__} must define `join`.")

    def training_images(self, volume: Volume) -> np.ndarray:
        """Return the training images of `volume`."""
        raise TypeError(f"{type(self).__name__} must define `training_images`.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"minimum_foreground": self.minimum_foreground, "threshold": self.threshold}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Cutter":
        """Build the object from the result of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"

    def foreground(self, volume: Volume) -> np.ndarray:
        """Return the volume's mask, or, without one, the voxels brighter than its background.

        In a scan without a mask whose air is not the darkest, the foreground is all that differs
        from air.
        """
        if volume.mask is not None:
            return volume.mask
        if air_among_tissue(volume) is not None:
            return without_air(volume)
        background = np.percentile(volume.array, BACKGROUND)
        return volume.array > np.float32(background + self.threshold)

    def enough(self, shares: np.ndarray, volume: Volume) -> np.ndarray:
        """Return the indices of the images with at least `minimum_foreground` of foreground."""
        kept = np.flatnonzero(shares >= self.minimum_foreground)
        if not kept.size:
            raise VolumeError(
                volume.path,
                f"no image to train on: at most {shares.max():.2%} of an image is foreground. "
                f"Expected {self.minimum_foreground:.2%} in at least one image. Lower "
                f"`minimum_foreground` of {type(self).__name__}, or check the scan and its mask.",
            )
        return kept


def checked_size(value: Any, form: str) -> tuple[int, ...]:
    """Validate `size`, as many positive integers as the names in `form`, such as `"(h, w)"`."""
    try:
        size = tuple(value)
    except TypeError:
        size = ()
    if len(size) != form.count(",") + 1:
        raise ValueError(f"`size` must be {form}, in pixels. Received: {value!r}.")
    return tuple(_checks.positive_int("size", length) for length in size)


def one_channel(images: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Validate that `images` have one channel and the `shape` of `cut`; drop the channel axis."""
    array = np.asarray(images)
    if array.shape != (*shape, 1) or not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"`images` must have the shape that `cut` gives for this volume, with one channel: "
            f"floats of shape {(*shape, 1)}. Received: {array.dtype} of shape {array.shape}. "
            f"{name} joins all images of a volume, in order and at their original size: remove any "
            "padding first."
        )
    return array[..., 0]
