"""Source attributes of a DICOM volume, as needed by the writer."""

import dataclasses
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes.dicom.frames import Frame


@dataclasses.dataclass(frozen=True, eq=False)
class DicomSource:
    """The attributes of a series, `SourceHeader.content` of a volume from DICOM.

    Args:
        datasets: The attributes of each file, `pydicom.FileDataset` without pixels and private
            attributes.
        frames: The image of each slice, in the order of the slices.
        affine: The affine with which the volume was read, `(4, 4)`.
        multiframe: Whether it is one file with functional groups.
        bits: How many bits of a stored number are in use.
        dtype: The type of a stored number; the header's is another where the values have become
            floating point numbers.
    """

    datasets: tuple[Any, ...]
    frames: tuple[Frame, ...]
    affine: np.ndarray
    multiframe: bool
    bits: int
    dtype: np.dtype

    @property
    def one_file(self) -> bool:
        """Whether derived images are written to one file (enhanced, or a single slice)."""
        return self.multiframe or len(self.datasets) == 1
