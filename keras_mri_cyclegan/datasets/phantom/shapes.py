"""Shapes as signed distances in mm (negative inside), and how much of a pixel they cover."""

from itertools import pairwise

import numpy as np


def ellipsoid(
    points: np.ndarray, centre, semi_axes, turn: float = 0.0, fullness: float = 0.0
) -> np.ndarray:
    """Approximate signed distance to an ellipsoid: exact on its surface.

    Args:
        points: Positions (3, n) in mm.
        centre: Centre (x, y, z) in mm.
        semi_axes: Half lengths in mm along the ellipsoid's own x, y, z.
        turn: Rotation around z in degrees, anticlockwise when seen from above.
        fullness: How far the corners between x and y are filled, 0 (not at all) to 0.5.
    """
    x, y, z = (points[i] - np.float32(centre[i]) for i in range(3))
    cosine, sine = np.float32(np.cos(np.radians(turn))), np.float32(np.sin(np.radians(turn)))
    a, b, c = (np.float32(value) for value in semi_axes)
    u, v, w = (cosine * x + sine * y) / a, (cosine * y - sine * x) / b, z / c
    corners = np.float32(fullness) * (u * v) ** 2
    radius = np.sqrt(np.maximum(u * u + v * v + w * w - corners, 0))
    slope = np.sqrt((u / a) ** 2 + (v / b) ** 2 + (w / c) ** 2)
    return radius * (radius - 1) / np.maximum(slope, np.float32(1e-6))


def tube(points: np.ndarray, path) -> np.ndarray:
    """Signed distance to a bent tube through the balls (x, y, z, radius) of `path`, in mm."""
    nearest = np.full(points.shape[1], np.inf, dtype="float32")
    path = np.asarray(path, dtype="float32")
    for start, end in pairwise(path):
        along = end[:3] - start[:3]
        offset = points - start[:3, None]
        position = np.clip(along @ offset / (along @ along), 0, 1)
        offset = offset - along[:, None] * position
        radius = start[3] + (end[3] - start[3]) * position
        nearest = np.minimum(nearest, np.sqrt((offset * offset).sum(axis=0)) - radius)
    return nearest


def inside(distance: np.ndarray, softness: float) -> np.ndarray:
    """Fraction of a square of side `softness` mm that lies inside a surface: 0 to 1."""
    return np.clip(np.float32(0.5) - distance / np.float32(softness), 0, 1)


def within_sheet(distance: np.ndarray, half_width, softness: float) -> np.ndarray:
    """Fraction of a square of side `softness` mm that a thin sheet covers.

    A sheet thinner than the square never fills it, which a single edge would get wrong.

    Args:
        distance: Distance in mm from the middle of the sheet, at least 0.
        half_width: Half the thickness of the sheet in mm.
        softness: Side of the square in mm.
    """
    return inside(distance - half_width, softness) - inside(distance + half_width, softness)
