"""Fitting of the transforms to the training scans of one domain."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import keras

from keras_mri_cyclegan.preprocessing.reorient import Reorient
from keras_mri_cyclegan.preprocessing.resample import Resample
from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.preprocessing.voxel_sizes import Sizes, voxel_size
from keras_mri_cyclegan.volumes import Volume, VolumeError, find_volumes, read_volume
from keras_mri_cyclegan.volumes.synthetic import is_synthetic


def fit_domain(
    steps: Sequence[Step],
    volumes: Any,
    domain: str,
    verbose: int,
    reading: dict[str, Any] | None = None,
    synthetic: list[str] | None = None,
) -> tuple[list[dict[str, Any]], Sizes]:
    """Fit the steps to the scans of a domain, in one pass with one scan in memory at a time.

    Args:
        steps: The transforms, in order.
        volumes: Files or volumes: an iterable, a folder or a glob.
        domain: `"a"` or `"b"`.
        verbose: 0 for silence, 1 for a progress bar.
        reading: Options of `read_volume`. Defaults to none.
        synthetic: List to which the names of scans marked as synthetic are added. Defaults to
            `None`: not checked.

    Returns:
        The state of each step, and the voxel size of each scan after the steps, where known.
    """
    volumes = _iterable(volumes, domain)
    steps = [step.for_domain(domain) for step in steps]
    learning = [index for index, step in enumerate(steps) if step.has_state]
    if not learning:
        return [{} for _ in steps], []
    sizes: Sizes = []
    summaries: dict[int, list[dict[str, Any]]] = {index: [] for index in learning}
    total = len(volumes) if hasattr(volumes, "__len__") else None
    progress = keras.utils.Progbar(total, unit_name="scan") if verbose else None
    count = 0
    for count, item in enumerate(volumes, 1):
        volume = read_if_path(item, reading)
        if synthetic is not None and is_synthetic(volume):
            synthetic.append(f"`{volume.path}`")
        try:
            prepared = _summarize(steps, volume, summaries)
            size = None if prepared is None else voxel_size(prepared)
        except VolumeError as error:
            if volume.path is not None:
                raise
            raise VolumeError(f"volume {count} of domain {domain}", str(error)) from error
        if size is not None:
            sizes.append((volume.path or f"volume {count} of domain {domain}", size))
        if progress is not None:
            progress.update(count, finalize=False)
    if not count:
        raise ValueError(
            f"`{domain}` holds no scan. Expected at least one file or volume to fit the "
            "preprocessing on: check the folder or the glob pattern, or whether a Python generator "
            "was consumed before."
        )
    if progress is not None:
        progress.update(count, finalize=True)
    states = [
        step.fit(summaries[index]) if index in summaries else {} for index, step in enumerate(steps)
    ]
    return states, sizes


def read_if_path(value: Any, reading: dict[str, Any] | None = None) -> Volume:
    """Return `value` if it is a volume, or read its file with the options `reading`."""
    if isinstance(value, Volume):
        return value
    if isinstance(value, (str, os.PathLike)):
        return read_volume(os.fspath(value), **(reading or {}))
    raise ValueError(
        "A scan must be a `Volume`, or the path of a file. Received: "
        f"{type(value).__name__}. For an array, use `Volume(array, affine)`."
    )


def _summarize(
    steps: Sequence[Step], volume: Volume, summaries: dict[int, list[dict[str, Any]]]
) -> Volume | None:
    """Add the volume's summaries to `summaries`, and return the volume on its final grid.

    Returns `None` if the final grid is unknown before all steps are fitted.
    """
    last = max(summaries)
    end = max([last, *(index + 1 for index, step in enumerate(steps) if step.changes_grid)])
    for index, step in enumerate(steps[: max(end, last + 1)]):
        if index in summaries:
            summaries[index].append(step.summarize(volume))
        if index >= end or step.needs_fit:
            continue
        if not isinstance(step, (Reorient, Resample)) and any(s.needs_fit for s in steps[:index]):
            return None  # a custom transform, which may expect normalised scans
        volume, _ = step.apply(volume, {})
    return volume


def _iterable(volumes: Any, domain: str) -> Iterable:
    if isinstance(volumes, (str, os.PathLike)):
        return find_volumes(os.fspath(volumes))
    if isinstance(volumes, Volume) or not hasattr(volumes, "__iter__"):
        raise ValueError(
            f"`{domain}` must be scans to fit on: a list or another iterable of files or volumes, "
            f"a folder or a glob. Received: {type(volumes).__name__}. For a single scan, use "
            "`[scan]`."
        )
    return volumes
