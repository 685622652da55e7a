"""Computational effort of a search for intensity curves."""

import dataclasses

from keras_mri_cyclegan import _checks


@dataclasses.dataclass(frozen=True)
class SearchEffort:
    """Number of initial guesses and descent steps of one search for intensity curves.

    The defaults find the right curve in most studies. Less effort suits tests and demonstrations.

    Args:
        starts: Integer of at least 2, initial guesses per direction. Defaults to 24.
        finalists: Integer of at least 1, guesses per direction that complete all steps. Defaults
            to 4.
        first_steps: Integer of at least 1, descent steps of the best quarter of the guesses; the
            better half completes two thirds of these steps, all others one third. Defaults to 60.
        steps: Integer of at least `first_steps`, total descent steps of a finalist. Defaults to
            220.

    Raises:
        ValueError: A number out of range.

    Example:
        >>> from keras_mri_cyclegan.unpaired_curves import SearchEffort
        >>> SearchEffort(starts=4, finalists=1, first_steps=10, steps=20)
        SearchEffort(starts=4, finalists=1, first_steps=10, steps=20)
    """

    starts: int = 24
    finalists: int = 4
    first_steps: int = 60
    steps: int = 220

    def __post_init__(self):
        _checks.positive_int("starts", self.starts, minimum=2)
        _checks.positive_int("finalists", self.finalists)
        _checks.positive_int("first_steps", self.first_steps)
        _checks.positive_int("steps", self.steps, minimum=self.first_steps)
