"""A seeded family of heads: which tissue is where, in mm.

Everything is a formula in the position, in millimetres, so that one subject looks the same at
every image size: x to the subject's left, y to the front, z up, and z = 0 at the level of the
commissures. Layers are painted from outside inwards, each over what lies below; soft edges give
the fractions of the tissues in a pixel.
"""

import numpy as np

from keras_mri_cyclegan.datasets.phantom.cortex import Cortex
from keras_mri_cyclegan.datasets.phantom.shapes import ellipsoid, inside, tube
from keras_mri_cyclegan.datasets.phantom.tissues import TISSUES
from keras_mri_cyclegan.datasets.phantom.waves import Waves

# Inner face of the skull of the mean head, in mm.
_CENTRE = (0.0, 0.0, 12.0)
_SEMI_AXES = (66.0, 82.0, 65.0)
_FULLNESS = 0.28

# Axial slices are taken from here to here: below the ventricles to near the vertex.
LOWEST, HIGHEST = -6.0, 62.0  # mm

_CORE_CENTRE, _CORE_SEMI_AXES = (0.0, 13.0, 4.0), (26.0, 38.0, 28.0)


class Head:
    """One subject: `Head(seed, subject)` is always the same head.

    Args:
        seed: Seed of the family, at least 0.
        subject: Number of the subject in the family, at least 0.
        lesions: Number of white-matter lesions. More lesions are added to the same ones.
    """

    def __init__(self, seed: int, subject: int, lesions: int = 0):
        rng = np.random.default_rng([seed, subject, 0])
        size = rng.normal(1.0, 0.02)
        self.scale = np.clip(size * rng.normal(1.0, 0.015, size=(3, 1)), 0.93, 1.05)
        self.rotation = _rotation(np.radians(np.clip(rng.normal(0, 2.5, size=3), -5, 5)))
        self.shift = rng.uniform(-2.0, 2.0, size=(3, 1))
        self.bend = [Waves(rng, 140.0, count=8) for _ in range(3)]
        self.egg = rng.uniform(0.02, 0.07)
        self.skull_noise = Waves(rng, 70.0, count=8)
        self.scalp_noise = Waves(rng, 110.0, count=8)
        self.ventricles = rng.uniform(-0.8, 1.8)
        self.gap = rng.uniform(1.2, 2.4)
        atrophy = rng.uniform(0.85, 1.25)
        self.thickness = rng.uniform(2.5, 3.0)
        self.cortex = Cortex(rng, _SEMI_AXES, (0.0, 0.0, 0.0), atrophy)
        self.lesions: list[tuple] = []
        self._draw_lesions(np.random.default_rng([seed, subject, 1]), lesions)

    def fractions(self, points: np.ndarray, softness: float) -> np.ndarray:
        """How much of each tissue there is around each point.

        Args:
            points: Positions (3, n) in mm, in the scanner.
            softness: Side in mm of the square that one point stands for.

        Returns:
            Fractions (tissues, n) in the order of `TISSUES`, float32; they sum to 1.
        """
        paint = _Paint(points.shape[1])
        points = self._into_head(points)
        skull = self._skull(points)
        self._paint_wrapping(paint, points, skull, softness)
        brain = np.flatnonzero(skull < softness)
        if brain.size:
            inner = _Paint(brain.size, "csf")
            self._paint_brain(inner, points[:, brain], skull[brain], softness)
            self._paint_lesions(inner, points[:, brain], softness)
            paint.put(brain, inner, inside(skull[brain], softness))
        return paint.fractions

    def _into_head(self, points):
        points = self.rotation.astype("float32") @ (points - self.shift).astype("float32")
        points = points / self.scale.astype("float32")
        return points + np.float32(1.0) * np.stack([bend(points) for bend in self.bend])

    def _skull(self, points):
        """Signed distance to the inner face of the skull; the forehead is the narrower end."""
        x = points[0] / (1 - np.float32(self.egg) * points[1] / _SEMI_AXES[1])
        return ellipsoid(
            np.stack([x, points[1], points[2]]), _CENTRE, _SEMI_AXES, fullness=_FULLNESS
        )

    def _paint_wrapping(self, paint, points, skull, softness):
        rough, soft = self.skull_noise(points), self.scalp_noise(points)
        ends = np.abs(points[1]) / np.float32(_SEMI_AXES[1])
        bone = 5.7 + 1.0 * ends + 0.6 * rough
        temple = np.exp(-(((points[1] - 22) / 30) ** 2) - ((points[2] + 14) / 24) ** 2)
        muscle = bone + 2.5 * temple * np.clip(np.abs(points[0]) / 50 - 0.2, 0, 1)
        fat = muscle + np.clip(3.2 + 0.7 * soft, 1.5, 5.0)
        paint.over("muscle", inside(skull - fat - 2.3, softness))
        paint.over("fat", inside(skull - fat, softness))
        paint.over("muscle", inside(skull - muscle, softness))
        paint.over("bone", inside(skull - bone, softness))
        paint.over(
            "marrow", inside(np.abs(skull - bone / 2) - bone / 2 + 1.9 - 0.5 * soft, softness)
        )

    def _paint_brain(self, paint, points, skull, softness):
        depth = -skull - np.float32(self.gap)
        core = ellipsoid(points, _CORE_CENTRE, _CORE_SEMI_AXES)
        fluid, distance = self.cortex.fluid(points, depth, core, softness)
        paint.over("grey_matter", inside(-depth, softness) * (1 - fluid))
        paint.over("white_matter", inside(self.thickness - distance, softness))
        # The corpus callosum and the capsules, in the middle, have no cortex.
        paint.over("white_matter", inside(core + 3.5, softness))
        self._paint_nuclei(paint, points, softness)

    def _paint_nuclei(self, paint, points, softness):
        half = points.copy()
        half[0] = np.abs(points[0])
        wide = self.ventricles
        caudate = [
            (17 + wide, 40, 2, 4.5),
            (17 + wide, 32, 10, 5.5),
            (19 + wide, 14, 22, 3.5),
            (24 + wide, -8, 21, 2.5),
        ]
        paint.over("caudate", inside(tube(half, caudate), softness))
        paint.over("putamen", inside(ellipsoid(half, (29, 20, 3), (5.5, 16, 11), 10), softness))
        paint.over("pallidum", inside(ellipsoid(half, (22, 15, 1), (4.5, 10, 7.5), 22), softness))
        paint.over("thalamus", inside(ellipsoid(half, (11, -3, 7), (8.5, 15, 10), 22), softness))
        ventricle = [
            (17, 50, 8, 1.5 + wide),
            (10, 40, 6, 3.5 + wide),
            (6 + wide, 28, 10, 3.8 + wide),
            (8 + wide, 14, 21, 5 + wide),
            (14, -10, 22, 5 + wide),
            (24, -27, 12, 5.5 + wide),
            (25, -50, 7, 2 + wide),
        ]
        paint.over("csf", inside(tube(half, ventricle), softness))
        temporal = [(24, -27, 12, 5 + wide), (33, -16, -4, 3 + wide), (34, 0, -14, 2.5)]
        paint.over("csf", inside(tube(half, temporal), softness))
        paint.over("csf", inside(ellipsoid(points, (0, 5, 0), (1.6 + wide / 2, 13, 11)), softness))
        paint.over("csf", inside(ellipsoid(points, (0, -27, -1), (9, 6, 8)), softness))

    def _paint_lesions(self, paint, points, softness):
        covered = np.zeros(points.shape[1], dtype="float32")
        for centre, semi_axes, turn in self.lesions:
            lesion = ellipsoid(points, centre, semi_axes, turn)
            covered = np.maximum(covered, inside(lesion, softness))
        # Ventricles, nuclei and cortex stay what they are.
        paint.turn("white_matter", "lesion", covered)

    def _draw_lesions(self, rng, lesions):
        """Lesions lie around the ventricles, with their centres in pure white matter."""
        white = TISSUES.index("white_matter")
        while len(self.lesions) < lesions:
            centre = rng.uniform((14, -45, 2), (42, 50, 42)) * (rng.choice((-1, 1)), 1, 1)
            semi_axes = rng.uniform(2.0, 5.5) * rng.uniform(0.7, 1.3, size=3)
            turn = rng.uniform(-90, 90)
            point = centre.astype("float32")[:, None]
            around = _Paint(1, "csf")
            self._paint_brain(around, point, self._skull(point), softness=4.0)
            if around.fractions[white, 0] > 0.99:
                self.lesions.append((centre, semi_axes, turn))


