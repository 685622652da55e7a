"""Turning an array so that its axes point where they are wanted: exact, nothing is interpolated."""

from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes import Volume

OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}


def checked_codes(name: str, value: Any) -> str:
    """Return `value` if it names three axes as in `"RAS"`: one letter of each of RL, AP, IS."""
    letters = value.upper() if isinstance(value, str) else ""
    axes = sorted(min(letter, OPPOSITE.get(letter, letter)) for letter in letters)
    if axes != ["A", "I", "L"]:
        raise ValueError(
            f"`{name}` must say where each axis points with one letter of R/L (right, left), one "
            "of A/P (front, back) and one of S/I (head, feet), for example 'RAS'. "
            f"Received: {value!r}."
        )
    return letters


def to_codes(array: np.ndarray, affine: np.ndarray, codes: str) -> np.ndarray:
    """Return `array`, on the grid of `affine`, with its axes permuted and flipped to `codes`.

    Oblique axes count as the direction that they are nearest to.
    """
    return _turned(array, _transform(affine, codes))


def from_codes(array: np.ndarray, affine: np.ndarray, codes: str) -> np.ndarray:
    """Return `array`, whose axes point as `codes` say, turned to the axes of `affine`."""
    from nibabel.orientations import ornt_transform

    natural = np.array([[0, 1], [1, 1], [2, 1]])
    return _turned(array, ornt_transform(natural, _transform(affine, codes)))


def turned_volume(volume: Volume, codes: str) -> Volume:
    """Return `volume` with its array, mask and affine turned to `codes`."""
    from nibabel.orientations import inv_ornt_aff

    transform = _transform(volume.affine, codes)
    return volume.replace(
        array=_turned(volume.array, transform),
        affine=volume.affine @ inv_ornt_aff(transform, volume.shape),
        mask=None if volume.mask is None else _turned(volume.mask, transform),
    )


def _transform(affine: np.ndarray, codes: str) -> np.ndarray:
    from nibabel.orientations import axcodes2ornt, io_orientation, ornt_transform

    return ornt_transform(io_orientation(affine), axcodes2ornt(tuple(codes)))


def _turned(array: np.ndarray, transform: np.ndarray) -> np.ndarray:
    from nibabel.orientations import apply_orientation

    return np.ascontiguousarray(apply_orientation(array, transform))
