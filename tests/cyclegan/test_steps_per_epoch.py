"""Epochs of a chosen number of steps over an `UnpairedDataset`: an endless row of batches."""

import warnings

import keras
import numpy as np
import pytest
from small import SHAPE, compiled, tiny_cyclegan

import keras_mri_cyclegan as kmc

COUNT = 4  # images of A; each is told by its value
A = np.linspace(-0.9, 0.9, COUNT).reshape(-1, 1, 1, 1) * np.ones((COUNT, *SHAPE))
B = A[:3]


def dataset(batch_size=1, seed=3, **arguments):
    return kmc.data.UnpairedDataset(
        A.astype("float32"), B.astype("float32"), batch_size=batch_size, seed=seed, **arguments
    )


def model():
    return compiled(tiny_cyclegan(pool_size=0, dropout=0.0), rate=1e-4, run_eagerly=True)


class Note(keras.callbacks.Callback):
    """Counts the steps of each epoch."""

    def on_train_begin(self, logs=None):
        self.epochs = {}

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch
        self.epochs[epoch] = 0

    def on_train_batch_end(self, batch, logs=None):
        self.epochs[self.epoch] += 1


def watched(made, monkeypatch):
    """Let a model note which images of A and of B each step is of."""
    seen, unpack = [], made.unpack

    def noting(data):
        a, b = unpack(data)
        if "Tracer" not in type(a).__name__:  # JAX builds the model by one
            pictures = (keras.ops.convert_to_numpy(side)[:, 0, 0, 0] for side in (a, b))
            seen.append(tuple(tuple(np.round(values, 2).tolist()) for values in pictures))
        return a, b

    monkeypatch.setattr(made, "unpack", noting)
    return seen


def batches_of(source, passes):
    """Return the batches of so many whole epochs, as `fit` takes them."""
    taken = []
    for epoch in range(1, passes + 1):
        source.epoch = epoch
        for a, b in (source[i] for i in range(len(source))):
            taken.append(tuple(tuple(np.round(s[:, 0, 0, 0], 2).tolist()) for s in (a, b)))
    return taken


@pytest.mark.parametrize("steps", [1, 3, 4, 5, 10])
@pytest.mark.parametrize("workers", [1, 4])
def test_no_step_and_no_image_is_left_out(steps, workers):
    """What the dataset gives, and Keras asks for, whatever the backend."""
    source, epochs = dataset(workers=workers), 4
    expected = batches_of(dataset(), passes=-(-steps * epochs // COUNT))[: steps * epochs]
    found = []
    with source.in_epochs_of(steps):
        assert len(source) == steps
        for _ in range(epochs):
            source.on_epoch_end()  # `fit` does so before its first epoch
            for a, b in (source[i] for i in range(steps)):
                found.append(tuple(tuple(np.round(s[:, 0, 0, 0], 2).tolist()) for s in (a, b)))
    assert found == expected
    assert len(source) == COUNT
    for begin in range(0, len(found) - COUNT + 1, COUNT):
        assert len({a for a, _ in found[begin : begin + COUNT]}) == COUNT


@pytest.mark.parametrize(
    ("steps", "workers"),
    [(3, 1), (5, 4)] + [pytest.param(*both, marks=pytest.mark.slow) for both in [(3, 4), (5, 1)]],
)
def test_fit_takes_every_step_in_the_order_of_the_passes(monkeypatch, steps, workers):
    made, note = model(), Note()
    seen = watched(made, monkeypatch)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message="__array__|Even though")
        made.fit(
            dataset(workers=workers), steps_per_epoch=steps, epochs=2, verbose=0, callbacks=[note]
        )
    assert list(note.epochs.values()) == [steps] * 2
    assert seen[-2 * steps :] == batches_of(dataset(), 3)[: 2 * steps]


def fitted(source, steps, epochs, **options):
    made, note = model(), Note()
    history = made.fit(
        source, steps_per_epoch=steps, epochs=epochs, verbose=0, callbacks=[note], **options
    )
    return made, note, history


def losses(history):
    return history.history["loss"]


def test_the_order_is_that_of_whole_passes_and_of_any_number_of_workers():
    made, note, history = fitted(dataset(), steps=2, epochs=4)
    assert list(note.epochs.values()) == [2] * 4
    assert int(made.optimizer.iterations) == 8
    whole, _, by_passes = fitted(dataset(), steps=None, epochs=2)
    for x, y in zip(made.get_weights(), whole.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)
    by_two = np.reshape(losses(history), (2, 2)).mean(axis=1)
    np.testing.assert_allclose(by_two, losses(by_passes), rtol=1e-5)
    other, _, of_four = fitted(dataset(workers=4), steps=2, epochs=4)
    assert losses(of_four) == losses(history)
    for x, y in zip(made.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_arrays_take_steps_as_well():
    made, note, _ = fitted(A.astype("float32"), steps=3, epochs=2, y=B.astype("float32"))
    assert list(note.epochs.values()) == [3] * 2
    assert int(made.optimizer.iterations) == 6


def test_a_second_fit_goes_on_where_the_first_ended():
    whole, _, _ = fitted(dataset(), steps=3, epochs=3)
    source = dataset()
    parts, _, _ = fitted(source, steps=3, epochs=2)
    parts.fit(source, steps_per_epoch=3, verbose=0)
    for x, y in zip(whole.get_weights(), parts.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


def test_a_training_that_goes_on_by_initial_epoch_or_a_checkpoint(tmp_path):
    whole, _, _ = fitted(dataset(), steps=3, epochs=3)

    by_hand, _, _ = fitted(dataset(), steps=3, epochs=2)
    by_hand.fit(dataset(), steps_per_epoch=3, epochs=3, initial_epoch=2, verbose=0)

    class Stop(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if int(self.model.optimizer.iterations) == 5:  # in the middle of epoch and pass
                raise KeyboardInterrupt

    checkpoint = kmc.callbacks.Checkpoint(tmp_path, every_steps=1)
    with pytest.raises(KeyboardInterrupt):
        model().fit(
            dataset(), steps_per_epoch=3, epochs=3, verbose=0, callbacks=[Stop(), checkpoint]
        )
    resumed = model()
    resumed.fit(
        dataset(workers=4),
        steps_per_epoch=3,
        epochs=3,
        verbose=0,
        callbacks=[kmc.callbacks.Checkpoint(tmp_path)],
    )
    for other in (by_hand, resumed):
        for x, y in zip(whole.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_array_equal(x, y)

    with pytest.warns(kmc.callbacks.CheckpointWarning, match="steps_per_epoch: 3, now 2"):
        resumed.fit(
            dataset(),
            steps_per_epoch=2,
            epochs=4,
            verbose=0,
            callbacks=[kmc.callbacks.Checkpoint(tmp_path)],
        )


@pytest.mark.parametrize("steps", [-1, 1.5, True])
def test_another_number_is_refused(steps):
    with pytest.raises(ValueError, match="`steps_per_epoch` must be an integer of at least 1"):
        model().fit(dataset(), steps_per_epoch=steps, verbose=0)
