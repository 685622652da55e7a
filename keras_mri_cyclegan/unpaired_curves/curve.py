"""Intensity curve: a piecewise linear function with equally spaced nodes on [-1, 1]."""

import numpy as np

NODES = 48


def locate(values: np.ndarray, nodes: int = NODES) -> tuple[np.ndarray, np.ndarray]:
    """Return the node below each value, and the position up to the next node, from 0 to 1."""
    place = (np.clip(values, -1, 1) + 1) * ((nodes - 1) / 2)
    below = np.minimum(place.astype("int32"), nodes - 2)
    return below, (place - below).astype("float32")


def apply(curve: np.ndarray, below: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Return the values of the curve at the positions from `locate`."""
    return curve[below] * (1 - share) + curve[below + 1] * share


def gradient(slopes: np.ndarray, below: np.ndarray, share: np.ndarray, nodes: int) -> np.ndarray:
    """Backpropagate the gradient `slopes` of the mapped values to the nodes, `(nodes,)`."""
    below, share, slopes = below.ravel(), share.ravel(), slopes.ravel()
    left = np.bincount(below, slopes * (1 - share), nodes)
    return left + np.bincount(below + 1, slopes * share, nodes)
