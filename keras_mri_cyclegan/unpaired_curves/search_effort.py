"""How much work a search for intensity curves does."""

import dataclasses

from keras_mri_cyclegan import _checks


@dataclasses.dataclass(frozen=True)
class SearchEffort:
    """Number of first guesses and of descent steps in one search for intensity curves.

    The defaults find the right curve in most studies. Less effort suits tests and demonstrations.

    Args:
        starts: Integer of at least 2, first guesses in each direction. Defaults to 24.
        finalists: Integer of at least 1, guesses in each direction that are followed to the end.
            Defaults to 4.
        first_steps: Integer of at least 1, descent steps of the better quarter of the guesses: all
            make a third of them, the better half two thirds. Defaults to 60.
        steps: Integer of at least `first_steps`, descent steps of a finalist in all. Defaults
            to 220.

    Raises:
        ValueError: A number out of its range.

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
