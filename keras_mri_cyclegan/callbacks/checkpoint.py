"""Checkpoints for a bit-exact resumption of an interrupted training."""

import os
import time
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.callbacks import global_random, other_callbacks
from keras_mri_cyclegan.callbacks.checkpoint_settings import (
    data_of,
    rates_of,
    settings_of,
    what_differs,
)
from keras_mri_cyclegan.callbacks.generations import (
    CheckpointError,
    CheckpointWarning,
    Generation,
    Generations,
)
from keras_mri_cyclegan.callbacks.sigterm import Sigterm
from keras_mri_cyclegan.volumes import VolumeError

TERMINATED = 128 + 15  # the exit status of a process that SIGTERM has ended


class Checkpoint(keras.callbacks.Callback):
    """Save a training regularly, and resume it when the same script runs again.

    A checkpoint holds everything that the next step depends on: networks, image pools, both
    optimizers with their learning rates and moving averages, the state of dropout and of all other
    random numbers, the order of an `UnpairedDataset` and the position in it, the running means of
    the epoch's terms, and the state of `History`, `EarlyStopping`, `ReduceLROnPlateau`,
    `ModelCheckpoint`, `SwapEMAWeights` and `BestTranslation`, including best weights. A `CSVLogger`
    continues its file. On one backend and machine the resumed training equals an uninterrupted one
    bit for bit, even when resumed in the middle of an epoch.

    Checkpoints are written atomically, and the previous one is kept. A resumed training loads the
    newest checkpoint with correct checksums. If the disk is full during a training, a warning is
    raised, and the next checkpoint is written as usual; weights that are not finite are not saved.
    A complete training is not repeated: `fit` warns, and a larger `epochs` continues it.

    The script's settings are compared with those at the start of the training. A warning names
    each difference with both values: learning rates and seeds are taken from the checkpoint;
    loss weights, losses and images from the script.

    On SIGTERM, with which clusters announce the end of a job, the callback saves after the current
    step and raises `SystemExit`, so that code after `fit` does not treat the training as finished.
    A SIGTERM after the last step ends the process as without a `Checkpoint`.

    Data other than arrays or an `UnpairedDataset` continue with the right epoch and the same global
    random state; in the middle of an epoch, the batches already used are read and dropped. This is
    exact for sources that draw their order from Python's, NumPy's or torch's global generator at
    the start of an epoch.

    Args:
        directory: The folder of this training's checkpoints only. It is created. `model.keras` in
            each checkpoint can be opened by `keras.models.load_model`.
        every_epochs: Save after this many epochs, and after the last; `None` for not at all.
            Defaults to 1.
        every_steps: Save also after this many batches. Defaults to `None`.
        every_minutes: Save also at the first step this many minutes after the last checkpoint.
            Defaults to `None`.
        keep: Number of newest checkpoints to keep; at least 2, so that one is left if another is
            damaged. Defaults to 2.
        handle_sigterm: Whether to save and exit on SIGTERM; in the main thread only. Defaults to
            `True`.

    Raises:
        ValueError: An argument is out of its range. At the start of the training: the checkpoints
            are of another model, all are damaged (`CheckpointError`), or the folder cannot be
            written to.

    Example:
        >>> import os, tempfile
        >>> import keras_mri_cyclegan as kmc
        >>> a, b = kmc.datasets.load_phantom(("t1", "t2"), slices=2, size=32)
        >>> def train(folder, epochs):
        ...     model = kmc.CycleGAN(
        ...         generator_ab=kmc.unet_generator((32, 32, 1), depth=2, filters=4),
        ...         generator_ba=kmc.unet_generator((32, 32, 1), depth=2, filters=4),
        ...         discriminator_a=kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=4),
        ...         discriminator_b=kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=4),
        ...     )
        ...     model.compile()
        ...     return model.fit(
        ...         a, b, epochs=epochs, verbose=0, callbacks=[kmc.callbacks.Checkpoint(folder)]
        ...     )
        >>> folder = tempfile.mkdtemp()
        >>> train(folder, epochs=1).epoch
        [0]
        >>> train(folder, epochs=2).epoch  # goes on with the second
        [0, 1]
        >>> sorted(os.listdir(folder))
        ['epoch_0001', 'epoch_0002']
    """

    def __init__(
        self,
        directory: str | os.PathLike,
        every_epochs: int | None = 1,
        every_steps: int | None = None,
        every_minutes: float | None = None,
        keep: int = 2,
        handle_sigterm: bool = True,
    ) -> None:
        super().__init__()
        self.directory = Path(directory)
        for name, value in (("every_epochs", every_epochs), ("every_steps", every_steps)):
            if value is not None:
                _checks.positive_int(name, value)
        if every_minutes is not None and not every_minutes > 0:
            raise ValueError(f"`every_minutes` must be above 0. Received: {every_minutes!r}.")
        self.every_epochs = every_epochs
        self.every_steps = every_steps
        self.every_minutes = every_minutes
        self.keep = _checks.positive_int("keep", keep, minimum=2)
        self.handle_sigterm = _checks.one_of("handle_sigterm", handle_sigterm, (True, False))
        self.batches_to_skip = 0
        self._generations = Generations(self.directory, keep)
        self._sigterm = Sigterm()
        self._prepared = False
        self._random_after_skipping: dict | None = None

    # === What `CycleGAN.fit` calls ===

    def prepare(self, model: Any, others: list, source: Any, steps: int | None) -> int | None:
        """Find the checkpoint to resume from, before the training begins.

        Args:
            model: The compiled `CycleGAN`.
            others: The training's other callbacks.
            source: The training data.
            steps: Number of batches in an epoch, or `None` if it is unknown.

        Returns:
            The first epoch to train, or `None` if there is no checkpoint yet.

        Raises:
            CheckpointError: All checkpoints are damaged.
            ValueError: The folder is a file, or a link to nothing.
        """
        paths = (self.directory, *self.directory.absolute().parents)
        there = next(path for path in paths if os.path.lexists(path))
        if not there.is_dir():
            what = "a file" if there.exists() else "a link to what is not there"
            raise ValueError(
                "`directory` must be the folder of this training's checkpoints, or a path at "
                f"which it can be created. Received: {str(self.directory)!r}, and {str(there)!r} "
                f"is {what}."
            )
        self._others = others
        self._source = source if hasattr(source, "skip") else None
        self._steps = steps
        self._resumed = self._generations.newest()
        self._prepared = True
        self._settings = settings_of(model)
        self._data = None if self._source is None else data_of(self._source)
        if self._resumed is None:
            return None
        state = self._resumed.state
        for text in what_differs(state, self._settings, self._data, self._source, others):
            _checks.warn(f"Checkpoint in `{self.directory}`: {text}", CheckpointWarning)
        if self._source is not None and state["data"] is not None:
            self._source.seed = state["data"]["seed"]
        other_callbacks.continue_csv(others, state["epoch"])
        return state["epoch"]

    def skipped(self) -> None:
        """Restore the saved global random state, after the skipping of batches."""
        if self._random_after_skipping is not None:
            global_random.put(self._random_after_skipping)
            self._random_after_skipping = None

    def close(self) -> None:
        """Reset signals and data at the end of the training, also after an error."""
        self._prepared = False
        if self._source is not None:
            self._source.skip(0)
        self._sigterm.stop_listening()

    # === What Keras calls, after all other callbacks ===

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Load the checkpoint, or save the first one."""
        if not self._prepared:
            raise ValueError(
                "`Checkpoint` must be in the list of callbacks that is passed to `CycleGAN.fit`. "
                f"Received: the training of a {type(self._model).__name__}, or a `CallbackList`."
            )
        self.batches_to_skip = 0
        self._epoch = self._batch = self._steps_since = 0
        self._random_after_skipping = None
        self._told_of_compile = False
        self._saved_at = time.monotonic()
        self._data_epoch = 0 if self._source is None else self._source.epoch
        self._random_of_epoch = global_random.get()
        if self._resumed is not None:
            self._load(self._resumed)
            other_callbacks.put(self._others, self._resumed.state["callbacks"])
            global_random.put(self._resumed.state["random"])
        else:  # For `go_back`, and to test now whether the folder can be written to.
            self._write((0, 0))
        if self.handle_sigterm:
            self._sigterm.listen()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Store the state at the epoch's start; in an interrupted epoch, skip to the position."""
        self._epoch, self._batch, self.batches_to_skip = epoch, 0, 0
        state = None if self._resumed is None else self._resumed.state
        if self._source is not None:
            if state is not None and state["data"] is not None:
                self._source.epoch = state["data"]["epoch"]
            self._data_epoch = self._source.epoch
        self._random_of_epoch = global_random.get()
        if state is not None and self._resumed is not None and state["batch"]:
            # Again, since other callbacks may have lowered the learning rate as the epoch began.
            self._load(self._resumed)
            _set_metrics(self.model, state["metrics"])
            self._batch = self.batches_to_skip = state["batch"]
            self._random_of_epoch = state["random_of_epoch"]
            self._random_after_skipping = state["random"]
            global_random.put(self._random_of_epoch)
            if self._source is not None:
                self._source.skip(state["batch"])
        self._resumed = None

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Save if a checkpoint is due."""
        self._steps_since += batch + 1 - self._batch
        self._batch = batch + 1
        if self._sigterm.received:
            self._save_and_exit((self._epoch, self._batch))
        by_steps = self.every_steps is not None and self._steps_since >= self.every_steps
        # After the last batch of an epoch, `on_epoch_end` saves if a checkpoint is due then.
        ends_epoch = self._batch == self._steps and self._is_due_at_end_of(self._epoch)
        if (by_steps or self._is_late()) and not ends_epoch:
            self._save((self._epoch, self._batch))

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Save if a checkpoint is due."""
        interrupted = self._steps is not None and self._batch < self._steps
        position = (epoch, self._batch) if interrupted else (epoch + 1, 0)
        if self._sigterm.received:
            self._save_and_exit(position)
        if interrupted or self._is_due_at_end_of(epoch) or self._is_late():
            self._save(position)

    # === For other callbacks ===

    def go_back(self) -> Path:
        """Load the model, optimizers and random state of the newest checkpoint.

        The training continues with its current epoch and batch.

        Returns:
            The checkpoint's folder.

        Raises:
            CheckpointError: There is no checkpoint, or all are damaged.
        """
        generation = self._generations.newest()
        if generation is None:
            raise CheckpointError(f"`{self.directory}` holds no checkpoint to go back to.")
        self._load(generation)
        return generation.path

    # === Saving ===

    def _is_due_at_end_of(self, epoch: int) -> bool:
        if self.every_epochs is None:
            return False
        last = self.params is not None and epoch + 1 == self.params.get("epochs")
        # `self.model` would fetch the state from the device; the attribute `_model` does not.
        return last or self._model.stop_training or (epoch + 1) % self.every_epochs == 0

    def _is_late(self) -> bool:
        minutes = (time.monotonic() - self._saved_at) / 60
        return self.every_minutes is not None and minutes >= self.every_minutes

    def _save(self, position: tuple[int, int]) -> Path | None:
        """Save, or warn if saving is not possible."""
        self._steps_since = 0
        self._saved_at = time.monotonic()
        if name := _not_finite(self.model):
            self._warn(f"`{name}` is not finite, so no checkpoint is saved")
            return None
        try:
            return self._write(position)
        except (OSError, VolumeError) as error:
            self._warn(f"{error} The training goes on without this checkpoint")
            return None

    def _write(self, position: tuple[int, int]) -> Path:
        epoch, batch = position
        model = self.model
        state = {
            "epoch": epoch,
            "batch": batch,
            "iterations": int(model.optimizer.iterations),
            "backend": keras.backend.backend(),
            "keras": keras.version(),
            "data": None,
            "settings": self._settings,
            "rates": rates_of(model),
            "metrics": _metrics(model) if batch else {},
            "callbacks": other_callbacks.get(self._others),
            "random": global_random.get(),
            "random_of_epoch": self._random_of_epoch if batch else None,
        }
        if self._source is not None and self._data is not None:
            follows = self._data_epoch + (epoch > self._epoch)
            state["data"] = {**self._data, "seed": self._source.seed, "epoch": follows}
        with warnings.catch_warnings():
            if self._told_of_compile:
                warnings.filterwarnings("ignore", "Arguments of `compile`")
            # Keras' `save`: the whole folder is already written atomically.
            path = self._generations.write(position, lambda to: keras.Model.save(model, to), state)
        self._told_of_compile = True  # once in a training
        return path

    def _save_and_exit(self, position: tuple[int, int]) -> None:
        path = self._save(position)
        self._warn(
            "SIGTERM: the training ends here"
            + (f", and is saved as `{path}`" if path else ", without a new checkpoint")
            + ". Run the same script again to continue"
        )
        self._sigterm.received = False
        raise SystemExit(TERMINATED)

    def _load(self, generation: Generation) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", UserWarning)  # Keras warns of variables it skips
                self.model.load_weights(generation.model)
        except (ValueError, KeyError, UserWarning) as error:
            raise CheckpointError(
                f"`{generation.path}` is a checkpoint of another model or with other optimizers "
                f"than this one: {error} Build and compile the model as before, or start again in "
                "another folder."
            ) from error

    def _warn(self, text: str) -> None:
        warnings.warn(f"Checkpoint in `{self.directory}`: {text}.", CheckpointWarning, stacklevel=2)


def _metrics(model: Any) -> dict[str, list]:
    return {
        metric.name: [keras.ops.convert_to_numpy(v).tolist() for v in metric.variables]
        for metric in model.metrics
    }


def _set_metrics(model: Any, saved: dict[str, list]) -> None:
    for metric in model.metrics:
        values = saved.get(metric.name, [])
        if len(values) == len(metric.variables):
            for variable, value in zip(metric.variables, values, strict=True):
                variable.assign(value)


def _not_finite(model: Any) -> str:
    """Return the path of the first weight, pool or moment that is not finite, or an empty text."""
    for variable in [*model.variables, *model.optimizer.variables]:
        if not np.isfinite(keras.ops.convert_to_numpy(variable)).all():
            return variable.path
    return ""
