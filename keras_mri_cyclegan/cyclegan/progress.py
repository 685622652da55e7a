"""Running means of the terms and scores that `fit` and `evaluate` show."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.metrics import PSNR, SSIM
from keras_mri_cyclegan.metrics.structural_similarity import WINDOW

DATA_RANGE = 2.0  # of images in [-1, 1]


class Progress:
    """Means of a CycleGAN's terms over an epoch, and of its scores over an evaluation.

    Not a layer, since Keras would save a layer with the model; the means are reset in each epoch.

    Args:
        terms: List of the terms' names.
        sizes: The images' sizes along each spatial axis. If one is below 7, as in thin volumes,
            SSIM is not computed, since its window has 7 pixels.
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
        """All metrics: first the terms, then the scores."""
        return [*self.terms.values(), *self.scores["ab"], *self.scores["ba"]]

    def update_terms(self, loss: Any, terms: dict[str, Any], batch: Any) -> dict[str, Any]:
        """Add a batch's terms to their running means, and return the means."""
        for name, value in {"loss": loss, **terms}.items():
            self.terms[name].update_state(value, sample_weight=ops.shape(batch)[0])
        return {name: mean.result() for name, mean in self.terms.items()}

    def update_scores(self, direction: str, truth: Any, translated: Any) -> dict[str, Any]:
        """Add the scores of a batch's translations to their running means; return the means."""
        for score in self.scores[direction]:
            score.update_state(truth, translated)
        return {score.name: score.result() for score in self.scores[direction]}

    def warn_of_left_out(self) -> None:
        """Warn once about images that the mean of a score leaves out."""
        counts = {
            score.name: int(score.left_out)
            for score in (*self.scores["ab"], *self.scores["ba"])
            if hasattr(score, "left_out")
        }
        if self.tell_of_left_out and any(counts.values()):
            told = ", ".join(f"{count} of `{name}`" for name, count in counts.items() if count)
            _checks.warn(
                f"Images are left out of the means: {told}. Their translation equals the truth, as "
                "in slices of air, so their PSNR is infinite. The means of SSIM and the mean "
                "absolute error are over all images."
            )
            self.tell_of_left_out = False
