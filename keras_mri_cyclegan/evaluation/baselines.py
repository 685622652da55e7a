"""Baselines: the input itself, the best intensity curve, and the truth."""

from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.evaluation.intensity_curve import IntensityCurve
from keras_mri_cyclegan.evaluation.pairs import Pairs

COPY, CURVE, TRUTH = "copy the input", "best intensity curve", "the truth"
BASELINES = {"copy": COPY, "curve": CURVE, "truth": TRUTH}


def pick_baselines(wanted: Any, pairs: Pairs) -> tuple[tuple[str, ...], list[str]]:
    """Return the baselines for these pairs, and a note if there are none by default.

    Args:
        wanted: Keys of `BASELINES`, or `None` for all that the pairs permit.
        pairs: The pairs to score.

    Raises:
        ValueError: A name is unknown, or A and B have different numbers of channels.
    """
    possible = pairs.a.shape == pairs.b.shape
    if wanted is None:
        if possible:
            return tuple(BASELINES), []
        return (), ["No baselines: A and B have different numbers of channels."]
    chosen = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    for name in chosen:
        _checks.one_of("baselines", name, tuple(BASELINES))
    if chosen and not possible:
        raise ValueError(
            "`baselines` need as many channels in A as in B. Received: shapes "
            f"{pairs.a.shape} and {pairs.b.shape}. Pass `baselines=()`."
        )
    return chosen, []


def baseline_images(
    direction: str,
    wanted: tuple[str, ...],
    pairs: Pairs,
    curve_pairs: tuple[np.ndarray, np.ndarray] | None,
) -> dict[str, np.ndarray]:
    """Return the images of the rows `copy the input` and `best intensity curve`.

    Args:
        direction: `"ab"` or `"ba"`.
        wanted: Result of :func:`pick_baselines`.
        pairs: The pairs to score.
        curve_pairs: Pairs `(a, b)` to fit the curve on. `None` for the scored pairs.
    """
    source, truth = pairs.from_to(direction)
    made = {}
    if "copy" in wanted:
        made[COPY] = source
    if "curve" in wanted:
        fitted_on = (source, truth)
        if curve_pairs is not None:
            fitted_on = curve_pairs if direction == "ab" else curve_pairs[::-1]
        made[CURVE] = IntensityCurve().fit(*fitted_on)(source)
    return made
