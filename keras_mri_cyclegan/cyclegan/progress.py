"""The running means that `fit` and `evaluate` show."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.metrics import PSNR, SSIM
from keras_mri_cyclegan.metrics.structural_similarity import WINDOW

DATA_RANGE = 2.0  # of images in [-1, 1]


class Progress:
    """The means of a CycleGAN's terms over an epoch, and of its scores over an evaluation.

    Not a layer, so that Keras does not save it with the model: it says how an epoch went so far,
    and begins anew with each.

    Args:
        terms: List of the terms' names.
        sizes: The images' sizes along each spatial axis. Where one is below 7, as in thin volumes,
            there is no structural similarity, whose window has 7 pixels.
    """

    def __init__(self, terms: list[str], sizes: tuple):
        thin = any(size is not None and size < WINDOW for size in sizes)
        self.terms = {name: keras.metrics.Mean(name=name) for name in terms}
        self.scores = {
            direction: [
                PSNR(DATA_RANGE, name=f"psnr_{direction}"),
                *([] if thin else [SSIM(DATA_RANGE, name=f"ssim_{direction}")]),
                keras.metrics.MeanAbsoluteError(name=f"mae_{direction}"),
            ]
            for direction in ("ab", "ba")
        }
        self.tell_of_left_out = True

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """All of them, terms first."""
        return [*self.terms.values(), *self.scores["ab"], *self.scores["ba"]]

    def update_terms(self, loss: Any, terms: dict[str, Any], batch: Any) -> dict[str, Any]:
        """Add a batch's terms to their means, and return these."""
        for name, value in {"loss": loss, **terms}.items():
            self.terms[name].update_state(value, sample_weight=ops.shape(batch)[0])
        return {name: mean.result() for name, mean in self.terms.items()}

    def update_scores(self, direction: str, truth: Any, translated: Any) -> dict[str, Any]:
        """Add the scores of a batch's translations to their means, and return these."""
        for score in self.scores[direction]:
            score.update_state(truth, translated)
        return {score.name: score.result() for score in self.scores[direction]}

    def warn_of_left_out(self) -> None:
        """Warn, once, of images that the mean of a score leaves out."""
        counts = {
            score.name: int(score.left_out)
            for score in (*self.scores["ab"], *self.scores["ba"])
            if hasattr(score, "left_out")
        }
        if self.tell_of_left_out and any(counts.values()):
            told = ", ".join(f"{count} of `{name}`" for name, count in counts.items() if count)
            _checks.warn(
                f"Images are left out of the means: {told}. Their translation equals the truth, as "
                "in slices that are air in both, so their PSNR is infinite. SSIM and the mean "
                "absolute error are over all images."
            )
            self.tell_of_left_out = False