class _Paint:
    """Tissue fractions that later layers are painted over."""

    def __init__(self, count: int, ground: str = "air"):
        self.fractions = np.zeros((len(TISSUES), count), dtype="float32")
        self.fractions[TISSUES.index(ground)] = 1

    def over(self, tissue: str, opacity: np.ndarray):
        """Replace the share `opacity` (n,) of everything by `tissue`."""
        touched = np.flatnonzero(opacity)
        self.fractions[:, touched] *= 1 - opacity[touched]
        self.fractions[TISSUES.index(tissue), touched] += opacity[touched]

    def turn(self, tissue: str, into: str, share: np.ndarray):
        """Turn the share (n,) of one tissue into another, and nothing else."""
        moved = self.fractions[TISSUES.index(tissue)] * share
        self.fractions[TISSUES.index(tissue)] -= moved
        self.fractions[TISSUES.index(into)] += moved

    def put(self, where, other: "_Paint", opacity: np.ndarray):
        """Paint another picture over the points `where`."""
        self.fractions[:, where] *= 1 - opacity
        self.fractions[:, where] += other.fractions * opacity


def _rotation(angles) -> np.ndarray:
    """Rotation matrix from the angles around x, y and z in radians."""
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        i, j = [k for k in range(3) if k != axis]
        turn = np.eye(3)
        turn[i, i] = turn[j, j] = np.cos(angle)
        turn[i, j], turn[j, i] = -np.sin(angle), np.sin(angle)
        matrix = turn @ matrix
    return matrix
