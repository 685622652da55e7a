"""What a training was worth, in words: beside a copy of the input, and beside its start."""

from typing import NamedTuple

import numpy as np

CLEARLY = 0.95  # of another's distance, below which a distance is better
# Between different slices of few patients the measure is uncertain by some tenths: a training that
# gained one or two decibels was seen at 1.2 times the start's distance.
FAR_WORSE = 1.5


class Verdict(NamedTuple):
    """A verdict without pairs.

    Attributes:
        text: One or two sentences.
        worked: Whether the translations are better than a copy, and not far worse than the start.
        start_is_better: Whether the generators are best left as they were before the training.
    """

    text: str
    worked: bool
    start_is_better: bool


def verdict(best: float, start: float, copy: float) -> Verdict:
    """Compare how far translations look from real images of their contrast: lower is better.

    A start that is no better than a copy (random weights) is nothing to go back to.

    Args:
        best: Distance of the best epoch's translations; infinite if there was none.
        start: Of those of the generators before the training.
        copy: Of a copy of the input.

    Returns:
        A `Verdict`.

    Example:
        >>> from keras_mri_cyclegan.callbacks.verdict import verdict
        >>> verdict(best=0.3, start=0.4, copy=1.0).worked
        True
        >>> verdict(best=0.7, start=0.4, copy=1.0).start_is_better
        True
    """
    numbers = (
        f"the translations look {best:.2f} away from real images, the start's {start:.2f}, copies "
        f"of the input {copy:.2f}."
    )
    started = np.isfinite(start) and start < CLEARLY * copy
    if started and not best <= FAR_WORSE * start:
        return Verdict(f"The training made the start worse: {numbers}", False, True)
    if not best < CLEARLY * copy:
        return Verdict(
            f"The translations are no better than a copy of the input: {numbers} Do not use them. "
            "Look at the images first: heads of the same region, air at -1, one contrast on each "
            "side; then train for longer or on more scans.",
            False,
            False,
        )
    than = ""
    if started:
        than = (
            " and than the start" if best < CLEARLY * start else ", and about as good as the start"
        )
    return Verdict(f"The translations are better than a copy{than}: {numbers}", True, False)
