"""Columns of the table: the metrics of a translation, one number for each image."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from keras import ops

from keras_mri_cyclegan import metrics


@dataclasses.dataclass(frozen=True)
class Column:
    """One metric.

    Args:
        name: Key of the metric, such as `"psnr"`.
        title: Title to print, with the unit.
        function: `(y_true, y_pred, *, data_range, mask)` to one number for each image.
        better: `"higher"` or `"lower"`; empty if unknown.
        digits: Number of decimals to print.
        against_source: Whether the metric compares with the input instead of the truth.
        masked: Whether the metric can be restricted to a mask.
        smallest: Minimum number of pixels along each spatial axis.
    """

    name: str
    title: str
    function: Callable[..., Any]
    better: str = ""
    digits: int = 4
    against_source: bool = False
    masked: bool = True
    smallest: int = 1

    def values(
        self,
        source: np.ndarray,
        truth: np.ndarray,
        translated: np.ndarray,
        *,
        data_range: float,
        mask: np.ndarray | None,
        batch_size: int,
    ) -> np.ndarray:
        """Return one float64 number for each image, `(images,)`."""
        target = source if self.against_source else truth
        parts = []
        for start in range(0, len(target), batch_size):
            batch = slice(start, start + batch_size)
            scores = self.function(
                target[batch],
                translated[batch],
                data_range=data_range,
                mask=None if mask is None else mask[batch],
            )
            scores = np.asarray(ops.convert_to_numpy(scores), "float64")
            if scores.shape != target[batch].shape[:1]:
                raise ValueError(
                    f"`metrics`: {self.name!r} must give one number for each image, shape "
                    f"{target[batch].shape[:1]}. Received: shape {scores.shape}."
                )
            parts.append(scores)
        return np.concatenate(parts)


def _nrmse(y_true: Any, y_pred: Any, *, data_range: float, mask: Any) -> Any:
    # By the data range: with scikit-image's default, Euclidean, air (-1) counts as strong signal.
    return metrics.nrmse(
        y_true, y_pred, data_range=data_range, normalization="data_range", mask=mask
    )


def _displacement(source: Any, translated: Any, *, data_range: float, mask: Any) -> np.ndarray:
    return metrics.displacement(source, translated)


def _histogram_distance(y_true: Any, y_pred: Any, *, data_range: float, mask: Any) -> np.ndarray:
    inside = np.ones_like(y_true, bool) if mask is None else np.broadcast_to(mask, y_true.shape)
    return np.array(
        [
            metrics.histogram_distance(true[each], pred[each]) if each.any() else np.nan
            for true, pred, each in zip(y_true, y_pred, inside, strict=True)
        ]
    )


COLUMNS = {
    column.name: column
    for column in (
        Column("psnr", "PSNR (dB)", metrics.psnr, "higher", 2),
        Column("ssim", "SSIM", metrics.ssim, "higher", 3, smallest=7),
        Column("ms_ssim", "MS-SSIM", metrics.ms_ssim, "higher", 3, smallest=112),
        Column("nrmse", "NRMSE", _nrmse, "lower", 4),
        Column("mae", "MAE", metrics.mae, "lower", 4),
        Column(
            "displacement",
            "displacement (px)",
            _displacement,
            "lower",
            2,
            against_source=True,
            masked=False,
            smallest=9,
        ),
        Column("histogram_distance", "histogram dist.", _histogram_distance, "lower", 4),
    )
}


def pick_columns(
    wanted: Sequence[str] | Mapping[str, Any] | None, shape_a: tuple, shape_b: tuple
) -> tuple[list[Column], list[str]]:
    """Return the columns for images of these shapes, and notes on columns left out by default.

    Args:
        wanted: Names; or a dictionary from a title to a name or a function; or `None` for all that
            the images permit.
        shape_a: Shape of the images of A.
        shape_b: Shape of the images of B.

    Raises:
        ValueError: A name is unknown, a function is not callable, or the images do not permit a
            requested metric.
    """
    if wanted is None:
        found = [(column, _hindrance(column, shape_a, shape_b)) for column in COLUMNS.values()]
        notes = [f"{column.title} is left out: {why}." for column, why in found if why]
        return [column for column, why in found if not why], notes
    if isinstance(wanted, str) or not isinstance(wanted, (Mapping, Sequence)) or not wanted:
        raise ValueError(
            f"`metrics` must be a list of names out of {', '.join(COLUMNS)}, or a dictionary from "
            f"names to functions. Received: {wanted!r}."
        )
    named = wanted.items() if isinstance(wanted, Mapping) else [(name, name) for name in wanted]
    columns = [_column(title, value) for title, value in named]
    for column in columns:
        if why := _hindrance(column, shape_a, shape_b):
            raise ValueError(f"`metrics` asks for {column.name!r}, and {why}. Leave it out.")
    return columns, []


def _column(title: Any, value: Any) -> Column:
    if isinstance(title, str) and isinstance(value, str) and value in COLUMNS:
        column = COLUMNS[value]
        return column if title == value else dataclasses.replace(column, name=title, title=title)
    if isinstance(title, str) and callable(value):
        return Column(title, title, value)
    raise ValueError(
        f"`metrics` must hold names out of {', '.join(COLUMNS)}, or in a dictionary functions of "
        f"(y_true, y_pred, *, data_range, mask). Received: {title!r}: {value!r}."
    )


def _hindrance(column: Column, shape_a: tuple, shape_b: tuple) -> str:
    """Return why images of these shapes do not permit a metric, or an empty text."""
    spatial = shape_a[1:-1]
    if min(spatial) < column.smallest:
        size = " x ".join(map(str, spatial))
        return (
            f"it needs {column.smallest} pixels along each spatial axis, and the images are {size}"
        )
    if column.against_source and shape_a != shape_b:
        return (
            "it compares an image with its translation channel by channel, and the images of A "
            f"have {shape_a[-1]} channel(s), those of B {shape_b[-1]}"
        )
    return ""
