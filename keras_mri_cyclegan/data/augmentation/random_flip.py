"""Random flip along one axis."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.data.augmentation._image import check_image

# Counted from the end, so that one table serves images and volumes, channels last.
AXES = {"width": -2, "height": -3, "depth": -4}


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class RandomFlip:
    """Random mirroring of an image along one axis.

    A left-right flip of a head is plausible anatomy; a flip along any other axis yields anatomy
    that does not exist.

    Args:
        axis: `"width"`, `"height"` or `"depth"`. Defaults to `"width"`: left-right in an axial
            or coronal slice in the usual orientation.
        probability: Probability of a flip, in `[0, 1]`. Defaults to 0.5.

    Raises:
        ValueError: An argument is out of its range, or the image has no such axis.

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
        """Return `image`, `([depth,] height, width, channels)`, mirrored or unchanged."""
        check_image(image)
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

    def __repr__(self) -> str:
        return f"RandomFlip(axis={self.axis!r}, probability={self.probability:g})"

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "RandomFlip":
        """Make an object from what `get_config` returned."""
        return cls(**config)
