"""What a training was worth, in words: beside a copy of the input, and beside its start."""

from typing import NamedTuple

import numpy as np

CLEARLY = 0.95  # of a copy's score, above which a score is no better than a copy's


class Verdict(NamedTuple):
    """A verdict without pairs.

    Attributes:
        text: One or two sentences.
        worked: Whether the translations are better than a copy and than the start.
        start_is_better: Whether the generators are best left as they were before the training.
    """

    text: str
    worked: bool
    start_is_better: bool


def verdict(best: float, start: float, copy: float) -> Verdict:
    """Compare scores of `UnpairedScore`, of which lower is better.

    A start that is no better than a copy (random weights) is nothing to go back to.

    Args:
        best: Of the best epoch; infinite if there was none.
        start: Of the generators before the training.
        copy: Of a copy of the input.

    Returns:
        A `Verdict`.

    Example:
        >>> from keras_mri_cyclegan.callbacks.verdict import verdict
        >>> verdict(best=3.0, start=4.0, copy=10.0).worked
        True
        >>> print(verdict(best=4.5, start=4.0, copy=10.0).text)
        The training made the start worse: its score is 4.50, of the start 4.00, of a copy 10.00.
    """
    numbers = f"its score is {best:.2f}, of the start {start:.2f}, of a copy {copy:.2f}."
    started = np.isfinite(start) and start < CLEARLY * copy
    if started and start <= best:
        return Verdict(f"The training made the start worse: {numbers}", False, True)
    if not best < CLEARLY * copy:
        return Verdict(
            f"The translations are no better than a copy of the input: {numbers} Do not use them. "
            "Look at the images first: heads of the same region, air at -1, one contrast on each "
            "side; then train for longer or on more scans.",
            False,
            False,
        )
    than = " and than the start" if started else ""
    return Verdict(f"The translations are better than a copy{than}: {numbers}", True, False)
