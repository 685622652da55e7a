"""Fréchet distance (FID) between two sets of images, on features of your choice."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_mri_cyclegan.metrics._features import features_of_both


def fid(a: Any, b: Any, features: Callable[[Any], Any]) -> float:
    """Fréchet distance between two sets of images: do they look drawn from the same source?

    Both sets of features are taken for normal distributions, of which this is the squared distance
    (Heusel et al. 2017), with the means `μ` and the sample covariances `Σ`:

    `|μ_a - μ_b|² + tr(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½)`

    **It is too large for few images**, the more so the fewer there are and the longer the features:
    never compare numbers of different counts of images, and with fewer images than some times the
    features' length take :func:`kid`, which has no such bias.

    Args:
        a: Images, `(n, ...)`, at least 2.
        b: Images, `(m, ...)`, at least 2.
        features: A callable from images to features `(n, d)`, such as a network or its `predict`.
            The paper's are the 2048 of Inception v3,
            `keras.applications.InceptionV3(include_top=False, pooling="avg").predict` (for images
            of 3 channels), which learnt from photographs: features that know MR images tell more,
            and only numbers from the same features can be compared.

    Returns:
        The distance, of at least 0 up to rounding; 0 if both sets have the same mean and
        covariance.

    Raises:
        ValueError: `features` is not callable, or what it returns is not two arrays `(n, d)` of
            finite numbers with the same `d` and at least 2 rows each.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import fid
        >>> images = np.random.default_rng(0).uniform(size=(40, 16, 16, 1))
        >>> def halves(x):  # the mean of the upper half and of the lower one
        ...     return np.stack([x[:, :8].mean((1, 2, 3)), x[:, 8:].mean((1, 2, 3))], axis=1)
        >>> round(fid(images, images, halves), 6), round(fid(images, 1 + images, halves), 6)
        (0.0, 2.0)

    References:
        M. Heusel et al., "GANs Trained by a Two Time-Scale Update Rule Converge to a Local Nash
        Equilibrium", NeurIPS 2017. https://arxiv.org/abs/1706.08500
    """
    x, y = features_of_both(a, b, features)
    between = np.square(x.mean(axis=0) - y.mean(axis=0)).sum()
    root_x, root_y = _root_of_covariance(x), _root_of_covariance(y)
    # With Σ = RᵀR the eigenvalues of Σ_a Σ_b are the squared singular values of R_a R_bᵀ: their
    # roots without the root of a matrix, which is complex by rounding where images are few.
    overlap = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    return float(between + np.square(root_x).sum() + np.square(root_y).sum() - 2 * overlap)


def _root_of_covariance(x: np.ndarray) -> np.ndarray:
    """Return R, `(min(n, d), d)`, of which RᵀR is the sample covariance."""
    _, root = np.linalg.qr((x - x.mean(axis=0)) / np.sqrt(len(x) - 1))
    return root
