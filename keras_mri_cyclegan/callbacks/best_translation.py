"""Selection of the best epoch without pairs, by the translations of a few unpaired images."""

import os
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.callbacks import best_file
from keras_mri_cyclegan.callbacks.checkpoint_settings import contents_of, how_they_differ
from keras_mri_cyclegan.callbacks.torch_random import torch_generator_kept
from keras_mri_cyclegan.callbacks.unpaired_score import UnpairedScore
from keras_mri_cyclegan.callbacks.verdict import Verdict, verdict
from keras_mri_cyclegan.cyclegan import backends
from keras_mri_cyclegan.unpaired_curves.patch_distance import look_alike
from keras_mri_cyclegan.unpaired_curves.patches import smallest_size

GENERATORS = ("generator_ab", "generator_ba")


class BestTranslation(keras.callbacks.Callback):
    """Score the translations of a few unpaired images after each epoch, and keep the best epoch.

    The losses of a GAN do not show which epoch is best, and pairs for validation are rare. This
    callback uses measures that need no pairs: the displacement of the anatomy, the error of the
    cycle (to the other domain and back), and the distance between the intensity distributions. It
    adds them to the epoch's logs as `val_displacement_ab`, `val_displacement_ba` (pixels),
    `val_cycle_error_a`, `val_cycle_error_b`, `val_histogram_ab`, `val_histogram_ba` (intensity),
    and a weighted sum as `val_translation_score`. A lower score is better: about 3 for good
    translations, 10 for copies of the input. See
    `keras_mri_cyclegan.callbacks.unpaired_score.UnpairedScore` for the weights.

    The training ends with a verdict in words, for slices of one channel: do the best epoch's
    translations look more like real images of their contrast than a copy of the input, and than the
    translations of the generators before the training (the start)? The measure is the sliced
    Wasserstein distance between patches with their positions, mean of both directions; the score
    above does not compare different models. If the answer is no, a warning is raised, and a start
    that is better than a copy and than the best epoch is restored.

    Callbacks after it in the list can use these logs: `EarlyStopping`, `ModelCheckpoint` and
    `CSVLogger` (with `mode="min"` where they have that argument). Epochs that are not scored are
    logged as NaN; translations that are not finite have an infinite score.

    It scores the weights of the model at its place in the list of callbacks: the weights after the
    last step, or, placed after `keras.callbacks.SwapEMAWeights(swap_on_epoch=True)`, their moving
    averages.

    The training itself is not changed: until its end no random number is drawn and no weight
    changed.

    Args:
        a: Images of A, array `(images, height, width, channels)` or `(images, depth, height, width,
            channels)` of floats in [-1, 1]. Ten to twenty images that show anatomy, preferably not
            part of the training data.
        b: Images of B, likewise; slices and number of images may differ from those of A.
        every: Score after the first epoch, each `every`-th and the last. Defaults to 1.
        patience: Stop the training after this many epochs without a better score, an integer of at
            least 1. Defaults to `None`: never.
        restore_best_weights: Whether the generators get the best weights at the end of the
            training. Defaults to `True`. The discriminators are not changed.
        path: File for the best generators and all scores, written whenever they change; its folder
            is created. A file that ends in `.keras` holds the whole model of the best epoch, for
            `keras.models.load_model` and `translate_volume`; a file that ends in `.npz` only the
            generators' weights, for `CycleGAN.load_weights`. A training that is resumed by
            `initial_epoch` or `BackupAndRestore` reads the file and continues from it. Defaults to
            `None`: the best generators are kept in memory, and by a `Checkpoint`.
        max_shift: The largest displacement searched for, in pixels. Defaults to 4.
        verbose: Whether to print the best epoch and the verdict at the end. Defaults to 1, yes.
            Warnings are always raised.

    Attributes:
        best_epoch: The number of the best epoch so far, from 1 as Keras prints them, or `None`.
        best_score: The score of the best epoch.
        scores: A dictionary for each scored epoch: `epoch`, `score` and its parts.
        looks: Distances of `"best"`, `"start"` and `"copy"` from real images; empty for volumes and
            several channels, or if the training was resumed from a state without them.

    Warns:
        UserWarning: No epoch's translations are better than a copy or the start; or a training is
            resumed without its file, or with other images.

    Raises:
        ValueError: An argument cannot be used, the model has no two generators for images of this
            size, or, when a training is resumed, the file is not from this model.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> a, b = kmc.datasets.load_phantom(("t1", "t2"), slices=4, size=32)
        >>> model = kmc.CycleGAN(
        ...     generator_ab=kmc.unet_generator((32, 32, 1), depth=2, filters=4),
        ...     generator_ba=kmc.unet_generator((32, 32, 1), depth=2, filters=4),
        ...     discriminator_a=kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=4),
        ...     discriminator_b=kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=4),
        ... )
        >>> model.compile()
        >>> best = kmc.callbacks.BestTranslation(a, b, verbose=0)
        >>> history = model.fit(a, b, epochs=2, callbacks=[best], verbose=0)
        >>> best.best_score == min(history.history["val_translation_score"])
        True
    """

    @_checks.one_range_warning()
    def __init__(
        self,
        a: Any,
        b: Any,
        every: int = 1,
        patience: int | None = None,
        restore_best_weights: bool = True,
        path: str | os.PathLike | None = None,
        max_shift: int = 4,
        verbose: int = 1,
    ) -> None:
        super().__init__()
        # Copies, since a training may shuffle its arrays in place.
        self._score = UnpairedScore(np.array(a), np.array(b), max_shift)
        _checks.warn_range("a", self._score.images["a"])
        _checks.warn_range("b", self._score.images["b"])
        self._contents = {name: contents_of(side) for name, side in self._score.images.items()}
        self.every = _checks.positive_int("every", every)
        self.patience = None if patience is None else _checks.positive_int("patience", patience)
        self.restore_best_weights = restore_best_weights
        self.path = None if path is None else Path(path)
        if self.path is not None and self.path.suffix not in best_file.ENDINGS:
            raise ValueError(
                "`path` must end in '.keras', for a model, or '.npz', for the generators' weights. "
                f"Received: {os.fspath(self.path)!r}."
            )
        self.verbose = verbose
        self._forget()
        self._first_epoch: int | None = None

    def _forget(self) -> None:
        self.best_epoch: int | None = None
        self.best_score = np.inf
        self.scores: list[dict[str, float]] = []
        self.looks: dict[str, float] = {}
        self._weights: dict[str, list[np.ndarray]] = {}
        self._start: dict[str, list[np.ndarray]] = {}

    def set_model(self, model: Any) -> None:
        """Set the model to train, which must have two generators."""
        if not all(isinstance(getattr(model, name, None), keras.Model) for name in GENERATORS):
            raise ValueError(
                "`BestTranslation` needs a model with `generator_ab` and `generator_ba`, such as "
                f"`keras_mri_cyclegan.CycleGAN`. Received: a {type(model).__name__}."
            )
        for name, domain in zip(GENERATORS, "ab", strict=True):
            shape = getattr(getattr(model, name), "input_shape", None)
            if isinstance(shape, tuple):  # check now, not at the end of the first epoch
                _checks.images(domain, self._score.images[domain], shape[1:])
        shapes = [self._score.images[domain].shape for domain in "ab"]
        if shapes[0][-1] != shapes[1][-1]:
            raise ValueError(
                "`BestTranslation` compares an image with its translation channel by channel, so "
                f"`a` and `b` must have as many channels as each other. Received: {shapes[0]} and "
                f"{shapes[1]}. With pairs, monitor the scores of `validation_data`."
            )
        if self.path is not None:
            _check_can_be_written(self.path)
        super().set_model(model)

    # === The training ===

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Reset; the number of the first epoch will show whether the training is resumed."""
        self._first_epoch = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Begin anew with epoch 0; otherwise go on from what is in memory or in the file."""
        if self._first_epoch is not None:
            return
        self._first_epoch = epoch
        if epoch == 0:
            self._forget()
            self._judge_references()
            return
        if self.best_epoch is None and self.path is not None and not self.path.exists():
            _checks.warn(
                f"The training goes on with epoch {epoch + 1}, and there is no file "
                f"{os.fspath(self.path)!r} of the best one before: the best is looked for from now "
                "on. If it was moved, put it back and begin again."
            )
        elif self.best_epoch is None and self.path is not None:
            state, self._weights = best_file.read(
                self.path, {name: getattr(self.model, name) for name in GENERATORS}
            )
            self.best_epoch, self.best_score = state["best_epoch"], state["best_score"]
            self.scores, self.looks = state["scores"], state.get("looks", {})
            self._compare_images(state)
        # What was judged after the weights that the training goes on from will be judged again.
        self.scores = [scores for scores in self.scores if scores["epoch"] <= epoch]

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Judge the translations, log the scores, keep the best weights."""
        if not self._is_due(epoch):
            found = dict.fromkeys(self.scores[-1] if self.scores else (), np.nan)
        else:
            with torch_generator_kept():
                found = self._score(self._translator)
            self.scores.append({"epoch": epoch + 1, **found})
            is_best = found["score"] < self.best_score
            if is_best:
                self.best_score, self.best_epoch = found["score"], epoch + 1
                self._weights = self._generator_weights()
                if self.looks:
                    self.looks["best"] = self._look(self._translator)
            if self.path is not None:
                best_file.write(self.path, self.model, self._weights, self._found(), is_best)
        if logs is not None:
            for name, value in found.items():
                if name != "epoch":
                    logs["val_translation_score" if name == "score" else f"val_{name}"] = value
        if self.patience is not None and epoch + 1 - (self.best_epoch or 0) >= self.patience:
            self.model.stop_training = True

    def _judge_references(self) -> None:
        """Judge the start, the generators before the training, and a copy of the input."""
        shapes = [images.shape for images in self._score.images.values()]
        if all(
            len(shape) == 4 and shape[-1] == 1 and min(shape[1:3]) >= smallest_size()
            for shape in shapes
        ):
            self._start = self._generator_weights()
            self.looks = {
                "start": self._look(self._translator),
                "copy": self._look(lambda direction: lambda images: images),
            }

    def _look(self, translator: Any) -> float:
        """Return the distance of translations from real images, mean of both directions."""
        distances = []
        for source, target in ("ab", "ba"):
            with torch_generator_kept():
                made = translator(source + target)(self._score.images[source])
            real = self._score.images[target]
            finite = bool(np.isfinite(made).all())
            distances.append(look_alike(made[..., 0], real[..., 0]) if finite else np.inf)
        return float(np.mean(distances))

    def _generator_weights(self) -> dict[str, list[np.ndarray]]:
        return {name: getattr(self.model, name).get_weights() for name in GENERATORS}

    @property
    def verdict(self) -> Verdict | None:
        """Verdict on the training; `None` if start and copy could not be judged."""
        if not {"start", "copy"} <= self.looks.keys():
            return None
        return verdict(self.looks.get("best", np.inf), self.looks["start"], self.looks["copy"])

    def get_state(self) -> dict[str, Any]:
        """Return the best weights and all scores, for a `Checkpoint`."""
        return {
            **self._found(),
            "weights": self._weights,
            "start": self._start,
            "first_epoch": self._first_epoch,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore the result of `get_state`."""
        self.best_epoch, self.best_score = state["best_epoch"], state["best_score"]
        self.scores, self._weights = state["scores"], state["weights"]
        self.looks, self._start = state["looks"], state["start"]
        self._first_epoch = state["first_epoch"]
        self._compare_images(state)

    def _compare_images(self, state: dict[str, Any]) -> None:
        """Warn if the scores so far are of other images."""
        saved = state.get("images", {})  # none in a file of an earlier version
        differ = [
            f"`{name}`: {told}"
            for name, found in self._contents.items()
            if name in saved and (told := how_they_differ(saved[name], found))
        ]
        if differ:
            _checks.warn(
                "`BestTranslation` continues with other images than the best epoch so far "
                f"({self.best_epoch}) was judged by ({'; '.join(differ)}): its score of "
                f"{self.best_score:.3g} cannot be compared with later scores. Pass the same `a` "
                "and `b` in the same order, or start again with another `path`."
            )

    def _found(self) -> dict[str, Any]:
        return {
            "best_epoch": self.best_epoch,
            "best_score": float(self.best_score),
            "scores": self.scores,
            "looks": self.looks,
            "images": self._contents,
        }

    def _is_due(self, epoch: int) -> bool:
        last = (self.params or {}).get("epochs")
        return epoch in (self._first_epoch, 0) or (epoch + 1) % self.every == 0 or epoch + 1 == last

    def _translator(self, direction: str) -> Any:
        generator = getattr(self.model, f"generator_{direction}")
        backends.own_values(generator)
        return lambda images: generator.predict(images, batch_size=8, verbose=0)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Restore the best weights, and print the best epoch and the verdict."""
        if self._first_epoch is None:
            return
        found = self.verdict
        back_to_start = found is not None and found.start_is_better and bool(self._start)
        if self.restore_best_weights:
            weights = self._start if back_to_start else self._weights
            for name, values in weights.items():
                getattr(self.model, name).set_weights(values)
        if self.verbose:
            print(self._summary())
            if found is not None and found.worked:
                print(f"BestTranslation: {found.text}")
        if found is not None and not found.worked:
            again = " The start is restored." if back_to_start and self.restore_best_weights else ""
            warnings.warn(f"BestTranslation: {found.text}{again}", stacklevel=2)

    def _summary(self) -> str:
        if self.best_epoch is None:
            return "BestTranslation: no epoch had finite translations."
        parts = next((s for s in self.scores if s["epoch"] == self.best_epoch), {})
        told = ", ".join(f"{k} {v:.3g}" for k, v in parts.items() if k not in ("epoch", "score"))
        done = "restored" if self.restore_best_weights else "not restored"
        return (
            f"BestTranslation: the best of {len(self.scores)} judged epochs was "
            f"{self.best_epoch}, with a score of {self.best_score:.3f} ({told}); "
            f"its generators are {done}."
        )


def _check_can_be_written(path: Path) -> None:
    """Raise a `ValueError` before the training if the file cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent):
            pass  # only a test whether the folder can be written to
        if path.is_dir():
            raise IsADirectoryError("it is a folder")
    except OSError as error:
        raise ValueError(
            f"`path` {os.fspath(path)!r} cannot be written ({error}). Choose another path, or "
            "change the permissions of its folder."
        ) from error
