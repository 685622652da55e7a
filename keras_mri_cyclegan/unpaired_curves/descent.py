"""The way from a first guess of a curve to the nearest good one."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_mri_cyclegan.unpaired_curves.patches import Patches
from keras_mri_cyclegan.unpaired_curves.sliced_distance import sliced_distance

RATE, LAST_RATE = 0.06, 0.001  # Of Adam, falling in a straight line.
BETA_1, BETA_2 = 0.9, 0.99
SMOOTHNESS = 0.02  # Weight of the squared second differences.
LARGEST = 1.05  # Of a node's value: a little more than the range, so that a curve may reach it.


class State(NamedTuple):
    """A curve on its way.

    Attributes:
        curve: Values at the nodes.
        mean: Adam's moving mean of the gradient.
        square: Adam's moving mean of its square.
        step: How many steps were made.
    """

    curve: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    step: int = 0


def begin(curve: np.ndarray) -> State:
    """Return the state before the first step."""
    curve = np.asarray(curve, "float32")
    return State(curve, np.zeros(len(curve)), np.zeros(len(curve)))


def descend(
    state: State,
    until: int,
    steps: int,
    source: Sequence[Patches],
    target: Sequence[Patches],
    count: int,
    directions: int,
    shapes: int,
    rng: np.random.Generator,
) -> State:
    """Descend to step `until` of `steps`: less distance, less curvature. Air stays air.

    Each step sees patches of `shapes` of the shapes, drawn anew.
    """
    curve, mean, square, first = state
    for step in range(first, until):
        gradient = _curvature_gradient(curve)
        for shape in rng.permutation(len(source))[:shapes]:
            ours, theirs = source[shape], target[shape]
            slope = sliced_distance(curve, ours, theirs, count, directions, rng)[1]
            gradient += slope * (len(source) / shapes)
        mean = BETA_1 * mean + (1 - BETA_1) * gradient
        square = BETA_2 * square + (1 - BETA_2) * gradient**2
        rate = RATE * (1 - step / steps) + LAST_RATE
        change = mean / (1 - BETA_1 ** (step + 1))
        change /= np.sqrt(square / (1 - BETA_2 ** (step + 1))) + 1e-8
        curve = np.clip(curve - rate * change, -LARGEST, LARGEST).astype("float32")
        curve[0] = -1
    return State(curve, mean, square, until)


def _curvature_gradient(curve: np.ndarray) -> np.ndarray:
    bend = np.diff(curve.astype("float64"), 2) * SMOOTHNESS
    gradient = np.zeros(len(curve))
    gradient[:-2] += bend
    gradient[1:-1] -= 2 * bend
    gradient[2:] += bend
    return gradient
