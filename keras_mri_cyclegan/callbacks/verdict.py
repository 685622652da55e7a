"""Verdict on a training: its translations against a copy of the input and against the start."""

from typing import NamedTuple

import numpy as np

CLEARLY = 0.95  # a distance is better if it is below this fraction of the other distance
# With different slices of few patients the ratio is uncertain by some tenths: a training that
# gained 1 to 2 dB had 1.2 times the start's distance.
FAR_WORSE = 1.5


class Verdict(NamedTuple):
    """Verdict on a training without pairs.

    Attributes:
        text: One or two sentences.
        worked: Whether the translations are better than a copy, and not far worse than the start.
        start_is_better: Whether the generators before the training are better.
    """

    text: str
    worked: bool
    start_is_better: bool


def verdict(best: float, start: float, copy: float) -> Verdict:
    """Compare distances of translations from real images of their contrast; lower is better.

    A start that is no better than a copy (random weights) is never preferred.

    Args:
        best: Distance of the best epoch's translations; infinite if there is none.
        start: Distance of the translations of the generators before the training.
        copy: Distance of a copy of the input.

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
        f"the distance from real images is {best:.2f} for the translations, {start:.2f} for those "
        f"of the start and {copy:.2f} for copies of the input."
    )
    started = np.isfinite(start) and start < CLEARLY * copy
    if started and not best <= FAR_WORSE * start:
        return Verdict(f"The training made the start worse: {numbers}", False, True)
    if not best < CLEARLY * copy:
        return Verdict(
            f"The translations are no better than a copy of the input: {numbers} Do not use them. "
            "Check the images first: heads of the same region, air at -1, one contrast in each "
            "domain; then train for longer or on more scans.",
            False,
            False,
        )
    than = ""
    if started:
        than = (
            " and than the start" if best < CLEARLY * start else ", and about as good as the start"
        )
    return Verdict(f"The translations are better than a copy{than}: {numbers}", True, False)
