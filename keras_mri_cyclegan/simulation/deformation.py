"""Spatial variation of heads: turned, scaled, shifted, bent and mirrored."""

import itertools
from dataclasses import dataclass

import numpy as np

from keras_mri_cyclegan.simulation._ranges import check_ranges
from keras_mri_cyclegan.simulation.smooth_field import smooth_field

_STEPS = 16  # places are rounded to this part of a pixel


@dataclass(frozen=True)
class Deformation:
    """Ranges of the random deformation of a head.

    Args:
        rotation: Largest angle in the plane, in degrees. Defaults to 12.
        scale: Smallest and largest magnification. Defaults to `(0.85, 1.15)`.
        shift: Largest shift along each axis, as a fraction of the field of view. Defaults to 0.04.
        warp: Standard deviation of a smooth displacement, as a fraction of the field of view.
            Defaults to 0.01.
        cells: Cells along each axis of the lattice of that displacement. Defaults to 4.
        flip: Probability that left and right are exchanged. Defaults to 0.5.

    Raises:
        ValueError: A number out of its range.
    """

    rotation: float = 12.0
    scale: tuple[float, float] = (0.85, 1.15)
    shift: float = 0.04
    warp: float = 0.01
    cells: int = 4
    flip: float = 0.5

    def __post_init__(self) -> None:
        check_ranges(self, above_zero=("scale", "cells"), probabilities=("flip",))

    def draw(
        self,
        source: tuple[int, ...],
        target: tuple[int, ...],
        step: float,
        rng: np.random.Generator,
    ) -> np.ndarray:
        """Draw where each pixel of a picture comes from.

        Args:
            source: Shape of the maps, `([depth,] height, width)`.
            target: Shape of the picture.
            step: Distance of the picture's pixels in pixels of the maps.
            rng: `numpy.random.Generator`.

        Returns:
            float32 array `(axes, *target)` of places in the maps, as indices along their axes.
        """
        axes = len(source)
        matrix = np.eye(axes)
        angle = np.radians(rng.uniform(-self.rotation, self.rotation))
        cosine, sine = np.cos(angle), np.sin(angle)
        matrix[-2:, -2:] = [[cosine, -sine], [sine, cosine]]  # rows and columns
        matrix *= step / rng.uniform(*self.scale)
        if rng.random() < self.flip:
            matrix[:, -1] *= -1
        centred = [np.arange(n, dtype="float32") - np.float32((n - 1) / 2) for n in target]
        extent = np.array(target) * step
        places = np.empty((axes, *target), "float32")
        for axis in range(axes):
            middle = (source[axis] - 1) / 2
            place = middle + rng.uniform(-self.shift, self.shift) * extent[axis]
            place = np.full([1] * axes, place, "float32")
            for other in range(axes):
                line = centred[other] * np.float32(matrix[axis, other])
                place = place + line.reshape([-1 if k == other else 1 for k in range(axes)])
            if self.warp:
                field = smooth_field(target, self.cells, rng)
                place = place + np.float32(self.warp * extent[axis]) * field
            places[axis] = place
        return places


def warp(maps: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The maps at other places, linear between pixels and empty outside.

    Places are rounded to a sixteenth of a pixel: weights are then whole numbers, and sums of bytes
    are several times as fast as sums of floats.

    Args:
        maps: uint8 array `([depth,] height, width, tissues)`, 255 for a full pixel.
        places: float32 array `(axes, *target)`, indices along the axes of the maps.

    Returns:
        float32 array `(tissues, *target)`, 1 for a full pixel.
    """
    *source, tissues = maps.shape
    target = places.shape[1:]
    steps = np.rint(places.reshape(len(source), -1) * _STEPS).astype("int32")
    below, part = steps // _STEPS, steps % _STEPS
    sums = np.uint16 if len(source) == 2 else np.uint32  # 255 * 16**2 is still of 16 bits
    total = np.zeros((steps.shape[1], tissues), sums)
    flat = maps.reshape(-1, tissues)
    for corner in itertools.product((0, 1), repeat=len(source)):
        weight = np.ones(steps.shape[1], sums)
        index = np.zeros(steps.shape[1], "int32")
        for axis, up in enumerate(corner):
            place = below[axis] + up
            inside = (place >= 0) & (place < source[axis])
            weight *= ((part[axis] if up else _STEPS - part[axis]) * inside).astype(sums)
            index = index * source[axis] + np.clip(place, 0, source[axis] - 1)
        total += flat.take(index, axis=0) * weight[:, None]
    full = np.float32(255 * _STEPS ** len(source))
    return np.ascontiguousarray(total.T).astype("float32").reshape(tissues, *target) / full
