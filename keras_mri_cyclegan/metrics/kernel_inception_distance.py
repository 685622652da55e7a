"""Kernel inception distance (KID) between two sets of images, with arbitrary features."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_mri_cyclegan.metrics._features import features_of_both


def kid(a: Any, b: Any, features: Callable[[Any], Any]) -> float:
    """Kernel distance between the features of two sets of images.

    The unbiased estimate of the squared maximum mean discrepancy with the kernel
    `(x · y / d + 1)³` between features of length `d` (Bińkowski et al. 2018). Unlike the Fréchet
    distance (:func:`fid`), the kernel distance is unbiased for few images; with a few dozen images
    its variance is still large.

    Args:
        a: Images, `(n, ...)`, at least 2.
        b: Images, `(m, ...)`, at least 2.
        features: Function of images that returns features `(n, d)`, such as a network or its
            `predict`. The paper uses the 2048 features of Inception v3,
            `keras.applications.InceptionV3(include_top=False, pooling="avg").predict` (for images
            of 3 channels), which was trained on photographs: features of a network trained on MR
            images are more informative.

    Returns:
        The distance. About 0, possibly negative, if both sets have the same distribution.

    Raises:
        ValueError: `features` is not callable, or does not return two arrays `(n, d)` of finite
            numbers with the same `d` and at least 2 rows each.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import kid
        >>> images = np.random.default_rng(0).uniform(size=(40, 16, 16, 1))
        >>> def flat(x):
        ...     return x.reshape(len(x), -1)
        >>> bool(abs(kid(images[:20], images[20:], flat)) < 0.01 < kid(images, 1 + images, flat))
        True

    References:
        M. Bińkowski, D. J. Sutherland, M. Arbel and A. Gretton, "Demystifying MMD GANs",
        ICLR 2018. https://arxiv.org/abs/1801.01401
    """
    x, y = features_of_both(a, b, features)
    within_x, within_y = _kernel(x, x), _kernel(y, y)
    n, m = len(x), len(y)
    # Without the diagonal: the similarity of an image to itself would bias the estimate.
    mean_x = (within_x.sum() - np.trace(within_x)) / (n * (n - 1))
    mean_y = (within_y.sum() - np.trace(within_y)) / (m * (m - 1))
    return float(mean_x + mean_y - 2 * _kernel(x, y).mean())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3
