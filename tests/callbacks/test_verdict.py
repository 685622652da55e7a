"""Words that follow from three distances."""

import numpy as np
import pytest

from keras_mri_cyclegan.callbacks.verdict import verdict


@pytest.mark.parametrize(
    ("best", "start", "copy", "worked", "back", "words"),
    [
        (0.3, 0.4, 1.0, True, False, "better than a copy and than the start: "),
        (0.45, 0.4, 1.0, True, False, "better than a copy, and about as good as the start: "),
        (0.3, 3.0, 1.0, True, False, "better than a copy: "),  # began with random weights
        (0.7, 0.4, 1.0, False, True, "made the start worse"),
        (0.99, 3.0, 1.0, False, False, "no better than a copy"),
        (1.2, 1.1, 1.0, False, False, "no better than a copy"),
        (np.inf, np.inf, 1.0, False, False, "no better than a copy"),
        (np.inf, 0.4, 1.0, False, True, "made the start worse"),
    ],
)
def test_verdict(best, start, copy, worked, back, words):
    found = verdict(best, start, copy)
    assert found.worked is worked
    assert found.start_is_better is back
    assert words in found.text
