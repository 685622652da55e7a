"""Result of `evaluate`: all scores with intervals and the values of each image."""

import dataclasses
import os
from typing import Any

import numpy as np

from keras_mri_cyclegan._checks import one_of
from keras_mri_cyclegan.evaluation import tables
from keras_mri_cyclegan.evaluation.bootstrap import bootstrap_interval
from keras_mri_cyclegan.evaluation.columns import Column

REGIONS = ("whole", "mask")


@dataclasses.dataclass(frozen=True)
class Score:
    """One number of the table.

    Attributes:
        mean: Mean over the counted images. `inf` if every image is without error, NaN if no image
            has a number.
        low: Lower end of the bootstrap interval; NaN without an interval.
        high: Upper end of the bootstrap interval.
        values: The number of each image, float64 `(images,)`.
        counted: Mask of the images in the mean, boolean `(images,)`.
    """

    mean: float
    low: float
    high: float
    values: np.ndarray = dataclasses.field(repr=False)
    counted: np.ndarray = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True, repr=False)
class Evaluation:
    """The table that :func:`keras_mri_cyclegan.evaluate` returns.

    `print` shows it.

    Attributes:
        scores: Every :class:`Score` by `(direction, row, region, metric)`, such as `("ab", "model",
            "whole", "psnr")`. The region is `"whole"` or `"mask"`.
        columns: The metrics, in order.
        names: Names of A and B.
        images: Number of pairs.
        groups: The patient of each image, or `None`.
        data_range: As passed to `evaluate`.
        confidence: As passed to `evaluate`.
        resamples: As passed to `evaluate`.
        seed: As passed to `evaluate`.
        notes: Notes for the reader: images and metrics left out, limits of the intervals.
    """

    scores: dict[tuple[str, str, str, str], Score]
    columns: list[Column]
    names: tuple[str, str]
    images: int
    groups: np.ndarray | None
    data_range: float
    confidence: float
    resamples: int
    seed: int
    notes: list[str]

    def score(
        self, metric: str, row: str = "model", direction: str = "ab", region: str = "whole"
    ) -> Score:
        """Return one number.

        Args:
            metric: Such as `"psnr"`.
            row: Such as `"model"` or `"copy the input"`. Defaults to `"model"`.
            direction: `"ab"` or `"ba"`. Defaults to `"ab"`.
            region: `"whole"` or `"mask"`. Defaults to `"whole"`.

        Raises:
            ValueError: The table has no such number.
        """
        one_of("region", region, REGIONS)
        key = (direction, row, region, metric)
        if key not in self.scores:
            parts = [list(dict.fromkeys(part)) for part in zip(*self.scores, strict=True)]
            raise ValueError(
                f"There is no {metric!r} of {row!r} in direction {direction!r}, region "
                f"{region!r}. There are: metrics {parts[3]}, rows {parts[1]}, directions "
                f"{parts[0]}, regions {parts[2]}."
            )
        return self.scores[key]

    def difference(
        self,
        metric: str,
        row: str = "model",
        minus: str = "best intensity curve",
        direction: str = "ab",
        region: str = "whole",
    ) -> Score:
        """Compare two rows image by image: the score of `row` minus that of `minus`.

        Both rows are over the same images, so their difference is more certain than each score: its
        interval may exclude 0 although the intervals of both scores overlap.

        Args:
            metric: Such as `"psnr"`.
            row: Defaults to `"model"`.
            minus: Defaults to `"best intensity curve"`.
            direction: `"ab"` or `"ba"`. Defaults to `"ab"`.
            region: `"whole"` or `"mask"`. Defaults to `"whole"`.

        Raises:
            ValueError: The table has no such numbers.
        """
        first = self.score(metric, row, direction, region)
        second = self.score(metric, minus, direction, region)
        with np.errstate(invalid="ignore"):  # infinite minus infinite
            values = first.values - second.values
        counted = first.counted & second.counted
        if not counted.any():
            return Score(np.nan, np.nan, np.nan, values, counted)
        low, high = bootstrap_interval(
            values[counted],
            confidence=self.confidence,
            resamples=self.resamples,
            seed=self.seed,
            groups=None if self.groups is None else self.groups[counted],
        )
        return Score(float(values[counted].mean()), low, high, values, counted)

    def to_dict(self, per_image: bool = False) -> dict[str, Any]:
        """Return everything as dictionaries, lists, strings and numbers, ready for JSON.

        Args:
            per_image: Whether to add the number of each image. Defaults to `False`.

        Returns:
            The settings, and under `"scores"`, by direction, row, region and metric, `mean`, `low`,
            `high` and `images`, the number of images in the mean. Missing and infinite values, such
            as the PSNR of two equal images, are `None`.
        """
        scores: dict[str, Any] = {}
        for (direction, row, region, metric), score in self.scores.items():
            entry: dict[str, Any] = {
                "mean": _none_unless_finite(score.mean),
                "low": _none_unless_finite(score.low),
                "high": _none_unless_finite(score.high),
                "images": int(score.counted.sum()),
            }
            if per_image:
                entry["values"] = [_none_unless_finite(value) for value in score.values]
            by_region = scores.setdefault(direction, {}).setdefault(row, {})
            by_region.setdefault(region, {})[metric] = entry
        return {
            "names": list(self.names),
            "images": self.images,
            "groups": None if self.groups is None else self.groups.tolist(),
            "data_range": self.data_range,
            "confidence": self.confidence,
            "resamples": self.resamples,
            "seed": self.seed,
            "notes": list(self.notes),
            "scores": scores,
        }

    def to_csv(self, path: str | os.PathLike | None = None, per_image: bool = False) -> str:
        """Return the numbers as CSV, and write them if a path is given.

        Args:
            path: The file, replaced only once the new one is complete. Defaults to none.
            per_image: `False` gives a line for each number, with its interval; `True` a line for
                each image and row, with a column for each measure. Defaults to `False`.

        Returns:
            The text. Missing values are empty.

        Raises:
            ValueError: The file cannot be written, or has the ending of another format.
        """
        text = tables.csv_of_images(self) if per_image else tables.csv_of_means(self)
        return tables.saved(text, path, "CSV", ".csv")

    def to_markdown(self, path: str | os.PathLike | None = None) -> str:
        """Return the tables as Markdown, and write them if a path is given.

        Args:
            path: The file, replaced only once the new one is complete. Defaults to none.

        Raises:
            ValueError: The file cannot be written, or is named as one of another kind.
        """
        return tables.saved(tables.markdown(self), path, "Markdown", ".md")

    def __str__(self) -> str:
        return tables.plain_text(self)

    def __repr__(self) -> str:
        rows = list(dict.fromkeys(row for _, row, _, _ in self.scores))
        return f"<Evaluation of {self.images} pairs, rows {rows}: print it for the table>"


def _none_unless_finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None  # JSON knows neither NaN nor infinity
