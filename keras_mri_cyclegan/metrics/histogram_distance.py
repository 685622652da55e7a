"""Distance between the intensity distributions of two sets of images, without pairs."""

from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks


def histogram_distance(a: Any, b: Any, bins: int = 1024) -> float:
    """Distance between the intensity distributions of two sets of images.

    The 1-Wasserstein (earth mover's) distance: the average change of the intensities that turns
    the distribution of one set into the distribution of the other. Positions do not matter, hence
    the sets need not show the same heads. Equal to `scipy.stats.wasserstein_distance` to within one
    bin: `(max - min) / bins` over both sets.

    Air fills half of most slices. Equal air in both sets halves the distance: to compare only the
    heads, pass `a[inside_a]` and `b[inside_b]`.

    Args:
        a: Numbers of any shape, such as the translated images.
        b: Numbers of any shape and count, such as the real images of the target contrast.
        bins: Number of equal bins of the histograms, over the range of both sets. Defaults to
            1024.

    Returns:
        The distance, in the unit of the images. 0 for equal distributions.

    Raises:
        ValueError: An empty set, values that are not finite real numbers, or `bins` below 1.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import histogram_distance
        >>> a = np.random.default_rng(0).uniform(0, 1, (8, 32, 32, 1))
        >>> histogram_distance(a, a[::-1])
        0.0
        >>> round(histogram_distance(a, a + 0.25), 2)
        0.25
    """
    _checks.positive_int("bins", bins)
    a, b = _flat("a", a), _flat("b", b)
    low, high = float(min(a.min(), b.min())), float(max(a.max(), b.max()))
    if low == high:
        return 0.0
    reached_a, reached_b = (
        np.cumsum(np.histogram(values, bins, (low, high))[0]) / values.size for values in (a, b)
    )
    return float(np.abs(reached_a - reached_b).sum() * (high - low) / bins)


def _flat(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    is_real = np.issubdtype(array.dtype, np.floating) or np.issubdtype(array.dtype, np.integer)
    if not is_real or array.size == 0 or not np.isfinite(array).all():
        raise ValueError(
            f"`{name}` must hold finite real numbers, at least one. Received: shape "
            f"{array.shape}, dtype {array.dtype}"
            f"{', with NaN or infinity' if is_real and array.size else ''}. Remove or replace "
            "non-finite values first."
        )
    return array.ravel().astype("float64")
