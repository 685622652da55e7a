"""How good translations are where no pair is known: one number to compare epochs by."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.metrics.displacement import displacement
from keras_mri_cyclegan.metrics.histogram_distance import histogram_distance

GOOD_DISPLACEMENT = 0.5  # Pixels: less cannot be told from rounding to a pixel.
GOOD_CYCLE = 0.1  # Of how much the images vary.
GOOD_HISTOGRAM = 0.1  # Of how far A and B are apart, which is what a copy is from its target ...
SPLITS = 16  # ... or, if that is more, of how far random halves of the real images are apart.


class UnpairedScore:
    """Scores translations between images of A and of B that are no pairs; lower is better.

    For each direction the sum of three numbers, each divided by what is good, so that no unit
    matters; the score is the mean of both directions:

    - how far the anatomy moved, the median over the images of `displacement`, by half a pixel;
    - how far from its origin a round trip ends, the mean absolute error, by a tenth of the real
      images' mean absolute deviation from their median;
    - how far the translations' intensities are from those of real images, `histogram_distance`, by
      a tenth of the distance between A and B, or between random halves of the real images if that
      is more.

    Each is about 1 where translations are good. None alone is enough: a copy of the input moves
    nothing and comes back unharmed, but scores 10 for its histogram; wrong anatomy of the right
    contrast scores 2 for each pixel; noise does not find its way back. What none of them sees is
    two tissues of equal size whose intensities changed places.

    Args:
        a: Images of A, `(images, height, width, channels)` or `(images, depth, height, width,
            channels)`, floats in [-1, 1].
        b: Images of B, likewise; they need not show the same slices, nor be as many.
        max_shift: The largest displacement looked for, in pixels. Defaults to 4.

    Raises:
        ValueError: Images that cannot be compared.

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
                    f"`{domain}` holds no image with an edge, so no displacement can be found. "
                    "Give slices that show anatomy."
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
        # A translation without any edge has lost its anatomy altogether.
        return float(np.median(np.where(np.isfinite(moved), moved, self.max_shift)))


def _between_halves(images: np.ndarray) -> float:
    """The mean histogram distance between random halves of the images; 0 for a single one."""
    half = len(images) // 2
    if half == 0:
        return 0.0
    rng = np.random.default_rng(0)
    orders = [rng.permutation(len(images)) for _ in range(SPLITS)]
    return float(np.mean([histogram_distance(images[o[:half]], images[o[half:]]) for o in orders]))
