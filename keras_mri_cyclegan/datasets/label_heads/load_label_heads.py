"""SynthSeg's label maps of 20 heads, downloaded once, or label maps from a folder."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from keras_mri_cyclegan.datasets._cache import cache_folder, check_writable
from keras_mri_cyclegan.datasets._download import checked_url, download
from keras_mri_cyclegan.datasets.label_heads.label_heads import LabelHeads
from keras_mri_cyclegan.simulation import label_table
from keras_mri_cyclegan.volumes import VolumeError, find_volumes, read_volume

# A commit, so that the files stay the same: the one that named them as they are named today.
BASE_URL = (
    "https://raw.githubusercontent.com/BBillot/SynthSeg/3168fdf38ad220bd1927be43b67c5e9409a78ee7/"
    "data/training_label_maps"
)
NAMES = tuple(f"training_seg_{number:02}.nii.gz" for number in range(1, 21))
TABLE = "synthseg"
LICENCE = (
    "SynthSeg's label maps are licensed under the Apache License 2.0 "
    "(https://www.apache.org/licenses/LICENSE-2.0). If you use them, cite Billot et al., SynthSeg: "
    "Segmentation of brain MRI scans of any contrast and resolution without retraining, Medical "
    "Image Analysis 86 (2023) 102789; their source is https://github.com/BBillot/SynthSeg"
)


def load_label_heads(
    data_dir: str | os.PathLike | Iterable[str | os.PathLike] | None = None,
    table: str | Mapping[int, str] = TABLE,
    fat_depth: float = 5.0,
    cache_dir: str | os.PathLike | None = None,
    base_url: str = BASE_URL,
    verbose: int = 1,
) -> LabelHeads:
    """Heads to simulate scans from: SynthSeg's label maps of 20 people, or one's own.

    The first call downloads 20 NIfTI files of about 1 MB each: automatic segmentations of the
    whole head, 1 mm, published with SynthSeg (Billot et al., Medical Image Analysis 2023) under the
    Apache License 2.0, which asks to keep its notice with copies; nothing has to be accepted first.
    A download that broke off goes on where it stopped. Later calls need no connection.

    SynthSeg publishes no checksums. Instead, each file is read to its end after the download,
    which compares the checksum that gzip keeps, and must not hold a label that the table
    `"synthseg"` lacks.

    Args:
        data_dir: A folder of label maps, a pattern of paths, or a list of them, as `find_volumes`
            takes them, in any format that `read_volume` reads; nothing is then downloaded.
            Defaults to `None`: SynthSeg's.
        table: What the labels stand for: the name of a label table, or a dictionary from labels to
            tissues, as in `label_table`. Defaults to `"synthseg"`, which has FreeSurfer's labels as
            well.
        fat_depth: Where labels say `"soft_tissue"` only, so many millimetres below the skin are
            fat. Defaults to 5.
        cache_dir: Where downloads are kept, in `datasets/synthseg`. Defaults to `None`: Keras'
            folder, `~/.keras`, or `KERAS_HOME`.
        base_url: The address of the folder that the files are in, for a mirror. Defaults to
            SynthSeg's repository on GitHub, at one commit.
        verbose: 0 for no output, 1 for progress, what was found, and the licence. Defaults to 1.

    Returns:
        A `LabelHeads`, a sequence of `LabelHead`, for `draw_head_maps`. It reads a file when its
        head is asked for, so that one head is in memory at a time. Each file is a person: keep
        those of `heads[16:]`, say, for validation.

    Raises:
        ValueError: An argument out of its range; no label map; a download that is none, or another.
            A label map of one's own is opened later: what is wrong with it is raised then.
        ConnectionError: The server cannot be reached, or the connection breaks off.
        OSError: The disk is full.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> from keras_mri_cyclegan.datasets import load_label_heads
        >>> from keras_mri_cyclegan.simulation import draw_head_maps
        >>> from keras_mri_cyclegan.volumes import Volume, write_volume
        >>> labels = np.zeros((20, 20, 20), "uint8")
        >>> labels[2:18, 2:18, 2:18] = 3
        >>> labels[6:14, 6:14, 6:14] = 2
        >>> folder = tempfile.mkdtemp()
        >>> for person in ("anna", "ben"):
        ...     volume = Volume(labels, np.diag([8, 8, 8, 1]))
        ...     _ = write_volume(volume, os.path.join(folder, f"{person}.nii.gz"))
        >>> heads = load_label_heads(folder, table="freesurfer", verbose=0)
        >>> heads[1]
        <LabelHead 20 x 20 x 20, 8 x 8 x 8 mm: white_matter, grey_matter>
        >>> draw_head_maps(heads, count=3, size=32, pixel=7)
        <HeadMaps 6 x 32 x 32, 7 mm, 2 heads, 2 tissues>
    """
    if data_dir is not None:
        heads = LabelHeads(_found(data_dir), table, fat_depth)
        if verbose:
            print(f"Label maps found: {len(heads)}.")
        return heads
    url = checked_url(base_url)
    cache = cache_folder(cache_dir, "synthseg")
    heads = LabelHeads([str(cache / name) for name in NAMES], table, fat_depth, LICENCE)
    missing = [name for name in NAMES if not (cache / name).exists()]
    if missing:
        check_writable(cache)
        if verbose:
            print(f"Downloading {len(missing)} label maps from {url} to {cache}")
        for name in missing:
            download(f"{url}/{name}", cache / name, _fault_of, "a folder of label maps", 1, verbose)
    if verbose:
        print(f"SynthSeg's label maps of {len(heads)} heads.\n{LICENCE}")
    return heads


def _found(data_dir: str | os.PathLike | Iterable[str | os.PathLike]) -> list[str]:
    try:
        return find_volumes(data_dir)
    except ValueError as error:
        raise ValueError(f"`data_dir`: {error}") from error


def _fault_of(path: Path) -> str | None:
    try:
        labels = read_volume(path).array
    except VolumeError as error:
        return f"is not the label map of a head: {str(error).removeprefix(f'`{path}`: ')}"
    others = sorted(set(np.unique(labels).tolist()) - set(label_table(TABLE)))
    if not others:
        return None
    return (
        f"is not the label map of a head: found values such as {others[0]:g}. Expected labels of "
        "SynthSeg's only."
    )
