"""Pathology: white-matter lesions and tumour-like masses."""

from dataclasses import dataclass

import numpy as np

from keras_mri_cyclegan.simulation._ranges import check_ranges
from keras_mri_cyclegan.simulation.blur import blur
from keras_mri_cyclegan.simulation.smooth_field import smooth_field
from keras_mri_cyclegan.simulation.tissues import BRAIN, TISSUES

_PLACE = {name: index for index, name in enumerate(TISSUES)}


@dataclass(frozen=True)
class Pathology:
    """How often, how many and how large lesions and masses are.

    Args:
        lesions: Probability that a head has white-matter lesions. Defaults to 0.5.
        lesion_count: Fewest and most lesions in a slice. Defaults to `(1, 15)`.
        lesion_radius: Smallest and largest radius of a lesion in mm. Defaults to `(1, 8)`.
        periventricular: Probability that such a head has a rim of lesions around the ventricles as
            well. Defaults to 0.5.
        mass: Probability of a tumour-like mass with oedema. Defaults to 0.1.
        mass_radius: Smallest and largest radius of the mass in mm. Defaults to `(6, 25)`.

    Raises:
        ValueError: A number out of its range.
    """

    lesions: float = 0.5
    lesion_count: tuple[int, int] = (1, 15)
    lesion_radius: tuple[float, float] = (1.0, 8.0)
    periventricular: float = 0.5
    mass: float = 0.1
    mass_radius: tuple[float, float] = (6.0, 25.0)

    def __post_init__(self) -> None:
        check_ranges(
            self,
            above_zero=("lesion_radius", "mass_radius"),
            probabilities=("lesions", "periventricular", "mass"),
        )

    def apply(self, maps: np.ndarray, pixel: float, rng: np.random.Generator) -> None:
        """Change tissue maps **in place**.

        Args:
            maps: float32 array `(tissues, [depth,] height, width)` in the order of `TISSUES`.
            pixel: Side of a pixel in mm.
            rng: `numpy.random.Generator`.
        """
        if rng.random() < self.lesions:
            count = int(rng.integers(int(self.lesion_count[0]), int(self.lesion_count[1]) + 1))
            low, high = np.log(self.lesion_radius)
            radii = np.exp(rng.uniform(low, high, count))
            add_lesions(maps, radii / pixel, rng)
            if rng.random() < self.periventricular:
                add_periventricular_rim(maps, rng.uniform(1.5, 6.0) / pixel, rng)
        if rng.random() < self.mass:
            add_mass(maps, rng.uniform(*self.mass_radius) / pixel, rng)


def add_lesions(maps: np.ndarray, radii: np.ndarray, rng: np.random.Generator) -> None:
    """Turn white matter into lesions, **in place**; most of them near the ventricles.

    Args:
        maps: float32 array `(tissues, [depth,] height, width)`.
        radii: Radius of each lesion in pixels.
        rng: `numpy.random.Generator`.
    """
    white = maps[_PLACE["white_matter"]]
    near = blur(maps[_PLACE["ventricle"]], 0.06 * white.shape[-1], white.ndim)
    chance = (white**2 * (0.1 * near.max() + near + 1e-6)).ravel().cumsum(dtype="float64")
    if chance[-1] <= 1e-4:  # no white matter
        return
    covered = np.zeros_like(white)
    for radius, start in zip(radii, rng.random(len(radii)) * chance[-1], strict=True):
        centre = np.unravel_index(int(np.searchsorted(chance, start)), white.shape)
        window, distance = _ellipsoid(white.shape, centre, float(radius), rng)
        softness = rng.uniform(1.0, 2.5)
        lesion = np.clip(0.5 - distance / np.float32(softness), 0, 1)
        covered[window] = np.maximum(covered[window], np.float32(rng.uniform(0.6, 1.0)) * lesion)
    _turn(maps, "white_matter", "lesion", covered)


def add_periventricular_rim(maps: np.ndarray, width: float, rng: np.random.Generator) -> None:
    """Turn white matter that touches the ventricles into lesion, unevenly, **in place**.

    Args:
        maps: float32 array `(tissues, [depth,] height, width)`.
        width: About how far the rim reaches, in pixels.
        rng: `numpy.random.Generator`.
    """
    ventricle = maps[_PLACE["ventricle"]]
    near = blur(ventricle, width, ventricle.ndim)
    uneven = 0.25 + 0.12 * smooth_field(ventricle.shape, 10, rng)
    uneven = np.maximum(uneven, 0.15)  # or it would be lesion far from any ventricle
    _turn(maps, "white_matter", "lesion", np.clip(4 * (near - uneven) + 0.5, 0, 1))


def add_mass(maps: np.ndarray, radius: float, rng: np.random.Generator) -> None:
    """Replace brain by a tumour-like mass, and white matter around it by oedema, **in place**.

    Args:
        maps: float32 array `(tissues, [depth,] height, width)`.
        radius: Radius of the mass in pixels.
        rng: `numpy.random.Generator`.
    """
    white = maps[_PLACE["white_matter"]]
    chance = white.ravel().cumsum(dtype="float64")
    if chance[-1] <= 1e-4:
        return
    place = int(np.searchsorted(chance, rng.random() * chance[-1]))
    centre = np.unravel_index(place, white.shape)
    window, distance = _ellipsoid(white.shape, centre, radius, rng, reach=2.5)
    part = maps[(slice(None), *window)]
    rough = radius * 0.2 * smooth_field(distance.shape, 6, rng)
    swollen = radius * rng.uniform(0.2, 1.0)
    wet = rng.uniform(0.4, 1.0) * np.clip(0.5 - (distance + rough - swollen) / 3, 0, 1)
    _turn(part, "white_matter", "oedema", wet)
    core = np.clip(0.5 - (distance - rough) / np.float32(1.5), 0, 1)
    for name in (*BRAIN, "ventricle", "csf", "choroid_plexus"):
        if name != "tumour":
            _turn(part, name, "tumour", core)
    if rng.random() < 0.5:  # the middle of a large mass dies, and holds more water
        dead = np.clip(0.5 - (distance + radius * rng.uniform(0.4, 0.7) + rough) / 2, 0, 1)
        _turn(part, "tumour", "oedema", dead)


def _ellipsoid(shape, centre, radius: float, rng: np.random.Generator, reach: float = 1.6):
    """A window around a centre, and the distance in it to an ellipsoid of a random shape."""
    half = int(np.ceil(reach * radius)) + 2
    window = tuple(
        slice(max(int(c) - half, 0), min(int(c) + half + 1, n))
        for c, n in zip(centre, shape, strict=True)
    )
    axes = [
        np.arange(w.start, w.stop, dtype="float32") - np.float32(c + rng.uniform(-0.5, 0.5))
        for w, c in zip(window, centre, strict=True)
    ]
    places = list(np.meshgrid(*axes, indexing="ij", sparse=True))
    angle = rng.uniform(0, np.pi)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    y, x = places[-2:]
    places[-2:] = [cosine * y + sine * x, cosine * x - sine * y]
    stretch = np.exp(rng.uniform(-0.35, 0.35, len(shape))).astype("float32")
    square = sum((place / s) ** 2 for place, s in zip(places, stretch, strict=True))
    return window, np.sqrt(square) - np.float32(radius)


def _turn(maps: np.ndarray, tissue: str, into: str, share: np.ndarray) -> None:
    moved = maps[_PLACE[tissue]] * share
    maps[_PLACE[tissue]] -= moved
    maps[_PLACE[into]] += moved
