"""Tissue maps: the share of each tissue in each pixel of a slice, or voxel of a volume."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.simulation.label_head import LabelHead
from keras_mri_cyclegan.simulation.tissues import TISSUES

# Directions in which the slices, rows and columns of a picture go, in RAS+: front or head up, and
# the patient's left on the right, as radiologists look at slices.
_DIRECTIONS = {
    "axial": ((0, 0, 1), (0, -1, 0), (-1, 0, 0)),
    "coronal": ((0, 1, 0), (0, 0, -1), (-1, 0, 0)),
    "sagittal": ((-1, 0, 0), (0, 0, -1), (0, -1, 0)),
}
PLANES = tuple(_DIRECTIONS)


def tissue_maps(
    head: LabelHead,
    size: int | Sequence[int] = 128,
    pixel: float = 1.8,
    thickness: float = 3.0,
    plane: str = "axial",
    position: float = 0.0,
    turn: Sequence[float] = (0.0, 0.0, 0.0),
    shift: Sequence[float] = (0.0, 0.0),
    supersampling: int = 2,
) -> np.ndarray:
    """Cut a head into a slice, or a volume of slices, with partial volume.

    A pixel is sampled at `supersampling` points along each of its sides, and about one a
    millimetre through the slice; each point takes the nearest voxel's tissue, and a map holds the
    share of the points that have its tissue.

    Args:
        head: A `LabelHead`.
        size: `(height, width)` of a slice or one integer for both; `(depth, height, width)` for a
            volume of adjoining slices. Defaults to 128.
        pixel: Side of a pixel in mm. Defaults to 1.8.
        thickness: Thickness of a slice in mm. Defaults to 3.
        plane: `"axial"`, `"coronal"` or `"sagittal"`. Defaults to `"axial"`.
        position: Place of the slice, or of the volume's middle, across the plane, in mm from the
            middle of the brain to its top, its front or its left. Defaults to 0.
        turn: The head's rotation in degrees around the patient's left-right, front-back and
            foot-head axis: nodding, tilting to a shoulder, and looking to a side. Defaults to none.
        shift: Place of the picture's middle along rows and columns, in mm from the middle of the
            brain. Defaults to `(0, 0)`.
        supersampling: Points along each side of a pixel. Defaults to 2.

    Returns:
        float32 array `(tissues, [depth,] height, width)` in the order of `TISSUES`; a pixel's sum
        is 1 less its share of air.

    Raises:
        ValueError: An argument out of its range.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import LabelHead, TISSUES, tissue_maps
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> labels = np.zeros((20, 20, 20))
        >>> labels[4:16, 4:16, 4:16] = 3
        >>> head = LabelHead(Volume(labels, np.eye(4)), "freesurfer")
        >>> maps = tissue_maps(head, size=(8, 8), pixel=3, thickness=2)
        >>> maps.shape, maps[TISSUES.index("grey_matter"), 4].tolist()
        ((23, 8, 8), [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
        >>> tissue_maps(head, size=(5, 8, 8), pixel=3, thickness=3).shape
        (23, 5, 8, 8)
    """
    shape, flat = _checked_size(size)
    steps = (_positive("thickness", thickness), *[_positive("pixel", pixel)] * 2)
    points = _checks.positive_int("supersampling", supersampling)
    through = max(points, round(thickness))
    counts = (through, points, points)
    directions = np.array(_DIRECTIONS[_checks.one_of("plane", plane, PLANES)], "float64")
    rotation = rotation_matrix(_numbers("turn", turn, 3))
    middle = head.centre + rotation @ (
        np.array([float(position), *_numbers("shift", shift, 2)]) @ directions
    )
    # Voxel indices of the sample points are a sum of one term for each axis of the picture.
    to_voxels = np.linalg.inv(head.affine)
    start = to_voxels[:3, :3] @ middle + to_voxels[:3, 3]
    terms = []
    for axis in range(3):
        n = shape[axis] * counts[axis]
        along = (np.arange(n) - (n - 1) / 2) * steps[axis] / counts[axis]
        direction = to_voxels[:3, :3] @ rotation @ directions[axis]
        terms.append((direction[:, None] * along).astype("float32"))
    numbers = _nearest(head.tissues, start.astype("float32"), terms)
    maps = _shares(numbers, shape, counts)
    return maps[:, 0] if flat else maps


def rotation_matrix(turn: np.ndarray) -> np.ndarray:
    """Rotation by degrees around x, then y, then z."""
    matrix = np.eye(3)
    for axis, degrees in enumerate(turn):
        i, j = [k for k in range(3) if k != axis]
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one = np.eye(3)
        one[i, i] = one[j, j] = cosine
        one[i, j], one[j, i] = -sine, sine
        matrix = one @ matrix
    return matrix


def _nearest(tissues: np.ndarray, start: np.ndarray, terms: list[np.ndarray]) -> np.ndarray:
    """The tissue at each point; air outside the label map."""
    index: Any = None
    inside: Any = True
    for axis, n in enumerate(tissues.shape):
        place = start[axis] + np.float32(0.5)
        place = place + terms[0][axis][:, None, None] + terms[1][axis][:, None] + terms[2][axis]
        np.floor(place, out=place)
        inside = inside & (place >= 0) & (place < n)
        np.clip(place, 0, n - 1, out=place)
        index = place.astype("int32") if index is None else index * n + place.astype("int32")
    return np.where(inside, tissues.ravel().take(index), 0)


def _shares(numbers: np.ndarray, shape: tuple, counts: tuple) -> np.ndarray:
    """The share of each tissue among the points of each voxel."""
    maps = np.zeros((len(TISSUES), *shape), "float32")
    blocks = [side for pair in zip(shape, counts, strict=True) for side in pair]
    numbers = numbers.reshape(blocks)
    for number in np.flatnonzero(np.bincount(numbers.ravel())):
        if number:
            maps[number - 1] = (numbers == number).mean(axis=(1, 3, 5), dtype="float32")
    return maps


def _checked_size(size: Any) -> tuple[tuple[int, int, int], bool]:
    sides = (size, size) if isinstance(size, (int, np.integer)) else size
    if not isinstance(sides, (tuple, list)) or len(sides) not in (2, 3):
        raise ValueError(
            "`size` must be one integer, (height, width) or (depth, height, width). Received: "
            f"{size!r}."
        )
    sides = [_checks.positive_int("size", side) for side in sides]
    flat = len(sides) == 2
    depth, height, width = [1, *sides] if flat else sides
    return (depth, height, width), flat


def _positive(name: str, value: float) -> float:
    if not _checks.weight(name, value):
        raise ValueError(f"`{name}` must be above 0 (in mm). Received: {value!r}.")
    return float(value)


def _numbers(name: str, values: Sequence[float], count: int) -> np.ndarray:
    array = np.asarray(values, "float64")
    if array.shape != (count,) or not np.isfinite(array).all():
        raise ValueError(f"`{name}` must be {count} finite numbers. Received: {values!r}.")
    return array
