"""How `fit` goes on with a training that was interrupted."""

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
    """Give the arguments of Keras' `fit` that let it begin where a `Checkpoint` has it begin.

    Without a `Checkpoint` among the callbacks these are the callbacks, and one that lets
    `initial_epoch` and `BackupAndRestore` go on with the order of the data.

    Args:
        model: The `CycleGAN` that is to be trained.
        source: What Keras is to train it on.
        callbacks: Those of the user.
        epochs: The epoch to stop at.
        verbose: As in `fit`.
        steps_per_epoch: As in `fit`.

    Raises:
        ValueError: More than one `Checkpoint`.
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
            "go on, or another folder to begin anew.",
            CheckpointWarning,
        )
    called = _SkippingList(
        # Behind all others, so that what they do at the end of an epoch is in what is saved.
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
        if called.train_function is not None:  # it was stopped while it skipped
            model.train_function = called.train_function
        checkpoint.close()


class _SkippingList(keras.callbacks.CallbackList):
    """Passes over the batches that an interrupted epoch has seen already.

    They are taken from the source and dropped, and nobody is called for them: to the callbacks it
    is as if the epoch had not been interrupted.
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
        # Those of the restored metrics: the epoch's, should no batch of it be left.
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
    """Return the `Checkpoint` among the callbacks, if there is one, and the others."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return None, []
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] * bool(callbacks)
    checkpoints = [callback for callback in given if isinstance(callback, Checkpoint)]
    if len(checkpoints) > 1:
        raise ValueError(
            f"`callbacks` must hold one `Checkpoint` at most. Received: {len(checkpoints)}. One "
            "can save by epochs, by steps and by minutes at once."
        )
    others = [callback for callback in given if not isinstance(callback, Checkpoint)]
    return (checkpoints[0] if checkpoints else None), others


def _steps(source: Any, steps_per_epoch: int | None) -> int | None:
    """Return how many batches an epoch has, if that is known."""
    if steps_per_epoch:
        return steps_per_epoch
    try:
        return len(source)
    except (TypeError, NotImplementedError):  # a generator, or a `tf.data.Dataset` of open length
        return None
