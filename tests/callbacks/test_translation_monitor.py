import os
import random

import keras
import numpy as np
import pytest
from keras import ops
from PIL import Image, ImageSequence

from keras_mri_cyclegan.callbacks import TranslationMonitor

SIZE, SCALE, MARGIN, GAP = 32, 6, 8, 4
TILE = SIZE * SCALE


class Translator(keras.Model):
    """A to B is the negative; B to A is its one weight, which is learnt, everywhere."""

    def __init__(self):
        super().__init__()
        self.level = self.add_weight(shape=(), initializer="zeros", name="level")

    def call(self, x):
        return ops.zeros_like(x) + self.level

    def translate(self, images, direction="ab", batch_size=8):
        if direction == "ab":
            return -images
        return np.full_like(images, ops.convert_to_numpy(self.level))


def images(count=2, seed=0, size=SIZE):
    shape = (count, size, size, 1)
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def train(callbacks, epochs=3, initial_epoch=0, model=None):
    """The level goes 0, 0.4, 0.6, 0.7: each epoch halves its distance from 0.8."""
    model = model or Translator()
    if not model.compiled:
        model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.25))
    x, y = images(4), np.full((4, SIZE, SIZE, 1), 0.8, "float32")
    model.fit(
        x,
        y,
        batch_size=4,
        epochs=epochs,
        initial_epoch=initial_epoch,
        callbacks=callbacks,
        verbose=0,
    )
    return model


def read(path):
    with Image.open(path) as picture:
        return np.array(picture)


def read_gif(path):
    with Image.open(path) as gif:
        return [
            (np.array(frame.convert("L")), frame.info["duration"])
            for frame in ImageSequence.Iterator(gif)
        ]


