"""A scan on its way through a network, and what it takes to put it back."""

import dataclasses
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes import SourceHeader, Volume


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """A scan as `Preprocessing.prepare` left it, with what `restore` needs to undo that.

    Args:
        volume: The prepared volume, in [-1, 1].
        records: One dictionary for each step, JSON-able: what it did to this scan.
        domain: `"a"` or `"b"`.
        source_shape: The shape of the scan as it was read, `(i, j, k)`.
        source_affine: Its affine.
        source_header: What its file said.
        source_path: Its file.
    """

    volume: Volume
    records: list[dict[str, Any]]
    domain: str
    source_shape: tuple[int, int, int]
    source_affine: np.ndarray
    source_header: SourceHeader | None
    source_path: str | None
