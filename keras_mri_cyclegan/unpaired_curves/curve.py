"""A curve: a function of a pixel's value, straight between equally spaced nodes on [-1, 1]."""

import numpy as np

NODES = 48


def locate(values: np.ndarray, nodes: int = NODES) -> tuple[np.ndarray, np.ndarray]:
    """Return the node below each value and how far it lies towards the next one, from 0 to 1."""
    place = (np.clip(values, -1, 1) + 1) * ((nodes - 1) / 2)
    below = np.minimum(place.astype("int32"), nodes - 2)
    return below, (place - below).astype("float32")


def apply(curve: np.ndarray, below: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the curve's values at places that `locate` found."""
    return curve[below] * (1 - share) + curve[below + 1] * share


def gradient(slopes: np.ndarray, below: np.ndarray, share: np.ndarray, nodes: int) -> np.ndarray:
    """Return the gradient in the nodes of what has `slopes` in the curve's values: `(nodes,)`."""
    below, share, slopes = below.ravel(), share.ravel(), slopes.ravel()
    left = np.bincount(below, slopes * (1 - share), nodes)
    return left + np.bincount(below + 1, slopes * share, nodes)
