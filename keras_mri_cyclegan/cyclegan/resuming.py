"""Resumption of an interrupted training in `fit`."""

import contextlib
from collections.abc import Iterator
from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.callbacks.checkpoint import Checkpoint
from keras_mri_cyclegan.callbacks.generations import CheckpointWarning
from keras_mri_cyclegan.cyclegan import backends, sources


@contextlib.contextmanager
def resumable(
    model: Any,
    source: Any,
    callbacks: Any,
    epochs: int,
    verbose: int | str,
    steps_per_epoch: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the `fit` arguments that resume training from the latest checkpoint.

    Without a `Checkpoint` these are only the callbacks, with one that continues the order of the
    data after `initial_epoch` or `BackupAndRestore`.

    Args:
        model: The `CycleGAN` to train.
        source: The training data for Keras' `fit`.
        callbacks: The user's callbacks.
        epochs: The epoch at which training ends.
        verbose: As in `fit`.
        steps_per_epoch: As in `fit`.

    Raises:
        ValueError: There is more than one `Checkpoint`.
    """
    checkpoint, others = _parted(callbacks)
    if checkpoint is None:
        yield {"callbacks": sources.with_resumed_order(callbacks, source)}
        return
    if epochs < 1:
        raise ValueError(f"`epochs` must be at least 1 with a `Checkpoint`. Received: {epochs!r}.")
    if not any(isinstance(callback, keras.callbacks.History) for callback in others):
        others.append(keras.callbacks.History())
    steps = _steps(source, steps_per_epoch)
    begins_at = checkpoint.prepare(model, others, source, steps)
    if begins_at is not None and begins_at >= epochs:
        _checks.warn(
            f"Checkpoint in `{checkpoint.directory}`: all {begins_at} epochs of this training are "
            f"done and `epochs` is {epochs}, so `fit` trains no further. Pass a larger `epochs` to "
            "continue, or another folder to start again.",
            CheckpointWarning,
        )
    called = _SkippingList(
        # After all others, so that the checkpoint includes their changes at the end of an epoch.
        [*sources.with_resumed_order(others, source), checkpoint],
        checkpoint=checkpoint,
        add_progbar=verbose != 0,
        model=model,
        verbose=verbose,
        epochs=epochs,
        steps=steps,
    )
    try:
        yield {"callbacks": called} | ({} if begins_at is None else {"initial_epoch": begins_at})
    finally:
        if called.train_function is not None:  # the training was stopped while skipping batches
            model.train_function = called.train_function
        checkpoint.close()


class _SkippingList(keras.callbacks.CallbackList):
    """Callback list that skips the batches that an interrupted epoch has already trained on.

    The batches are taken from the source and dropped, without calls of the callbacks, for which
    the epoch is the same as without an interruption.
    """

    def __init__(self, callbacks: list, checkpoint: Checkpoint, model: Any, **options: Any):
        super().__init__(callbacks, add_history=True, model=model, **options)
        self._checkpoint = checkpoint
        self._trained: Any = model
        self._skipped = 0
        self.train_function: Any = None

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch, logs)
        per_call = self._trained.steps_per_execution
        calls = self._checkpoint.batches_to_skip // per_call
        self._skipped = calls * per_call
        if calls:
            self._skip(calls)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if batch >= self._skipped:
            super().on_train_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        if batch >= self._skipped:
            super().on_train_batch_end(batch, logs)

    def _skip(self, calls: int) -> None:
        model, train_function = self._trained, self._trained.train_function
        # The restored metrics: the epoch's logs if no batch of the epoch is left.
        logs = {name: float(mean.result()) for name, mean in model.progress.terms.items()}
        left = calls

        def skip(*arguments: Any) -> Any:
            nonlocal left
            left -= 1
            result = backends.skip_step(model.steps_per_execution, logs, *arguments)
            if not left:
                model.train_function, self.train_function = train_function, None
                self._checkpoint.skipped()
            return result

        self.train_function = train_function
        model.train_function = skip


def _parted(callbacks: Any) -> tuple[Checkpoint | None, list]:
    """Return the `Checkpoint` among the callbacks, or `None`, and the other callbacks."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return None, []
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] * bool(callbacks)
    checkpoints = [callback for callback in given if isinstance(callback, Checkpoint)]
    if len(checkpoints) > 1:
        raise ValueError(
            f"`callbacks` must hold one `Checkpoint` at most. Received: {len(checkpoints)}. One "
            "`Checkpoint` can save by epochs, steps and minutes at the same time."
        )
    others = [callback for callback in given if not isinstance(callback, Checkpoint)]
    return (checkpoints[0] if checkpoints else None), others


def _steps(source: Any, steps_per_epoch: int | None) -> int | None:
    """Return the number of batches in an epoch, or `None` if it is unknown."""
    if steps_per_epoch:
        return steps_per_epoch
    try:
        return len(source)
    except (TypeError, NotImplementedError):  # a generator, or a `tf.data.Dataset` of open length
        return None
