"""Tissue maps of many slices, computed once and stored."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._endings import check_ending
from keras_mri_cyclegan.simulation.label_head import LabelHead
from keras_mri_cyclegan.simulation.tissue_maps import PLANES, tissue_maps
from keras_mri_cyclegan.simulation.tissues import BRAIN, TISSUES

_LEAST_BRAIN = 0.04  # of a picture
_TRIES = 50


@dataclass(frozen=True, eq=False)
class HeadMaps:
    """Tissue maps of slices or volumes of several heads.

    Args:
        maps: uint8 array `(slices, [depth,] height, width, tissues)`; 255 is a full pixel.
        tissues: Names of the tissues on the last axis.
        pixel: Side of a pixel in mm.
        heads: Number of the head that each slice is from, `(slices,)`.

    Raises:
        ValueError: Parts that do not fit each other.
    """

    maps: np.ndarray
    tissues: tuple[str, ...]
    pixel: float
    heads: np.ndarray

    def __post_init__(self) -> None:
        unknown = set(self.tissues) - set(TISSUES)
        if self.maps.dtype != np.uint8 or self.maps.ndim not in (4, 5):
            raise ValueError(
                "`maps` must be uint8, (slices, [depth,] height, width, tissues). Received: "
                f"{self.maps.dtype}, shape {self.maps.shape}."
            )
        fits = self.maps.shape[-1] == len(self.tissues) and self.maps.shape[0] == len(self.heads)
        if not fits or unknown or not len(self.maps):
            raise ValueError(
                "`maps` must have one slice for each of `heads`, and one map for each of "
                f"`tissues`, all of them in `TISSUES`. Received: maps of shape {self.maps.shape}, "
                f"{len(self.heads)} heads, tissues {self.tissues}."
            )

    def __len__(self) -> int:
        return len(self.maps)

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.maps.shape[1:-1]))
        return (
            f"<HeadMaps {len(self)} x {size}, {self.pixel:g} mm, {len(set(self.heads.tolist()))} "
            f"heads, {len(self.tissues)} tissues>"
        )

    def select(self, heads: Iterable[int]) -> "HeadMaps":
        """The slices of some heads only, for example to keep the others for validation.

        Raises:
            ValueError: There is no slice of these heads.
        """
        chosen = np.isin(self.heads, list(heads))
        if not chosen.any():
            raise ValueError(f"`heads` must name some of {sorted(set(self.heads.tolist()))}.")
        return HeadMaps(self.maps[chosen], self.tissues, self.pixel, self.heads[chosen])

    def save(self, path: str | os.PathLike) -> None:
        """Write a compressed `.npz` file, which `HeadMaps.load` reads.

        Raises:
            ValueError: The name of a file of another kind.
        """
        check_ending("path", path, "a `.npz` file", ".npz")
        np.savez_compressed(
            path, maps=self.maps, tissues=self.tissues, pixel=self.pixel, heads=self.heads
        )

    @classmethod
    def load(cls, path: str | os.PathLike) -> "HeadMaps":
        """Read what `save` wrote."""
        with np.load(path) as file:
            missing = {"maps", "tissues", "pixel", "heads"} - set(file.files)
            if missing:
                raise ValueError(f"{path} is not a file of `HeadMaps.save`: {missing} missing.")
            names = tuple(str(name) for name in file["tissues"])
            return cls(file["maps"], names, float(file["pixel"]), file["heads"])


def draw_head_maps(
    heads: Iterable[LabelHead],
    count: int,
    size: int | Sequence[int] = 128,
    pixel: float = 1.8,
    thickness: tuple[float, float] = (1.0, 5.0),
    planes: str | Sequence[str] = "axial",
    nod: tuple[float, float] = (-15.0, 25.0),
    tilt: float = 5.0,
    supersampling: int = 2,
    seed: int = 0,
) -> HeadMaps:
    """Cut heads into slices at random places, with random poses and thicknesses.

    Args:
        heads: `LabelHead` objects; an iterator is gone through once, so that one head at a time
            is in memory.
        count: Slices (or volumes) of each head.
        size: `(height, width)`, one integer for both, or `(depth, height, width)` for volumes.
            Defaults to 128.
        pixel: Side of a pixel in mm. Defaults to 1.8.
        thickness: Thinnest and thickest slice in mm. Defaults to `(1, 5)`.
        planes: One or several of `"axial"`, `"coronal"`, `"sagittal"`. Defaults to `"axial"`.
        nod: Range of the angle around the left-right axis, in degrees. Defaults to `(-15, 25)`.
        tilt: Largest angle around the two other axes, in degrees. Defaults to 5.
        supersampling: Points along each side of a pixel. Defaults to 2.
        seed: Seed of all random numbers, at least 0. Defaults to 0.

    Returns:
        `HeadMaps`. Slices with hardly any brain in them are drawn again.

    Raises:
        ValueError: An argument out of its range; no head; a head of which no slice shows brain.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import LabelHead, draw_head_maps
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> labels = np.zeros((20, 20, 20))
        >>> labels[2:18, 2:18, 2:18] = 3
        >>> labels[6:14, 6:14, 6:14] = 2
        >>> head = LabelHead(Volume(labels, np.diag([8, 8, 8, 1])), "freesurfer")
        >>> draw_head_maps([head], count=3, size=32, pixel=7)
        <HeadMaps 3 x 32 x 32, 7 mm, 1 heads, 2 tissues>
    """
    count = _checks.positive_int("count", count)
    seed = _checks.positive_int("seed", seed, minimum=0)
    names = (planes,) if isinstance(planes, str) else tuple(planes)
    for name in names:
        _checks.one_of("planes", name, PLANES)
    slices, whose = [], []
    for number, head in enumerate(heads):
        rng = np.random.default_rng([seed, number])
        for _ in range(count):
            slices.append(
                _one(head, names, size, pixel, thickness, nod, tilt, supersampling, number, rng)
            )
            whose.append(number)
    if not slices:
        raise ValueError("`heads` must hold at least one `LabelHead`.")
    stack = np.stack(slices)
    present = [k for k in range(len(TISSUES)) if stack[..., k].any()]
    maps = np.ascontiguousarray(stack[..., present])
    return HeadMaps(maps, tuple(TISSUES[k] for k in present), float(pixel), np.array(whose))


def _one(head, planes, size, pixel, thickness, nod, tilt, supersampling, number, rng):
    """One slice, uint8 `([depth,] height, width, tissues)`."""
    for _ in range(_TRIES):
        plane = planes[rng.integers(len(planes))]
        axis = {"sagittal": 0, "coronal": 1, "axial": 2}[plane]
        low, high = head.lower[axis] - head.centre[axis], head.upper[axis] - head.centre[axis]
        position = low + rng.uniform(0.08, 0.96) * (high - low)
        if not isinstance(size, (int, np.integer)) and len(size) == 3:
            position *= 0.2  # most of the head is in a volume wherever it is
        maps = tissue_maps(
            head,
            size,
            pixel,
            rng.uniform(*thickness),
            plane,
            -position if plane == "sagittal" else position,
            (rng.uniform(*nod), *rng.uniform(-tilt, tilt, 2)),
            supersampling=supersampling,
        )
        if maps[: len(BRAIN)].sum() >= _LEAST_BRAIN * maps[0].size:
            return np.moveaxis((maps * 255).round().astype("uint8"), 0, -1)
    raise ValueError(
        f"Head {number} shows hardly any brain in {_TRIES} slices of {size} pixels of {pixel} mm. "
        "Enlarge `size` or `pixel`, or look at its labels."
    )
