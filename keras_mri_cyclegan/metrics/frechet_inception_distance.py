"""Fréchet inception distance (FID) between two sets of images, with arbitrary features."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_mri_cyclegan.metrics._features import features_of_both


def fid(a: Any, b: Any, features: Callable[[Any], Any]) -> float:
    """Fréchet distance between the features of two sets of images.

    The squared Fréchet distance of two normal distributions, fitted to the features of both sets
    (Heusel et al. 2017), with the means `μ` and the sample covariances `Σ`:

    `|μ_a - μ_b|² + tr(Σ_a + Σ_b - 2 (Σ_a Σ_b)^½)`

    **Biased upwards for few images**, the more so the fewer the images and the longer the features:
    never compare distances from different numbers of images. If there are not several times more
    images than features, use :func:`kid`, which is unbiased.

    Args:
        a: Images, `(n, ...)`, at least 2.
        b: Images, `(m, ...)`, at least 2.
        features: Function of images that returns features `(n, d)`, such as a network or its
            `predict`. The paper uses the 2048 features of Inception v3,
            `keras.applications.InceptionV3(include_top=False, pooling="avg").predict` (for images
            of 3 channels), which was trained on photographs: features of a network trained on MR
            images are more informative. Only compare distances from the same features.

    Returns:
        The distance, at least 0 up to rounding; 0 if both sets have the same mean and covariance.

    Raises:
        ValueError: `features` is not callable, or does not return two arrays `(n, d)` of finite
            numbers with the same `d` and at least 2 rows each.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.metrics import fid
        >>> images = np.random.default_rng(0).uniform(size=(40, 16, 16, 1))
        >>> def halves(x):  # means of the upper and the lower half
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
    # With Σ = RᵀR the eigenvalues of Σ_a Σ_b are the squared singular values of R_a R_bᵀ. This
    # avoids the matrix root, which rounding makes complex for few images.
    overlap = np.linalg.svd(root_x @ root_y.T, compute_uv=False).sum()
    return float(between + np.square(root_x).sum() + np.square(root_y).sum() - 2 * overlap)


def _root_of_covariance(x: np.ndarray) -> np.ndarray:
    """Return R, `(min(n, d), d)`, where RᵀR is the sample covariance."""
    _, root = np.linalg.qr((x - x.mean(axis=0)) / np.sqrt(len(x) - 1))
    return root
