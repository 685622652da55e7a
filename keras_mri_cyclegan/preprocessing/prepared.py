"""A preprocessed scan with the records that undo its preprocessing."""

import dataclasses
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes import SourceHeader, Volume


@dataclasses.dataclass(frozen=True, eq=False)
class Prepared:
    """Result of `Preprocessing.prepare`, and the input of `Preprocessing.restore`.

    Args:
        volume: The prepared volume, in [-1, 1].
        records: One JSON-serialisable dictionary per step: how the step changed this scan.
        domain: `"a"` or `"b"`.
        source_shape: The shape of the scan before preprocessing, `(i, j, k)`.
        source_affine: The affine of the scan before preprocessing.
        source_header: The header of the scan's file, or `None`.
        source_path: The path of the scan's file, or `None`.
    """

    volume: Volume
    records: list[dict[str, Any]]
    domain: str
    source_shape: tuple[int, int, int]
    source_affine: np.ndarray
    source_header: SourceHeader | None
    source_path: str | None
