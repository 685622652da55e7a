"""The folded cortex: where fluid reaches into the brain, and how far away it is.

Sulci are sheets of fluid that stand on the surface of the brain. Their course over the surface
is the zero set of a smooth random function, whose wavelength is two gyri; they end at a depth
that varies smoothly. Grey matter is whatever is within the cortical thickness of the fluid, so
that it lines each sulcus evenly, as in life, and white matter fills the gyri from within.
"""

import numpy as np

from keras_mri_cyclegan.datasets.phantom.shapes import within_sheet
from keras_mri_cyclegan.datasets.phantom.waves import Waves

_GYRUS_PAIR = 24.0  # mm: two gyri and the sulci between them
_UPRIGHT = 0.6  # 1: sulci point at the centre of the brain; 0: they lie in every direction
_SULCAL_DEPTH = 18.0  # mm, on average


class Cortex:
    """The fluid spaces of one brain that have cortex on their walls.

    Args:
        rng: `numpy.random.Generator` of the subject.
        semi_axes: Half lengths of the brain in mm, on whose surface the folds are laid out.
        centre: Centre of the brain in mm.
        atrophy: Widening of all fluid spaces; 1 is a young adult.
    """

    def __init__(self, rng: np.random.Generator, semi_axes, centre, atrophy: float):
        self.semi_axes = np.asarray(semi_axes, dtype="float32")[:, None]
        self.centre = np.asarray(centre, dtype="float32")[:, None]
        self.atrophy = np.float32(atrophy)
        self.folds = Waves(rng, _GYRUS_PAIR, count=24, spread=0.35)
        self.depth = Waves(rng, 55.0, count=8)
        self.bend = Waves(rng, 32.0, count=10)
        self.fissure_bend = Waves(rng, 60.0, count=8)
        self.stem_height = rng.uniform(-3.0, 3.0)

    def fluid(self, points, depth, core, softness):
        """The fluid around and between the gyri.

        Args:
            points: Positions (3, n) in mm.
            depth: Distance of the points below the brain's outer surface in mm, (n,).
            core: Signed distance to the unfolded middle of the brain, (n,).
            softness: Side in mm of the square that one point stands for.

        Returns:
            Fraction of fluid (n,), and distance in mm from the nearest fluid (n,).
        """
        fraction = np.zeros_like(depth)
        distance = depth
        sheets = (
            self._sulci(points, depth, core),
            self._interhemispheric_fissure(points, depth, core),
            *self._sylvian_fissure(points),
        )
        for sheet_distance, half_width in sheets:
            covered = within_sheet(sheet_distance, half_width, softness)
            fraction = np.maximum(fraction, covered)
            distance = np.minimum(distance, sheet_distance - half_width)
        return fraction, distance

    def _sulci(self, points, depth, core):
        # Both hemispheres fold alike but not equally: mirrored positions, bent differently.
        bend = np.float32(3.0) * self.bend(points)
        mirrored = points - self.centre
        mirrored[0] = np.abs(mirrored[0]) + bend
        mirrored[1] += bend
        # Laid out on the surface (radius 1) and carried inwards, so that sulci stand upright.
        radius = np.sqrt(((mirrored / self.semi_axes) ** 2).sum(axis=0))
        radius = np.maximum(radius, np.float32(0.2))
        shrink = radius ** np.float32(_UPRIGHT)
        value, gradient = self.folds.with_gradient(mirrored / shrink)
        normal = mirrored / self.semi_axes**2 / radius**2
        inwards = np.float32(_UPRIGHT) * (gradient * mirrored).sum(axis=0)
        gradient = (gradient - normal * inwards) / shrink
        slope = np.sqrt((gradient * gradient).sum(axis=0))
        # Along a sine wave of this wavenumber, the phase is the distance from the zero crossing.
        wavenumber = np.float32(2 * np.pi / _GYRUS_PAIR) / shrink
        sideways = np.arctan2(wavenumber * np.abs(value), slope) / wavenumber
        # The medial wall folds as well, less deeply, down to the corpus callosum.
        medial = np.sqrt((1.6 * points[0]) ** 2 + 9 * np.maximum(-core, 0) ** 2)
        below = np.minimum(depth, medial)
        lowest = np.clip(_SULCAL_DEPTH + np.float32(6) * self.depth(points), 4, 26)
        beyond = np.maximum(below - lowest, 0)
        half_width = self.atrophy * (0.4 + 0.9 * np.exp(-np.maximum(below, 0) / 4))
        return np.sqrt(sideways**2 + beyond**2), half_width

    def _interhemispheric_fissure(self, points, depth, core):
        bend = np.float32(1.2) * self.fissure_bend(points)
        beyond = np.maximum(-core, 0)
        half_width = self.atrophy * (0.7 + 1.2 * np.exp(-np.maximum(depth, 0) / 6))
        return np.sqrt((points[0] + bend) ** 2 + beyond**2), half_width

    def _sylvian_fissure(self, points):
        """The insula's outer face, and the cleft that leads from it to the surface."""
        x, y, z = np.abs(points[0]), points[1], points[2]
        wave = self.bend(points)
        above = np.maximum(z - 19, 0)
        face = 43.5 - (y - 18) ** 2 / 90 + 1.2 * wave
        ends = np.maximum(np.abs(y - 18) - 18, 0)
        insula = np.sqrt((x - face) ** 2 + ends**2 + above**2)
        course = 14 + self.stem_height - 0.4 * (x - 42) - 0.5 * z + 2.5 * wave
        medial = np.maximum(42 - x, 0)
        stem = np.sqrt((y - course) ** 2 + medial**2 + above**2)
        return (insula, 1.0 * self.atrophy), (stem, 1.6 * self.atrophy)
