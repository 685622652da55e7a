"""Heads in files, of which one at a time is in memory."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import overload

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.simulation import LabelHead, label_table


class LabelHeads(Sequence[LabelHead]):
    """A sequence of heads that reads a label map when its head is asked for.

    `heads[0]` is a `LabelHead`, and reads the file anew each time; `heads[:16]` is a `LabelHeads`
    of 16 files, and reads none. A loop over the heads has one of them in memory.

    Args:
        paths: Files of label maps, for `read_volume`.
        table: What the labels stand for, as in `label_table`.
        fat_depth: As in `LabelHead`. Defaults to 5.
        licence: Under which terms the label maps may be used, and what to cite. Defaults to `""`:
            not known.

    Raises:
        ValueError: An argument out of its range.

    Example:
        >>> from keras_mri_cyclegan.datasets.label_heads import LabelHeads
        >>> heads = LabelHeads(["anna.nii.gz", "ben.nii.gz", "carl.nii.gz"], "freesurfer")
        >>> heads[:2], heads[-1:].paths
        (<LabelHeads: 2 files>, ['carl.nii.gz'])
    """

    def __init__(
        self,
        paths: Sequence[str],
        table: str | Mapping[int, str],
        fat_depth: float = 5.0,
        licence: str = "",
    ):
        if isinstance(paths, (str, os.PathLike)):
            raise ValueError(
                f"`paths` must be a list of files. Received: {paths!r}. For one file pass "
                "[path]; `load_label_heads` takes folders and patterns."
            )
        self.paths = list(paths)
        self.table = label_table(table)
        self.fat_depth = _checks.weight("fat_depth", fat_depth)
        self.licence = licence

    def __len__(self) -> int:
        return len(self.paths)

    def __iter__(self) -> Iterator[LabelHead]:
        for path in self.paths:
            yield LabelHead(path, self.table, self.fat_depth)

    @overload
    def __getitem__(self, index: int) -> LabelHead: ...

    @overload
    def __getitem__(self, index: slice) -> "LabelHeads": ...

    def __getitem__(self, index: int | slice) -> "LabelHead | LabelHeads":
        if isinstance(index, slice):
            return LabelHeads(self.paths[index], self.table, self.fat_depth, self.licence)
        return LabelHead(self.paths[index], self.table, self.fat_depth)

    def __repr__(self) -> str:
        return f"<LabelHeads: {len(self)} files>"
