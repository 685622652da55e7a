"""A head as a label map, with its tissues and its place in space."""

import os
from collections.abc import Mapping

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.simulation.labels import to_tissues
from keras_mri_cyclegan.simulation.soft_tissue import divide_soft_tissue
from keras_mri_cyclegan.simulation.tissues import BRAIN, TISSUES
from keras_mri_cyclegan.volumes import Volume, VolumeError, read_volume


class LabelHead:
    """A label map with a table from its labels to tissues, ready to be cut into slices.

    Args:
        labels: A `Volume` of whole numbers, or the path of a file that `read_volume` can read.
        table: A label table's name or a dictionary from labels to tissues, as in `label_table`.
        fat_depth: Where labels say `"soft_tissue"` only, so many millimetres below the skin are
            fat. Defaults to 5.

    Raises:
        ValueError: Numbers that are not whole, or labels that the table does not have.
        VolumeError: A file that cannot be read, or to which one of the above applies.
        ImportError: There is `"soft_tissue"` to divide, and scipy is not installed.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import LabelHead
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> labels = np.zeros((20, 20, 20))
        >>> labels[4:16, 4:16, 4:16] = 3
        >>> labels[8:12, 8:12, 8:12] = 2
        >>> head = LabelHead(Volume(labels, np.eye(4)), "freesurfer")
        >>> head
        <LabelHead 20 x 20 x 20, 1 x 1 x 1 mm: white_matter, grey_matter>
        >>> head.centre.tolist()
        [9.5, 9.5, 9.5]
    """

    def __init__(
        self,
        labels: Volume | str | os.PathLike,
        table: str | Mapping[int, str],
        fat_depth: float = 5.0,
    ):
        path = None
        if isinstance(labels, (str, os.PathLike)):
            path, labels = labels, read_volume(labels)
        if not isinstance(labels, Volume):
            raise ValueError(
                "`labels` must be a `Volume` or a path. Received: "
                f"{type(labels).__name__}. An array becomes one by `Volume(array, affine)`."
            )
        fat_depth = _checks.weight("fat_depth", fat_depth)
        try:
            numbers = to_tissues(labels.array, table)
            if not numbers.any():
                raise ValueError("`labels` holds no tissue, only air.")
        except ValueError as error:
            if path is None:
                raise
            raise VolumeError(path, f"{error}") from error
        self.affine = labels.affine
        self.spacing = labels.spacing
        # uint8 (i, j, k): 0 for air, else 1 and the place in `TISSUES`.
        self.tissues = divide_soft_tissue(numbers, labels.spacing, fat_depth)
        present = np.bincount(self.tissues.ravel(), minlength=len(TISSUES) + 1)[1:] > 0
        self.names = tuple(name for name, there in zip(TISSUES, present, strict=True) if there)
        self.centre, self.lower, self.upper = self._extent()

    def _extent(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The middle and two corners, in mm, of the box around the brain, or around everything."""
        in_brain = np.zeros(len(TISSUES) + 1, bool)
        in_brain[[1 + TISSUES.index(name) for name in BRAIN]] = True
        brain = in_brain[self.tissues]
        if not brain.any():
            brain = self.tissues > 0
        ends = []
        for axis in range(3):
            other = tuple(a for a in range(3) if a != axis)
            there = np.flatnonzero(brain.any(axis=other))
            ends.append((there[0], there[-1]))
        corners = np.stack(np.meshgrid(*ends, indexing="ij")).reshape(3, -1)
        points = self.affine[:3, :3] @ corners + self.affine[:3, 3:]
        lower, upper = points.min(axis=1), points.max(axis=1)
        return (lower + upper) / 2, lower, upper

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.tissues.shape))
        spacing = " x ".join(f"{size:.4g}" for size in self.spacing)
        return f"<LabelHead {shape}, {spacing} mm: {', '.join(self.names)}>"
