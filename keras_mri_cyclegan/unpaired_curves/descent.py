"""Gradient descent (Adam) on the nodes of an intensity curve, from an initial guess."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_mri_cyclegan.unpaired_curves.patches import Patches
from keras_mri_cyclegan.unpaired_curves.sliced_distance import sliced_distance

RATE, LAST_RATE = 0.06, 0.001  # First and last learning rate of Adam, with linear decay.
BETA_1, BETA_2 = 0.9, 0.99
SMOOTHNESS = 0.02  # Weight of the squared second differences.
LARGEST = 1.05  # Bound of the node values, slightly above 1 so that curves can reach 1.


class State(NamedTuple):
    """State of the descent: a curve and Adam's moments.

    Attributes:
        curve: Values at the nodes.
        mean: Adam's moving mean of the gradient.
        square: Adam's moving mean of the squared gradient.
        step: Number of completed steps.
    """

    curve: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    step: int = 0


def begin(curve: np.ndarray) -> State:
    """Return the initial state of a curve."""
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
    """Minimise distance and curvature up to step `until` of `steps`. Air stays air.

    Each step draws new patches of `shapes` randomly selected shapes.
    """
    curve, mean, square, first = state
    for step in range(first, until):
        gradient = _curvature_gradient(curve)
        for shape in rng.permutation(len(source))[:shapes]:
            slope = sliced_distance(curve, source[shape], target[shape], count, directions, rng)[1]
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
