"""One pass over the training scans of a contrast."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

import keras

from keras_mri_cyclegan.preprocessing.step import Step
from keras_mri_cyclegan.volumes import Volume, VolumeError, find_volumes, read_volume
from keras_mri_cyclegan.volumes.synthetic import is_synthetic


def fit_domain(
    steps: Sequence[Step],
    volumes: Any,
    domain: str,
    verbose: int,
    reading: dict[str, Any] | None = None,
    synthetic: list[str] | None = None,
) -> list[dict[str, Any]]:
    """Return the state of each step, reading each of `volumes` once and keeping none.

    `synthetic` takes the names of those that say that they are.
    """
    volumes = _iterable(volumes, domain)
    steps = [step.for_domain(domain) for step in steps]
    learning = [index for index, step in enumerate(steps) if step.has_state]
    if not learning:
        return [{} for _ in steps]
    summaries: dict[int, list[dict[str, Any]]] = {index: [] for index in learning}
    total = len(volumes) if hasattr(volumes, "__len__") else None
    progress = keras.utils.Progbar(total, unit_name="scan") if verbose else None
    count = 0
    for count, item in enumerate(volumes, 1):
        volume = read_if_path(item, reading)
        if synthetic is not None and is_synthetic(volume):
            synthetic.append(f"`{volume.path}`")
        try:
            _summarize(steps, volume, summaries)
        except VolumeError as error:
            if volume.path is not None:
                raise
            raise VolumeError(f"volume {count} of domain {domain}", str(error)) from error
        if progress is not None:
            progress.update(count, finalize=False)
    if not count:
        raise ValueError(
            f"`{domain}` holds no scan. Expected at least one file or volume to fit the "
            "preprocessing on: look at the folder or the pattern, or whether a generator was "
            "used before."
        )
    if progress is not None:
        progress.update(count, finalize=True)
    return [
        step.fit(summaries[index]) if index in summaries else {} for index, step in enumerate(steps)
    ]


def read_if_path(value: Any, reading: dict[str, Any] | None = None) -> Volume:
    """Return a volume, read from its file, with these options, if `value` is a path."""
    if isinstance(value, Volume):
        return value
    if isinstance(value, (str, os.PathLike)):
        return read_volume(os.fspath(value), **(reading or {}))
    raise ValueError(
        "A scan must be a `Volume`, or the path of a file. Received: "
        f"{type(value).__name__}. For an array: `Volume(array, affine)`."
    )


def _summarize(
    steps: Sequence[Step], volume: Volume, summaries: dict[int, list[dict[str, Any]]]
) -> None:
    last = max(summaries)
    for index, step in enumerate(steps[: last + 1]):
        if index in summaries:
            summaries[index].append(step.summarize(volume))
        if index < last:
            volume, _ = step.apply(volume, {})


def _iterable(volumes: Any, domain: str) -> Iterable:
    if isinstance(volumes, (str, os.PathLike)):
        return find_volumes(os.fspath(volumes))
    if isinstance(volumes, Volume) or not hasattr(volumes, "__iter__"):
        raise ValueError(
            f"`{domain}` must be scans to fit on: a list or another iterable of files or volumes, "
            f"a folder or a glob. Received: {type(volumes).__name__}. A single one: `[scan]`."
        )
    return volumes
