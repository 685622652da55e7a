"""Percentile bootstrap intervals of a mean over images."""

from typing import Any

import numpy as np

# Maximum number of indices drawn at once, which bounds the memory for many images.
DRAWN_AT_ONCE = 1_000_000


def bootstrap_interval(
    values: Any,
    *,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    groups: Any = None,
) -> tuple[float, float]:
    """Percentile bootstrap interval of the mean.

    In each of `resamples` draws, as many values as there are images are drawn with replacement, and
    their mean is computed. The interval contains the central `confidence` of these means. With
    `groups`, whole groups are drawn (a cluster bootstrap), as many as there are groups, and the
    mean is over all values in the drawn groups.

    The interval describes how the mean varies with other images of the same kind, not with another
    training. Slices of one patient resemble each other: drawn separately, they make the interval
    too narrow, so `groups` should be the patient of each image. Bootstrap intervals are unreliable
    below about ten patients.

    Args:
        values: One finite number for each image, `(images,)`.
        confidence: Fraction of the means inside the interval, between 0 and 1. Defaults to 0.95.
        resamples: Number of draws; with 0 there is no interval. Defaults to 1000.
        seed: Seed of the draws. Defaults to 0.
        groups: The group of each image, `(images,)`. Defaults to a separate group for each image.

    Returns:
        The lower and the upper end; NaN if there are fewer than two values, or groups, to draw
        from.

    Example:
        >>> from keras_mri_cyclegan.evaluation.bootstrap import bootstrap_interval
        >>> low, high = bootstrap_interval([20.0, 21.0, 22.0, 23.0])
        >>> 20 < low < 21.5 < high < 23
        True

    Raises:
        ValueError: A value is NaN or infinite, and so would be every mean with it.

    References:
        B. Efron and R. J. Tibshirani, "An Introduction to the Bootstrap", chapters 8 and 13,
        Chapman & Hall, 1993.
    """
    values = np.asarray(values, "float64")
    if not np.isfinite(values).all():
        raise ValueError(
            f"`values` must be finite. Received: {int((~np.isfinite(values)).sum())} of "
            f"{len(values)} that are NaN or infinite. Leave these images, and their groups, out."
        )
    if groups is None:
        sums, sizes = values, np.ones(len(values))
    else:
        _, group = np.unique(np.asarray(groups), return_inverse=True)
        sums, sizes = np.bincount(group, weights=values), np.bincount(group).astype("float64")
    count = len(sums)
    if count < 2 or resamples == 0:
        return float("nan"), float("nan")

    rng = np.random.default_rng(seed)
    means = np.empty(resamples)
    step = max(1, DRAWN_AT_ONCE // count)
    for start in range(0, resamples, step):
        drawn = rng.integers(0, count, (min(step, resamples - start), count))
        means[start : start + step] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
