"""Augmentation that moves an image and leaves its intensities, and so its contrast, alone."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks

# Counted from the end, so that one table serves images and volumes, channels last.
AXES = {"width": -2, "height": -3, "depth": -4}


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomFlip:
    """Mirrors an image along one axis, or leaves it as it is.

    Mirroring the left-right axis of a head changes little of what a network has to learn;
    mirroring any other makes anatomy that does not exist.

    Args:
        axis: `"width"`, `"height"` or `"depth"`. Defaults to `"width"`: left-right in an axial
            or coronal slice as it is usually shown.
        probability: How often to mirror, in `[0, 1]`. Defaults to 0.5.

    Raises:
        ValueError: An argument out of its range, or an image without this axis.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomFlip
        >>> image = np.array([[[-1.0], [0.0], [1.0]]], "float32")  # (height, width, channels)
        >>> RandomFlip("width", probability=1.0)(image, np.random.default_rng(0))[0, :, 0].tolist()
        [1.0, 0.0, -1.0]
    """

    def __init__(self, axis: str = "width", probability: float = 0.5):
        self.axis = _checks.one_of("axis", axis, tuple(AXES))
        self.probability = _checks.weight("probability", probability)
        if self.probability > 1:
            raise ValueError(f"`probability` must be in [0, 1]. Received: {probability!r}.")

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, mirrored or as it is."""
        _check_image(image)
        axis = AXES[self.axis]
        if -axis > image.ndim:
            raise ValueError(
                f"RandomFlip(axis={self.axis!r}) needs a volume (depth, height, width, channels). "
                f"Received: an image of shape {image.shape}."
            )
        if rng.random() < self.probability:
            return np.flip(image, axis).copy()
        return image

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"axis": self.axis, "probability": self.probability}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomFlip":
        """Make an object from what `get_config` returned."""
        return cls(**config)


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomTranslation:
    """Shifts an image by whole pixels along every spatial axis.

    No pixel is interpolated. What is shifted out is lost, what is shifted in is background;
    nothing comes back in on the other side.

    Args:
        fraction: The largest shift in either direction, as a fraction of the axis' size, in
            `[0, 1)`; rounded down to whole pixels. Every shift up to it is equally likely.
            Defaults to 0.1.
        fill: Background value, in `[-1, 1]`. Defaults to -1.0, which is air.

    Raises:
        ValueError: An argument out of its range, or an array that is not one image.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomTranslation
        >>> image = np.zeros((20, 20, 1), "float32")
        >>> shifted = RandomTranslation(fraction=0.2)(image, np.random.default_rng(0))
        >>> shifted.shape, sorted(set(shifted.ravel().tolist()))
        ((20, 20, 1), [-1.0, 0.0])
    """

    def __init__(self, fraction: float = 0.1, fill: float = -1.0):
        self.fraction = _checks.fraction("fraction", fraction)
        if not isinstance(fill, (int, float, np.integer, np.floating)) or not -1 <= fill <= 1:
            raise ValueError(f"`fill` must be a number in [-1, 1]. Received: {fill!r}.")
        self.fill = float(fill)

    def __call__(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return `image`, `([depth,] height, width, channels)`, shifted."""
        _check_image(image)
        source, target = [], []
        for size in image.shape[:-1]:
            limit = int(self.fraction * size)
            shift = int(rng.integers(-limit, limit, endpoint=True))
            source.append(slice(max(-shift, 0), size - max(shift, 0)))
            target.append(slice(max(shift, 0), size - max(-shift, 0)))
        shifted = np.full_like(image, self.fill)
        shifted[tuple(target)] = image[tuple(source)]
        return shifted

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {"fraction": self.fraction, "fill": self.fill}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomTranslation":
        """Make an object from what `get_config` returned."""
        return cls(**config)


def _check_image(image: Any) -> None:
    if (
        not isinstance(image, np.ndarray)
        or image.ndim not in (3, 4)
        or not np.issubdtype(image.dtype, np.floating)
    ):
        found = f"{getattr(image, 'dtype', type(image).__name__)}, shape {np.shape(image)}"
        raise ValueError(
            "`image` must be one image (height, width, channels) or volume (depth, height, width, "
            f"channels) of floats, without the batch axis. Received: {found}."
        )
