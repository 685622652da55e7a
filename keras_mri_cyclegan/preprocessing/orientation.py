"""Reorientation of arrays by permuting and flipping axes, without interpolation."""

from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes import Volume

OPPOSITE = {"R": "L", "L": "R", "A": "P", "P": "A", "S": "I", "I": "S"}


def checked_codes(name: str, value: Any) -> str:
    """Validate orientation codes such as `"RAS"`: one letter each of R/L, A/P and I/S."""
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
    """Reorient `array` from the axes of `affine` to `codes`.

    Oblique axes are assigned to the nearest direction.
    """
    return _turned(array, _transform(affine, codes))


def from_codes(array: np.ndarray, affine: np.ndarray, codes: str) -> np.ndarray:
    """Reorient `array` from `codes` to the axes of `affine`: the inverse of `to_codes`."""
    from nibabel.orientations import ornt_transform

    natural = np.array([[0, 1], [1, 1], [2, 1]])
    return _turned(array, ornt_transform(natural, _transform(affine, codes)))


def turned_volume(volume: Volume, codes: str) -> Volume:
    """Reorient the array, mask and affine of `volume` to `codes`."""
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
