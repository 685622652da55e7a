"""Scores of one column: mean, bootstrap interval and counted images."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_mri_cyclegan.evaluation.baselines import TRUTH
from keras_mri_cyclegan.evaluation.bootstrap import bootstrap_interval
from keras_mri_cyclegan.evaluation.columns import Column
from keras_mri_cyclegan.evaluation.evaluation import Score
from keras_mri_cyclegan.evaluation.pairs import Pairs

LISTED = 8  # maximum number of image numbers in a note


def scored(
    column: Column,
    made: Mapping[str, np.ndarray],
    pairs: Pairs,
    direction: str,
    region: str,
    interval: dict,
    batch_size: int,
) -> tuple[dict[str, Score], np.ndarray]:
    """Return the score of each row, and the mask of the images in all means, `(images,)`.

    Args:
        column: The metric.
        made: The images of each row.
        pairs: The pairs to score against.
        direction: `"ab"` or `"ba"`.
        region: A key of `pairs.regions`.
        interval: `confidence`, `resamples` and `seed` of the bootstrap.
        batch_size: Number of images scored at once.
    """
    source, truth = pairs.from_to(direction)
    values = {
        name: column.values(
            source,
            truth,
            images,
            data_range=pairs.data_range,
            mask=pairs.regions[region],
            batch_size=batch_size,
        )
        for name, images in made.items()
        if name != TRUTH or column.against_source  # the truth has no error against itself
    }
    counted = _counted(values, len(source))
    rows = {name: _score(each, counted, pairs.groups, interval) for name, each in values.items()}
    return rows, counted


def _counted(values: dict[str, np.ndarray], images: int) -> np.ndarray:
    """Return the mask of the images with finite numbers in all rows that have any."""
    finite = [np.isfinite(of_row) for of_row in values.values()]
    finite = [of_row for of_row in finite if of_row.any()]
    return np.logical_and.reduce([np.ones(images, bool), *finite])


def _score(
    values: np.ndarray, counted: np.ndarray, groups: np.ndarray | None, interval: dict
) -> Score:
    if not np.isfinite(values).any():
        # All images are without error, or no image has a number.
        mean = float(values[0]) if (values == values[0]).all() else float("nan")
        return Score(mean, np.nan, np.nan, values, np.isfinite(values))
    if not counted.any():
        return Score(np.nan, np.nan, np.nan, values, counted)
    of_groups = None if groups is None else groups[counted]
    low, high = bootstrap_interval(values[counted], groups=of_groups, **interval)
    return Score(float(values[counted].mean()), low, high, values, counted)


def what_is_left_out(left_out: Sequence[tuple[str, np.ndarray]]) -> list[str]:
    """Return a note for each set of images that are left out of means.

    Args:
        left_out: Title of each mean, and the mask of its images.
    """
    means: dict[bytes, list] = {}
    for title, counted in left_out:
        means.setdefault(counted.tobytes(), [counted]).append(title)
    notes = []
    for counted, *titles in means.values():
        out = np.flatnonzero(~counted)
        listed = ", ".join(map(str, out[:LISTED])) + (", ..." if len(out) > LISTED else "")
        notes.append(
            f"{len(out)} of {len(counted)} images (number {listed}) are left out of the means, in "
            "every row alike, because some row is infinite (two equal images) or undefined (an "
            f"empty mask, an image without edges) there: {', '.join(titles)}."
        )
    return notes


def what_intervals_say(groups: np.ndarray | None) -> str:
    """Return a note on the limits of the intervals."""
    if groups is None:
        return (
            "The intervals assume independent images, but slices of one patient are not "
            "independent: pass `groups`, the patient of each image."
        )
    count = len(np.unique(groups))
    if count < 2:
        return "There is only one group, so there is no interval: it needs several patients."
    return f"The intervals draw whole groups, of which there are {count}."
