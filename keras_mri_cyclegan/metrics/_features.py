"""Features of two sets of images, validated for FID and KID."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops


def features_of_both(
    a: Any, b: Any, features: Callable[[Any], Any]
) -> tuple[np.ndarray, np.ndarray]:
    """Compute and validate the features of both sets, float64 `(n, d)` and `(m, d)`."""
    if not callable(features):
        raise ValueError(
            "`features` must be callable, from images to features (n, d). Received: "
            f"{type(features).__name__}."
        )
    x, y = _features_of("a", a, features), _features_of("b", b, features)
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            "`features` must return as many numbers for each image of `a` as of `b`. Received: "
            f"shapes {x.shape} and {y.shape}."
        )
    return x, y


def _features_of(name: str, images: Any, features: Callable[[Any], Any]) -> np.ndarray:
    # Converted by Keras: on torch a network's output requires gradients, which NumPy refuses.
    values = np.asarray(ops.convert_to_numpy(features(images)), "float64")
    if values.ndim != 2 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(
            f"`features` must return finite numbers of shape (images, features) for `{name}`, for "
            f"at least 2 images. Received: shape {values.shape}."
        )
    return values
