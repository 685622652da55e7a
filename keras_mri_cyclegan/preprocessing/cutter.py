"""What turns a volume into images, and images into a volume."""

from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing.background import air_among_tissue, without_air
from keras_mri_cyclegan.volumes import Volume, VolumeError

# Not the lowest value: interpolation in an earlier processing leaves a few far below air.
BACKGROUND = 1.0


class Cutter:
    """Base of `Slices` and `Patches`; a subclass is a cutter of your own.

    Args:
        minimum_foreground: Share of an image, in `[0, 1)`, that has to be foreground for it to be
            trained on. 0 keeps every image.
        threshold: Without a mask, foreground is what is more than this above the volume's
            background, the percentile `BACKGROUND`, in units of [-1, 1].
    """

    def __init__(self, minimum_foreground: float, threshold: float):
        self.minimum_foreground = _checks.fraction("minimum_foreground", minimum_foreground)
        self.threshold = _checks.weight("threshold", threshold)

    def cut(self, volume: Volume) -> np.ndarray:
        """Return all of `volume` as images, with nothing padded, cropped or left out."""
        raise TypeError(f"{type(self).__name__} must define `cut`.")

    def join(self, images: np.ndarray, like: Volume) -> Volume:
        """Return images of one channel, as `cut` made them of `like`, as a volume on its grid."""
        raise TypeError(f"{type(self).__name__} must define `join`.")

    def training_images(self, volume: Volume) -> np.ndarray:
        """Return the images of `volume` that a network is trained on."""
        raise TypeError(f"{type(self).__name__} must define `training_images`.")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"minimum_foreground": self.minimum_foreground, "threshold": self.threshold}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Cutter":
        """Make an object from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"

    def foreground(self, volume: Volume) -> np.ndarray:
        """Return the volume's mask, or else where it is brighter than its background.

        Of a scan whose air is not the darkest it is what differs from air.
        """
        if volume.mask is not None:
            return volume.mask
        if air_among_tissue(volume) is not None:
            return without_air(volume)
        background = np.percentile(volume.array, BACKGROUND)
        return volume.array > np.float32(background + self.threshold)

    def enough(self, shares: np.ndarray, volume: Volume) -> np.ndarray:
        """Return the indices of the images of which a large enough share is foreground."""
        kept = np.flatnonzero(shares >= self.minimum_foreground)
        if not kept.size:
            raise VolumeError(
                volume.path,
                f"no image to train on: at most {shares.max():.2%} of an image is foreground. "
                f"Expected {self.minimum_foreground:.2%} in one at least. Lower "
                f"`minimum_foreground` of {type(self).__name__}, or look at the scan and its mask.",
            )
        return kept


def checked_size(value: Any, form: str) -> tuple[int, ...]:
    """Return `value` as a tuple of as many positive integers as `form`, `"(h, w)"`, shows."""
    try:
        size = tuple(value)
    except TypeError:
        size = ()
    if len(size) != form.count(",") + 1:
        raise ValueError(f"`size` must be {form}, in pixels. Received: {value!r}.")
    return tuple(_checks.positive_int("size", length) for length in size)


def one_channel(images: Any, shape: tuple[int, ...], name: str) -> np.ndarray:
    """Return `images` without their channel, if they have the `shape` that `cut` gave them."""
    array = np.asarray(images)
    if array.shape != (*shape, 1) or not np.issubdtype(array.dtype, np.floating):
        raise ValueError(
            f"`images` must be what `cut` made of this volume, with one channel: floats of shape "
            f"{(*shape, 1)}. Received: {array.dtype} of shape {array.shape}. {name} joins every "
            "image of a volume, in order and at its own size: cut off any padding first."
        )
    return array[..., 0]
