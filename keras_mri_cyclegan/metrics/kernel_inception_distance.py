"""Kernel distance (KID) between two sets of images, on features of your choice."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_mri_cyclegan.metrics._features import features_of_both


def kid(a: Any, b: Any, features: Callable[[Any], Any]) -> float:
    """Kernel distance between two sets of images: do they look drawn from the same source?

    The unbiased estimate of the squared maximum mean discrepancy with the kernel
    `(x · y / d + 1)³` between features of length `d` (Bińkowski et al. 2018). Unlike the Fréchet
    distance (:func:`fid`) it is unbiased for few images; with a few dozen its spread is still
    large.

    Args:
        a: Images, `(n, ...)`, at least 2.
        b: Images, `(m, ...)`, at least 2.
        features: A callable from images to features `(n, d)`, such as a network or its `predict`.
            The paper's are the 2048 of Inception v3,
            `keras.applications.InceptionV3(include_top=False, pooling="avg").predict` (for images
            of 3 channels), which learnt from photographs: features that know MR images tell more.

    Returns:
        The distance. About 0, and at times below it, if both sets have the same source.

    Raises:
        ValueError: `features` is not callable, or what it returns is not two arrays `(n, d)` of
            finite numbers with the same `d` and at least 2 rows each.

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
    # Without the diagonal: an image's likeness to itself is what would bias the estimate.
    mean_x = (within_x.sum() - np.trace(within_x)) / (n * (n - 1))
    mean_y = (within_y.sum() - np.trace(within_y)) / (m * (m - 1))
    return float(mean_x + mean_y - 2 * _kernel(x, y).mean())


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (x @ y.T / x.shape[1] + 1) ** 3
