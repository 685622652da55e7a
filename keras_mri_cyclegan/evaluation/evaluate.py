"""Evaluation of translations on pairs, with baselines."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.evaluation.baselines import (
    BASELINES,
    TRUTH,
    baseline_images,
    pick_baselines,
)
from keras_mri_cyclegan.evaluation.columns import pick_columns
from keras_mri_cyclegan.evaluation.evaluation import Evaluation, Score
from keras_mri_cyclegan.evaluation.pairs import (
    checked_curve_pairs,
    checked_names,
    checked_pairs,
)
from keras_mri_cyclegan.evaluation.scoring import scored, what_intervals_say, what_is_left_out
from keras_mri_cyclegan.evaluation.tables import title_of
from keras_mri_cyclegan.evaluation.translations import named_rows, pick_directions, translate


@_checks.one_range_warning()
def evaluate(
    model: Any,
    a: Any,
    b: Any,
    *,
    mask: Any = None,
    groups: Any = None,
    directions: Sequence[str] | None = None,
    names: tuple[str, str] = ("A", "B"),
    metrics: Sequence[str] | Mapping[str, Any] | None = None,
    data_range: float = 2.0,
    baselines: Sequence[str] | None = None,
    curve_pairs: tuple[Any, Any] | None = None,
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    batch_size: int = 8,
) -> Evaluation:
    """Score translations on pairs, as a table with bootstrap intervals.

    The rows are the baselines that any translation should beat, and the translation: the input
    itself (`copy the input`); the best function of the intensity of a pixel only, fitted **with**
    the pairs (`best intensity curve`, see
    :class:`~keras_mri_cyclegan.evaluation.IntensityCurve`); `model`; and `the truth`, which has
    only the displacement between true pairs, since that is never 0.

    The columns, each over the whole image and inside the mask if there is one:

    ====================== ========================================================================
    `"psnr"`               :func:`~keras_mri_cyclegan.metrics.psnr`, dB
    `"ssim"`               :func:`~keras_mri_cyclegan.metrics.ssim`
    `"ms_ssim"`            :func:`~keras_mri_cyclegan.metrics.ms_ssim`, from 112 pixels on
    `"nrmse"`              :func:`~keras_mri_cyclegan.metrics.nrmse`, as a part of `data_range`
    `"mae"`                :func:`~keras_mri_cyclegan.metrics.mae`, in the images' unit
    `"displacement"`       :func:`~keras_mri_cyclegan.metrics.displacement`, median in pixels,
                           between input and translation; whole image only
    `"histogram_distance"` :func:`~keras_mri_cyclegan.metrics.histogram_distance` between each
                           translation and its truth, in the images' unit
    ====================== ========================================================================

    Each number is the mean over the images, with a percentile bootstrap interval over the images.
    **Slices of one patient are not independent**: without `groups` the interval is too narrow.

    An image whose number is infinite or undefined in some row (PSNR where input and truth are both
    empty, anything where the mask is) is left out of that mean **in every row**, so that all rows
    are over the same images; a `UserWarning` and the table's notes give their number. A row without
    any finite number, such as a translation without any error, does not affect the other rows.

    Args:
        model: A `CycleGAN`, or another model with such a method `translate`; a generator or a
            function of the images, for one direction; finished translations by any software, an
            array for one direction; or a dictionary of these, `{"ab": ..., "ba": ...}`. Several
            models by name, `{"mine": model, "theirs": {"ab": array}}`, have one row each. `None`
            scores only the baselines.
        a: Images of A, floats `(images, height, width, channels)` or `(images, depth, height,
            width, channels)`, in [-1, 1] if a network translates them.
        b: Images of B: image k shows the same slice as image k of `a`.
        mask: Boolean, `(images, [depth,] height, width, 1)`: an additional region to score, such as
            the brain. Defaults to none.
        groups: The patient of each image, integers or strings, `(images,)`: the bootstrap then
            draws patients. Defaults to none: the bootstrap draws images.
        directions: `("ab", "ba")` or one of them. Defaults to all directions of `model`; a single
            generator, function or array stands for `"ab"`.
        names: Names of A and B, such as `("T1", "T2")`. Defaults to `("A", "B")`.
        metrics: Names from the table above; or a dictionary from titles to such names or to
            functions `(y_true, y_pred, *, data_range, mask)` that return one number for each image.
            Defaults to all that the images permit.
        data_range: The distance from the smallest to the largest value that an image can have.
            Defaults to 2.0, that of [-1, 1].
        baselines: Any of `"copy"`, `"curve"` and `"truth"`. Defaults to all; to none if A and B
            have different numbers of channels.
        curve_pairs: Pairs `(a, b)` to fit the intensity curve on, such as those of another patient.
            Defaults to the scored pairs themselves: then no other curve is better.
        confidence: Confidence level of the intervals, between 0 and 1. Defaults to 0.95.
        resamples: Number of bootstrap draws; with 0 there are no intervals. Defaults to 1000.
        seed: Seed of the draws. Defaults to 0.
        batch_size: Number of images translated and scored at once. Defaults to 8.

    Returns:
        An :class:`~keras_mri_cyclegan.evaluation.Evaluation`: `print` it, or use `score`,
        `difference`, `to_dict`, `to_csv`, `to_markdown`.

    Warns:
        UserWarning: Images are left out of a mean; images are in [0, 1]; `VolumeImages` of one
            patient are in several `groups`.

    Raises:
        ValueError: The arrays cannot be pairs, the translations do not fit them, values exceed
            `data_range`, or another argument cannot be used.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, t2 = kmc.datasets.load_phantom(slices=4, size=64)
        >>> table = kmc.evaluate(
        ...     lambda images: -images, t1, t2, names=("T1", "T2"), metrics=("psnr", "mae")
        ... )
        >>> psnr = table.score("psnr")  # of the row "model"
        >>> bool(psnr.low < psnr.mean < psnr.high)
        True
        >>> gain = table.difference("psnr", minus="best intensity curve")
        >>> bool(gain.mean < 0)
        True
    """
    pairs = checked_pairs(a, b, mask, groups, data_range)
    curve_pairs = checked_curve_pairs(curve_pairs, pairs.a)
    names = checked_names(names)
    if _checks.fraction("confidence", confidence) == 0:
        raise ValueError(f"`confidence` must be above 0, such as 0.95. Received: {confidence!r}.")
    _checks.positive_int("resamples", resamples, minimum=0)
    _checks.positive_int("seed", seed, minimum=0)
    _checks.positive_int("batch_size", batch_size)
    interval = {"confidence": confidence, "resamples": resamples, "seed": seed}
    columns, notes = pick_columns(metrics, pairs.a.shape, pairs.b.shape)
    wanted, more_notes = pick_baselines(baselines, pairs)
    rows = named_rows(model)
    if taken := set(rows) & set(BASELINES.values()):
        raise ValueError(f"`model` has rows with reserved names: {sorted(taken)}. Rename them.")
    if not rows and not wanted:
        raise ValueError("There is nothing to score: `model` is None and `baselines` is empty.")

    scores: dict[tuple[str, str, str, str], Score] = {}
    left_out: list[tuple[str, np.ndarray]] = []
    for direction in pick_directions(rows, directions):
        source, truth = pairs.from_to(direction)
        made = baseline_images(direction, wanted, pairs, curve_pairs)
        for name, row in rows.items():
            if not isinstance(row, Mapping) or direction in row:
                made[name] = translate(name, row, direction, source, truth, batch_size)
        if "truth" in wanted:  # last in the table
            made[TRUTH] = truth
        for region in pairs.regions:
            for column in columns:
                if region == "whole" or column.masked:
                    of_rows, counted = scored(
                        column, made, pairs, direction, region, interval, batch_size
                    )
                    for name, score in of_rows.items():
                        scores[direction, name, region, column.name] = score
                    if not counted.all():
                        where = title_of(names, direction, region)
                        left_out.append((f"{column.title} ({where})", counted))

    if not scores:
        raise ValueError("There is nothing to score: the truth has only the displacement.")
    if left_out:
        found = what_is_left_out(left_out)
        _checks.warn(" ".join(found))
        notes += found
    notes += more_notes
    if resamples:
        notes.append(what_intervals_say(pairs.groups))
    return Evaluation(
        scores=scores,
        columns=columns,
        names=names,
        images=len(pairs.a),
        groups=pairs.groups,
        data_range=pairs.data_range,
        confidence=confidence,
        resamples=resamples,
        seed=seed,
        notes=notes,
    )
