"""Pictures of the translations after each epoch, since the losses say little about them."""

import os
import re
import tempfile
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks, figures
from keras_mri_cyclegan.callbacks.torch_random import torch_generator_kept


class TranslationMonitor(keras.callbacks.Callback):
    """Draw a few images, their translations and their translations back after each epoch.

    Each picture has one row per image: on the left an image of A, its translation to B and the
    translation back to A; on the right the same from B. `epoch_0000.png` is drawn before the first
    epoch, `epoch_0001.png` after it, and so on; at the end of the training `training.gif` shows
    all pictures in sequence. An interrupted training leaves its PNG files.

    A resumed training (`initial_epoch`, `keras.callbacks.BackupAndRestore`) continues the
    numbering, and its GIF starts with the PNG files of the earlier epochs. Other pictures in the
    folder are left out of the GIF, and replaced when their epoch is drawn.

    For display only: values outside [-1, 1] are drawn black or white, NaN black. For volumes the
    middle slice is drawn, for several channels the middle channel. The training itself is not
    changed: no random number is drawn, and no weight or metric changed.

    Args:
        a: Images of A, array `(images, height, width, channels)` or `(images, depth, height, width,
            channels)` of floats in [-1, 1], preferably not part of the training data.
        b: Images of B, likewise; slices and number of images may differ from those of A.
        directory: The folder for the files, created when the training begins.
        every: Draw after each `every`-th epoch. Defaults to 1.
        max_images: Number of images of `a` and of `b` to draw, the first ones. Defaults to 4.
        gif: Whether to write `training.gif`. Defaults to `True`.
        seconds_per_frame: Duration of each picture in the GIF. Defaults to 0.25.
        names: Names of A and B in the titles, such as `("T1", "T2")`. Defaults to `("A", "B")`.

    Raises:
        ValueError: A network cannot take the images, another argument cannot be used, or, when the
            training begins, the model cannot translate.
        OSError: When the training begins: the folder cannot be created or written to.

    Example:
        >>> import os, tempfile
        >>> import numpy as np
        >>> import keras
        >>> import keras_mri_cyclegan as kmc
        >>> class Negative(keras.Sequential):  # In place of a CycleGAN
        ...     def translate(self, images, direction="ab"):
        ...         return -images
        >>> model = Negative([keras.layers.Conv2D(1, 1)])
        >>> model.compile(loss="mse")
        >>> x = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)).astype("float32")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     monitor = kmc.callbacks.TranslationMonitor(x, x, folder, names=("T1", "T2"))
        ...     _ = model.fit(x, x, epochs=2, callbacks=[monitor], verbose=0)
        ...     sorted(os.listdir(folder))
        ['epoch_0000.png', 'epoch_0001.png', 'epoch_0002.png', 'training.gif']
    """

    @_checks.one_range_warning()
    def __init__(
        self,
        a: Any,
        b: Any,
        directory: str | os.PathLike,
        every: int = 1,
        max_images: int = 4,
        gif: bool = True,
        seconds_per_frame: float = 0.25,
        names: tuple[str, str] = ("A", "B"),
    ) -> None:
        super().__init__()
        max_images = _checks.positive_int("max_images", max_images)
        # Copies, since a training may shuffle its arrays in place.
        self.a = _checks.images("a", a)[:max_images].copy()
        self.b = _checks.images("b", b)[:max_images].copy()
        _checks.warn_range("a", self.a)
        _checks.warn_range("b", self.b)
        self.directory = Path(directory)
        self.every = _checks.positive_int("every", every)
        self.gif = gif
        self.seconds_per_frame = figures.checked_seconds("seconds_per_frame", seconds_per_frame)
        self.names = _checked_names(names)
        self._epochs_before: int | None = None
        self._drawn: set[int] = set()

    def set_model(self, model: Any) -> None:
        """Set the model to train, which must have a method `translate`."""
        if not callable(getattr(model, "translate", None)):
            raise ValueError(
                "`TranslationMonitor` needs a model with a method `translate`, such as "
                f"`keras_mri_cyclegan.CycleGAN`. Received: a {type(model).__name__}."
            )
        super().set_model(model)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Create the folder, or fail before the training if it cannot be written to."""
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.directory):
                pass  # only a test whether the folder can be written to
        except OSError as error:
            raise OSError(
                f"`directory` {str(self.directory)!r} cannot be created or written to ({error}). "
                "Choose another folder, or change its permissions."
            ) from error
        self._epochs_before = None
        self._drawn = set()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Draw the untrained model."""
        if self._epochs_before is None:
            self._epochs_before = epoch
            if epoch == 0:
                self._draw(0)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Draw the model after each `every`-th epoch."""
        if (epoch + 1) % self.every == 0:
            self._draw(epoch + 1)

    def on_train_end(self, logs: dict | None = None) -> None:
        """Join the pictures into a GIF file."""
        pictures = [self._read(epoch) for epoch in self._epochs_of_this_training()]
        if not (self.gif and self._drawn and pictures):
            return
        shape = pictures[-1].shape
        fitting = [picture for picture in pictures if picture.shape == shape]
        if len(fitting) < len(pictures):
            warnings.warn(
                f"`training.gif` leaves out {len(pictures) - len(fitting)} pictures of earlier "
                f"epochs in {str(self.directory)!r}: their size is not that of the latest picture, "
                f"{shape[1]} x {shape[0]} pixels.",
                UserWarning,
                stacklevel=2,
            )
        figures.save_gif(self.directory / "training.gif", fitting, self.seconds_per_frame)

    def _draw(self, epoch: int) -> None:
        a, b = self.names
        with torch_generator_kept():
            halves = [
                self._half(self.a, ("ab", "ba"), [a, f"{a} to {b}", "and back"], f"epoch {epoch}"),
                self._half(self.b, ("ba", "ab"), [b, f"{b} to {a}", "and back"], ""),
            ]
        height = max(half.shape[0] for half in halves)
        padded = [
            np.pad(half, ((0, height - half.shape[0]), (0, 0)), constant_values=figures.BACKGROUND)
            for half in halves
        ]
        figures.save_png(self._path(epoch), np.concatenate(padded, axis=1))
        self._drawn.add(epoch)

    def _half(
        self, images: np.ndarray, directions: tuple[str, str], titles: list[str], caption: str
    ) -> np.ndarray:
        there = self._translate(images, directions[0])
        if np.isfinite(there).all():
            back = self._translate(there, directions[1])
        else:  # The training diverged; the callback draws it, and does not stop it.
            back = np.full_like(images, np.nan)
        rows = list(zip(images, there, back, strict=True))
        return figures.image_grid(rows, titles=titles, caption=caption)

    def _translate(self, images: np.ndarray, direction: str) -> np.ndarray:
        with warnings.catch_warnings():
            # The constructor has already warned of `a` and `b`; networks' outputs are not checked.
            warnings.simplefilter("ignore", _checks.RangeWarning)
            return self.model.translate(images, direction=direction)

    def _path(self, epoch: int) -> Path:
        return self.directory / f"epoch_{epoch:04d}.png"

    def _read(self, epoch: int) -> np.ndarray:
        from PIL import Image

        with Image.open(self._path(epoch)) as picture:
            return np.array(picture)

    def _epochs_of_this_training(self) -> list[int]:
        """Return the epochs drawn in this training and in the earlier part that it resumes."""
        names = (
            re.fullmatch(r"epoch_(\d{4,})\.png", path.name) for path in self.directory.iterdir()
        )
        found = {int(name[1]) for name in names if name}
        before = self._epochs_before or 0
        resumed = {epoch for epoch in found if epoch <= before}
        return sorted(resumed | (self._drawn & found))


def _checked_names(names: Any) -> tuple[str, str]:
    is_pair = isinstance(names, (tuple, list)) and len(names) == 2
    if not is_pair or not all(isinstance(name, str) for name in names):
        raise ValueError(f"`names` must be two strings, for A and for B. Received: {names!r}.")
    return names[0], names[1]
