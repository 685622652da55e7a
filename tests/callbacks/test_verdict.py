"""Words that follow from three scores."""

import numpy as np
import pytest

from keras_mri_cyclegan.callbacks.verdict import verdict


@pytest.mark.parametrize(
    ("best", "start", "copy", "worked", "back", "words"),
    [
        (3.0, 4.0, 10.0, True, False, "better than a copy and than the start"),
        (3.0, 30.0, 10.0, True, False, "better than a copy: "),  # began with random weights
        (4.0, 3.0, 10.0, False, True, "made the start worse"),
        (9.9, 30.0, 10.0, False, False, "no better than a copy"),
        (12.0, 11.0, 10.0, False, False, "no better than a copy"),
        (np.inf, np.inf, 10.0, False, False, "no better than a copy"),
        (np.inf, 4.0, 10.0, False, True, "made the start worse"),
    ],
)
def test_verdict(best, start, copy, worked, back, words):
    found = verdict(best, start, copy)
    assert found.worked is worked
    assert found.start_is_better is back
    assert words in found.text
    assert ("than the start" in found.text) == (worked and start < copy)