def tile(picture, row, column, rows):
    """One drawn image, counted from the bottom: the height of the titles is the font's."""
    y = picture.shape[0] - MARGIN - (rows - row) * (TILE + GAP) + GAP
    x = (column // 3) * picture.shape[1] // 2 + MARGIN + (column % 3) * (TILE + GAP)
    enlarged = picture[y : y + TILE, x : x + TILE]
    small = enlarged[::SCALE, ::SCALE]
    np.testing.assert_array_equal(enlarged, np.kron(small, np.ones((SCALE, SCALE))))
    return small


def grey(values):
    return np.round(127.5 * (np.asarray(values, "float64") + 1))


def test_files_of_a_training(tmp_path):
    directory = tmp_path / "new" / "folder"
    train([TranslationMonitor(images(), images(seed=1), directory, seconds_per_frame=0.5)])
    pngs = [f"epoch_000{epoch}.png" for epoch in range(4)]
    assert sorted(os.listdir(directory)) == [*pngs, "training.gif"]
    frames = read_gif(directory / "training.gif")
    assert len(frames) == 4
    for name, (frame, duration) in zip(pngs, frames, strict=True):
        np.testing.assert_array_equal(frame, read(directory / name))
        assert duration == 500


def test_content_of_the_pictures(tmp_path):
    a, b = images(3), images(3, seed=1)
    train([TranslationMonitor(a, b, tmp_path, max_images=2)])
    for epoch, level in enumerate([0, 0.4, 0.6, 0.7]):
        picture = read(tmp_path / f"epoch_000{epoch}.png")
        assert picture.shape[1] == 2 * (3 * TILE + 2 * GAP + 2 * MARGIN)
        for row in range(2):
            expected = [a[row], -a[row], level, b[row], level, -level]
            for column, value in enumerate(expected):
                found = tile(picture, row, column, rows=2)
                values = np.broadcast_to(np.squeeze(value), (SIZE, SIZE))
                # float32 steps may round a level to the neighbouring grey
                np.testing.assert_allclose(found, grey(values), atol=1)


def test_more_images_of_one_side(tmp_path):
    train([TranslationMonitor(images(1), images(3), tmp_path, gif=False)], epochs=1)
    assert "training.gif" not in os.listdir(tmp_path)
    picture = read(tmp_path / "epoch_0001.png")
    assert picture.shape[0] > 3 * TILE
    np.testing.assert_array_equal(tile(picture, 2, 3, rows=3), grey(images(3)[2, ..., 0]))
    # The single image of A stands beside the first of B, on top
    np.testing.assert_array_equal(tile(picture, 0, 0, rows=3), grey(images(1)[0, ..., 0]))


def test_every_other_epoch(tmp_path):
    train([TranslationMonitor(images(), images(), tmp_path, every=2)], epochs=5)
    expected = ["epoch_0000.png", "epoch_0002.png", "epoch_0004.png", "training.gif"]
    assert sorted(os.listdir(tmp_path)) == expected
    assert len(read_gif(tmp_path / "training.gif")) == 3


def test_resumed_training(tmp_path):
    model = train([TranslationMonitor(images(), images(), tmp_path)], epochs=2)
    first = read(tmp_path / "epoch_0001.png")
    monitor = TranslationMonitor(images(), images(), tmp_path)
    train([monitor], epochs=4, initial_epoch=2, model=model)
    frames = read_gif(tmp_path / "training.gif")
    assert len(frames) == 5
    np.testing.assert_array_equal(frames[1][0], first)
    np.testing.assert_array_equal(frames[4][0], read(tmp_path / "epoch_0004.png"))


def test_monitor_used_again_from_the_start(tmp_path):
    monitor = TranslationMonitor(images(), images(), tmp_path)
    train([monitor], epochs=3)
    train([monitor], epochs=1)
    assert len(read_gif(tmp_path / "training.gif")) == 2


def test_pictures_of_an_older_training_are_not_mixed_in(tmp_path):
    train([TranslationMonitor(images(seed=5), images(), tmp_path)], epochs=5)
    model = train([TranslationMonitor(images(), images(), tmp_path, every=2)], epochs=2)
    assert len(read_gif(tmp_path / "training.gif")) == 2  # 0 and 2, not the older 1
    assert "epoch_0005.png" in os.listdir(tmp_path)
    monitor = TranslationMonitor(images(), images(), tmp_path, every=2)
    train([monitor], epochs=4, initial_epoch=2, model=model)
    frames = [frame for frame, _ in read_gif(tmp_path / "training.gif")]
    np.testing.assert_array_equal(frames[-1], read(tmp_path / "epoch_0004.png"))
    assert len(frames) == 4  # 0, the older 1, 2 and 4, neither 3 nor 5


def test_earlier_pictures_of_another_size(tmp_path):
    model = train([TranslationMonitor(images(1), images(1), tmp_path)], epochs=1)
    monitor = TranslationMonitor(images(2), images(2), tmp_path)
    with pytest.warns(UserWarning, match="leaves out 2 pictures"):
        train([monitor], epochs=2, initial_epoch=1, model=model)
    assert len(read_gif(tmp_path / "training.gif")) == 1


def test_interrupted_training_leaves_its_pictures(tmp_path):
    class Interrupt(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train([TranslationMonitor(images(), images(), tmp_path), Interrupt()])
    expected = ["epoch_0000.png", "epoch_0001.png", "epoch_0002.png"]
    assert sorted(os.listdir(tmp_path)) == expected


class Predicting(Translator):
    """Translates as `CycleGAN` does: by `predict` of a network, which has an unseeded dropout."""

    def __init__(self):
        super().__init__()
        self.network = keras.Sequential(
            [keras.Input((SIZE, SIZE, 1)), keras.layers.Conv2D(1, 3, padding="same")]
        )
        self.dropout = keras.layers.Dropout(0.5)

    def call(self, x, training=None):
        return self.dropout(self.network(x), training=training)

    def translate(self, images, direction="ab", batch_size=8):
        return self.network.predict(images, batch_size=batch_size, verbose=0)


@pytest.mark.backend
def test_training_is_not_disturbed(tmp_path):
    def trained(callbacks):
        keras.utils.set_random_seed(0)
        model = Predicting()
        model.compile(loss="mse", optimizer="adam")
        x, y = images(8), images(8, seed=1)
        history = model.fit(x, y, batch_size=1, epochs=3, callbacks=callbacks, verbose=0).history
        after = random.random(), np.random.random()  # noqa: NPY002
        return history["loss"], model.get_weights(), after

    monitor = TranslationMonitor(images(), images(), tmp_path)
    losses, weights, after = trained([monitor])
    losses_without, weights_without, after_without = trained([])
    assert after == after_without
    # TensorFlow adds in an order of its own, and so twice the same is the same to the last digits
    np.testing.assert_allclose(losses, losses_without, rtol=1e-5)
    for weight, without in zip(weights, weights_without, strict=True):
        np.testing.assert_allclose(weight, without, atol=1e-5)
    assert len(os.listdir(tmp_path)) == 5


def test_the_examples_are_copies(tmp_path):
    a = images()
    monitor = TranslationMonitor(a, a, tmp_path)
    kept = a.copy()
    a[:] = 0
    np.testing.assert_array_equal(monitor.a, kept)
    np.testing.assert_array_equal(monitor.b, kept)


def test_diverged_translations_are_drawn_black(tmp_path):
    class Diverged(Translator):
        def translate(self, images, direction="ab", batch_size=8):
            assert np.isfinite(images).all()
            return np.full_like(images, np.nan)

    train([TranslationMonitor(images(), images(), tmp_path)], epochs=1, model=Diverged())
    picture = read(tmp_path / "epoch_0001.png")
    assert [tile(picture, 0, column, rows=2).max() > 0 for column in range(6)] == [
        True,
        False,
        False,
        True,
        False,
        False,
    ]


def test_volumes(tmp_path):
    volumes = np.random.default_rng(0).uniform(-1, 1, (1, 5, SIZE, SIZE, 1)).astype("float32")
    monitor = TranslationMonitor(volumes, volumes, tmp_path)
    train([monitor], epochs=1)
    picture = read(tmp_path / "epoch_0001.png")
    np.testing.assert_array_equal(tile(picture, 0, 0, rows=1), grey(volumes[0, 2, ..., 0]))


def test_a_model_that_cannot_translate(tmp_path):
    model = keras.Sequential([keras.layers.Conv2D(1, 1)])
    model.compile(loss="mse")
    monitor = TranslationMonitor(images(), images(), tmp_path)
    with pytest.raises(ValueError, match=r"`translate`.*Received: a Sequential"):
        model.fit(images(), images(), callbacks=[monitor], verbose=0)


def test_a_folder_that_cannot_be_created(tmp_path):
    (tmp_path / "file").write_text("")
    for directory in (tmp_path / "file", tmp_path / "file" / "folder"):
        monitor = TranslationMonitor(images(), images(), directory)
        with pytest.raises(OSError, match=r"`directory`.*cannot be created or written"):
            train([monitor])


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="needs a user whom permissions bind"
)
def test_a_folder_that_cannot_be_written_to(tmp_path):
    directory = tmp_path / "locked"
    directory.mkdir(mode=0o500)
    with pytest.raises(OSError, match=r"`directory`.*cannot be created or written"):
        train([TranslationMonitor(images(), images(), directory)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": np.zeros((2, 8, 8, 1), "uint8")}, "`a` must hold floating point"),
        ({"b": np.zeros((8, 8, 1), "float32")}, "`b` must have shape"),
        ({"a": np.full((1, 8, 8, 1), np.nan)}, "`a` holds 64 values"),
        ({"every": 0}, "`every` must be"),
        ({"max_images": 0}, "`max_images` must be"),
        ({"max_images": 1.5}, "`max_images` must be"),
        ({"seconds_per_frame": 0.001}, "`seconds_per_frame` must be"),
        ({"names": "T1"}, "`names` must be two strings"),
        ({"names": ("T1", 2)}, "`names` must be two strings"),
    ],
)
def test_wrong_arguments(tmp_path, arguments, message):
    defaults = {"a": images(), "b": images(), "directory": tmp_path}
    with pytest.raises(ValueError, match=message):
        TranslationMonitor(**{**defaults, **arguments})


def test_images_outside_the_range(tmp_path):
    with pytest.warns(UserWarning, match="`b` has values in"):
        TranslationMonitor(images(), 127 * images(), tmp_path)
