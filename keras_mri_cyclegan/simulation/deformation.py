"""Spatial variation of heads: rotation, scaling, shift, warp and mirroring."""

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
    there = np.flatnonzero(_near_tissue(maps).take(_flat_index(steps // _STEPS, source)[0]))
    below, part = np.divmod(steps[:, there], _STEPS)
    sums = np.uint16 if len(source) == 2 else np.uint32  # 255 * 16**2 is still of 16 bits
    total = np.zeros((there.size, tissues), sums)
    flat = maps.reshape(-1, tissues)
    for corner in itertools.product((0, 1), repeat=len(source)):
        index, inside = _flat_index(below + np.array(corner, "int32")[:, None], source)
        weight: np.ndarray = inside.astype(sums)
        for axis, up in enumerate(corner):
            weight *= (part[axis] if up else _STEPS - part[axis]).astype(sums)
        total += flat.take(index, axis=0) * weight[:, None]
    result = np.zeros((tissues, steps.shape[1]), "float32")
    result[:, there] = total.T * np.float32(1 / (255 * _STEPS ** len(source)))
    return result.reshape(tissues, *target)


def _near_tissue(maps: np.ndarray) -> np.ndarray:
    """Whether there is tissue in a pixel or in the next one along any of the axes, flat."""
    near: np.ndarray = np.asarray(maps.any(axis=-1))
    for axis in range(near.ndim):
        first = (slice(None),) * axis
        wider = near.copy()
        wider[(*first, slice(None, -1))] |= near[(*first, slice(1, None))]
        near = wider
    return near.ravel()


def _flat_index(index: np.ndarray, shape: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices, clipped to the maps, and whether they were within them."""
    flat = np.zeros_like(index[0])
    inside = np.ones(index[0].shape, bool)
    for axis, size in enumerate(shape):
        clipped = np.clip(index[axis], 0, size - 1)
        inside &= clipped == index[axis]
        flat = flat * size + clipped
    return flat, inside
