"""Score of translations without pairs, to compare epochs."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.metrics.displacement import displacement
from keras_mri_cyclegan.metrics.histogram_distance import histogram_distance

GOOD_DISPLACEMENT = 0.5  # pixels; smaller displacements are within rounding to a pixel
GOOD_CYCLE = 0.1  # fraction of the images' mean absolute deviation
# Fraction of the histogram distance between A and B (that of a copy from its target domain), or,
# if larger, between random halves of the real images.
GOOD_HISTOGRAM = 0.1
SPLITS = 16  # number of random splits into halves


class UnpairedScore:
    """Score of translations between unpaired images of A and B; lower is better.

    The score is the mean over both directions of the sum of three terms, each divided by a typical
    good value:

    - displacement of the anatomy: the median over the images of `displacement`, divided by half a
      pixel;
    - cycle error: the mean absolute error after translation to the other domain and back, divided
      by a tenth of the real images' mean absolute deviation from their median;
    - difference of the intensity distributions of translations and real images: the
      `histogram_distance`, divided by a tenth of the distance between A and B, or between random
      halves of the real images if that is larger.

    Each term is about 1 for good translations. All three are needed: a copy of the input has no
    displacement and no cycle error, but its histogram term is 10; wrong anatomy in the right
    contrast scores 2 per pixel of displacement; noise has a large cycle error. No term detects that
    two tissues of equal size have exchanged their intensities.

    Args:
        a: Images of A, `(images, height, width, channels)` or `(images, depth, height, width,
            channels)`, floats in [-1, 1].
        b: Images of B, likewise; slices and number of images may differ from those of A.
        max_shift: The largest displacement searched for, in pixels. Defaults to 4.

    Raises:
        ValueError: The images cannot be compared.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.callbacks.unpaired_score import UnpairedScore
        >>> a, b = kmc.datasets.load_phantom(("t1", "t2"), slices=4, size=64)
        >>> score = UnpairedScore(a, b)
        >>> truth = score({"ab": lambda x: b if x is a else a, "ba": lambda x: a}.get)
        >>> copy = score(lambda direction: lambda x: x)
        >>> truth["score"] < 1, round(copy["score"])
        (True, 10)
    """

    def __init__(self, a: Any, b: Any, max_shift: int = 4):
        self.images = {"a": _checks.images("a", a), "b": _checks.images("b", b)}
        self.max_shift = _checks.positive_int("max_shift", max_shift)
        both_apart = histogram_distance(self.images["a"], self.images["b"])
        self._has_edges = {}
        self._good_cycle = {}
        self._good_histogram = {}
        for domain, images in self.images.items():
            has_edges = np.isfinite(displacement(images, images, max_shift=self.max_shift))
            if not has_edges.any():
                raise ValueError(
                    f"`{domain}` holds no image with an edge, so no displacement can be measured. "
                    "Pass slices that show anatomy."
                )
            self._has_edges[domain] = has_edges
            spread = float(np.abs(images - np.median(images)).mean())
            self._good_cycle[domain] = GOOD_CYCLE * spread
            self._good_histogram[domain] = GOOD_HISTOGRAM * max(
                both_apart, _between_halves(images), 1e-2 * spread
            )

    def __call__(self, translator: Callable) -> dict[str, float]:
        """Return the three measures of each direction and the `score`.

        Args:
            translator: Function of a direction, `"ab"` or `"ba"`, that returns a function from
                images to their translations in that direction.

        Returns:
            `score`, and in their own units `displacement_ab` and `displacement_ba` (pixels),
            `cycle_error_a` and `cycle_error_b` (intensity), `histogram_ab` and `histogram_ba`
            (intensity). The score of translations that are not finite is infinite.
        """
        there, back = translator("ab"), translator("ba")
        found, total = {}, 0.0
        for source, target, one, other in (("a", "b", there, back), ("b", "a", back, there)):
            images, way = self.images[source], f"{source}{target}"
            made = one(images)
            finite = bool(np.isfinite(made).all())
            again = other(made) if finite else np.full_like(images, np.nan)
            moved = self._displacement(source, made) if finite else np.nan
            apart = histogram_distance(made, self.images[target]) if finite else np.nan
            error = float(np.abs(again.astype("float64") - images).mean())
            found[f"displacement_{way}"] = moved
            found[f"cycle_error_{source}"] = error
            found[f"histogram_{way}"] = apart
            total += moved / GOOD_DISPLACEMENT
            total += error / self._good_cycle[source] + apart / self._good_histogram[target]
        return {"score": total / 2 if np.isfinite(total) else np.inf, **found}

    def _displacement(self, source: str, made: np.ndarray) -> float:
        use = self._has_edges[source]
        moved = displacement(self.images[source][use], made[use], max_shift=self.max_shift)
        # A translation without any edge has lost its anatomy: count it as the largest shift.
        return float(np.median(np.where(np.isfinite(moved), moved, self.max_shift)))


def _between_halves(images: np.ndarray) -> float:
    """Return the mean histogram distance between random halves of the images; 0 for one image."""
    half = len(images) // 2
    if half == 0:
        return 0.0
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(images)) for _ in range(SPLITS)]
    return float(np.mean([histogram_distance(images[o[:half]], images[o[half:]]) for o in orders]))
