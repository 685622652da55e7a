"""How far the mean over the images can be trusted: percentile bootstrap intervals."""

from typing import Any

import numpy as np

# How many indices are drawn at once at most, so that many images need no more memory than few.
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

    As many values as there are are drawn with replacement, their mean is taken, and that
    `resamples` times: the interval is what the middle of these means spans. With `groups` whole
    groups are drawn in place of values (a cluster bootstrap), as many as there are, and the mean is
    that over all values in the groups drawn.

    It says how the mean would differ with other images like these, and nothing of how another
    training would differ. Slices of one patient resemble each other: drawn one by one they make the
    interval too narrow, and `groups` is to name the patient of each. With fewer than about ten
    patients no bootstrap interval is to be trusted far.

    Args:
        values: One finite number for each image, `(images,)`.
        confidence: The part of the means that lies in the interval, between 0 and 1. Defaults to
            0.95.
        resamples: How many means are drawn; 0 gives no interval. Defaults to 1000.
        seed: Seed of the draws. Defaults to 0.
        groups: The group of each image, `(images,)`. Defaults to one group an image.

    Returns:
        The lower and the upper end; NaN where there are fewer than two values, or groups, to draw
        from.

    Example:
        >>> from keras_mri_cyclegan.evaluation.bootstrap import bootstrap_interval
        >>> low, high = bootstrap_interval([20.0, 21.0, 22.0, 23.0])
        >>> 20 < low < 21.5 < high < 23
        True

    Raises:
        ValueError: A value that is NaN or infinite, which would decide every mean.

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
