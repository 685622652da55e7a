import csv
import re
import warnings

import keras
import numpy as np
import pytest
from small import compiled, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.callbacks import BestTranslation
from keras_mri_cyclegan.callbacks.unpaired_score import UnpairedScore
from keras_mri_cyclegan.unpaired_curves.patch_distance import look_alike

pytestmark = pytest.mark.usefixtures("few_patches")
A, _ = kmc.datasets.load_phantom(slices=3, size=32)
B, _ = kmc.datasets.load_phantom(slices=3, size=32, subjects=[1])
SMALL = tuple(images[:, ::2, ::2] for images in (A, B))  # of the size of a tiny CycleGAN


class Offset(keras.layers.Layer):
    """Adds its one weight: the translation is right where that is 0."""

    def build(self, input_shape):
        self.offset = self.add_weight(shape=(), initializer="zeros", name="offset")

    def call(self, x):
        return x + self.offset


def network(layer):
    image = keras.Input((32, 32, 1))
    return keras.Model(image, layer(image))


class Pair(keras.Model):
    """Two generators and nothing else."""

    def __init__(self, layer=Offset):
        super().__init__()
        self.generator_ab = network(layer())
        self.generator_ba = network(layer())

    def call(self, x):
        return self.generator_ab(x) + self.generator_ba(x)

    @property
    def offsets(self):
        return [float(v) for v in self.trainable_variables]


class Course(keras.callbacks.Callback):
    """Sets both offsets after each epoch, as a training would."""

    def __init__(self, offsets):
        super().__init__()
        self.course = offsets

    def on_epoch_end(self, epoch, logs=None):
        for variable in self.model.trainable_variables:
            variable.assign(self.course[epoch])


def train(best, offsets, initial_epoch=0, after=(), model=None, epochs=None, before=()):
    if model is None:
        model = Pair()
        model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.0))
    history = model.fit(
        A,
        A,
        epochs=len(offsets) if epochs is None else epochs,
        initial_epoch=initial_epoch,
        callbacks=[Course(offsets), *before, best, *after],
        verbose=0,
    ).history
    return model, history


def test_the_best_generators_are_kept_and_restored(capsys):
    best = BestTranslation(A, B)
    model, history = train(best, [0.3, 0.1, 0.4])
    assert best.best_epoch == 2
    assert model.offsets == pytest.approx([0.1, 0.1])
    scores = history["val_translation_score"]
    assert np.argmin(scores) == 1
    assert best.best_score == min(scores)
    printed = capsys.readouterr().out
    assert "the best of 3 judged epochs was 2, with a score of" in printed
    assert "displacement_ab" in printed
    # The logs are the scores of the model's translations.
    score = UnpairedScore(A, B)
    for epoch, offset in enumerate([0.3, 0.1, 0.4]):
        expected = score(lambda way, offset=offset: lambda x: x + offset)
        expected["translation_score"] = expected.pop("score")
        for name, value in expected.items():
            assert history[f"val_{name}"][epoch] == pytest.approx(value, rel=1e-3), name


def test_patience():
    best = BestTranslation(A, B, patience=2, verbose=0)
    model, history = train(best, [0.3, 0.1, 0.4, 0.2, 0.0])
    assert len(history["loss"]) == 4  # two after the best one
    assert model.offsets == pytest.approx([0.1, 0.1])


def test_every_other_epoch():
    best = BestTranslation(A, B, every=3, verbose=0)
    _, history = train(best, [0.3, 0.0, 0.2, 0.0, 0.1])
    judged = np.isfinite(history["val_translation_score"])
    np.testing.assert_array_equal(judged, [True, False, True, False, True])
    assert [scores["epoch"] for scores in best.scores] == [1, 3, 5]
    assert best.best_epoch == 5


def test_other_callbacks_use_its_logs_and_the_last_weights_may_stay(tmp_path):
    saved = tmp_path / "best.weights.h5"
    after = [
        keras.callbacks.ModelCheckpoint(
            saved,
            "val_translation_score",
            mode="min",
            save_best_only=True,
            save_weights_only=True,
        ),
        keras.callbacks.CSVLogger(tmp_path / "log.csv"),
        keras.callbacks.EarlyStopping("val_translation_score", mode="min", patience=1),
    ]
    best = BestTranslation(A, B, restore_best_weights=False, verbose=0)
    model, history = train(best, [0.3, 0.1, 0.4, 0.2], after=after)
    assert len(history["loss"]) == 3
    assert best.best_epoch == 2
    assert model.offsets == pytest.approx([0.4, 0.4])  # as `restore_best_weights` is off
    model.load_weights(saved)
    assert model.offsets == pytest.approx([0.1, 0.1])
    with open(tmp_path / "log.csv") as file:
        rows = list(csv.DictReader(file))
    found = [float(row["val_translation_score"]) for row in rows]
    assert found == pytest.approx(history["val_translation_score"])


def test_a_training_that_diverges():
    best = BestTranslation(A, B, verbose=0)
    model, history = train(best, [np.nan, 0.2, np.nan])
    assert history["val_translation_score"][0] == np.inf
    assert best.best_epoch == 2
    assert model.offsets == pytest.approx([0.2, 0.2])


def test_a_training_that_was_never_finite(capsys):
    model, _ = train(BestTranslation(A, B), [np.nan])
    assert np.isnan(model.offsets).all()
    assert "no epoch had finite translations" in capsys.readouterr().out


class Negative(keras.layers.Layer):
    """Turns an image around, plus its one weight: a start that is better than a copy."""

    def build(self, input_shape):
        self.offset = self.add_weight(shape=(), initializer="zeros", name="offset")

    def call(self, x):
        return self.offset - x


def negative_model():
    model = Pair(Negative)
    model.compile(loss="mse", optimizer=keras.optimizers.SGD(0.0))
    return model


def test_a_start_that_is_better_than_every_epoch_comes_back(capsys):
    best = BestTranslation(A, -A)
    with pytest.warns(UserWarning, match=r"made the start worse.*The start is restored"):
        model, _ = train(best, [0.3, 0.2], model=negative_model())
    assert model.offsets == [0, 0]
    assert best.looks["start"] < best.looks["best"] < best.looks["copy"]
    assert best.best_epoch == 2
    assert "2 judged epochs was 2" in capsys.readouterr().out


def test_better_than_start_and_copy_is_said(capsys):
    model = negative_model()
    for variable in model.trainable_variables:
        variable.assign(0.3)
    train(BestTranslation(A, -A), [0.2, 0.1], model=model)
    assert "better than a copy and than the start" in capsys.readouterr().out
    assert model.offsets == pytest.approx([0.1, 0.1])


def test_no_better_than_a_copy_is_a_warning():
    best = BestTranslation(A, B, verbose=0)
    with pytest.warns(UserWarning, match="no better than a copy"):
        train(best, [0.01])
    expected = [look_alike(A[..., 0], B[..., 0]), look_alike(B[..., 0], A[..., 0])]
    assert best.looks["copy"] == pytest.approx(np.mean(expected))


def test_the_verdict_outlives_an_interruption(tmp_path):
    path = tmp_path / "best.npz"
    train(BestTranslation(A, -A, path=path, verbose=0), [0.3], model=negative_model(), epochs=1)
    second = BestTranslation(A, -A, path=path, verbose=0)
    train(second, [0.3, 0.2], initial_epoch=1, model=negative_model())
    assert not second.verdict.worked
    assert second.verdict.start_is_better


@pytest.mark.parametrize("again", [True, False])
def test_resumed_it_goes_on_from_its_file(tmp_path, again):
    path = tmp_path / "best.npz"
    course = [0.1, 0.4, 0.2]
    first = BestTranslation(A, B, path=path, restore_best_weights=False, verbose=0)
    model, _ = train(first, course, epochs=2)
    second = first if again else BestTranslation(A, B, path=path, verbose=0)
    second.restore_best_weights = True
    # Resumed after epoch 1, as a training is whose second epoch was not saved.
    train(second, course, initial_epoch=1, model=model)
    assert [scores["epoch"] for scores in second.scores] == [1, 2, 3]
    assert second.best_epoch == 1
    assert model.offsets == pytest.approx([0.1, 0.1])


@pytest.mark.parametrize("kept", ["npz", "keras state"])
@pytest.mark.parametrize(
    ("images", "message"),
    [
        ((A[:2], B), r"judged by \(`a`: mean .*, now [^;]*\)"),
        ((A, B[::-1]), r"judged by \(`b`: .*another order\)"),
        ((B, A), r"`a`: .*; `b`: "),
        ((A, B), None),
    ],
)
def test_resumed_with_other_images(tmp_path, kept, images, message):
    path = tmp_path / "best.npz" if kept == "npz" else None
    first = BestTranslation(A, B, path=path, verbose=0)
    train(first, [0.3], epochs=1)
    second = BestTranslation(*images, path=path, verbose=0)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        if path is None:
            second.set_state(first.get_state())
        train(second, [0.3, 0.1], initial_epoch=1)
    told = [str(one.message) for one in told if "judged by" in str(one.message)]
    assert len(told) == (message is not None)
    assert not told or re.search(message, told[0])


def test_a_new_training_forgets_the_last_one(tmp_path):
    path = tmp_path / "best.npz"
    train(BestTranslation(A, B, path=path, verbose=0), [0.0])
    best = BestTranslation(A, B, path=path, verbose=0)
    model, _ = train(best, [0.3, 0.2])
    assert best.best_epoch == 2
    assert model.offsets == pytest.approx([0.2, 0.2])


def test_the_file_of_another_model(tmp_path):
    path = tmp_path / "best.npz"
    np.savez(
        path,
        state=np.array('{"best_epoch": 1, "best_score": 1.0, "scores": []}'),
        generator_ab_0000=np.zeros(3),
    )
    with pytest.raises(ValueError, match=r"`path`.*another generator_ab"):
        train(BestTranslation(A, B, path=path), [0.1, 0.2], initial_epoch=1)


def test_it_judges_the_moving_average_behind_its_swap():
    model = Pair()
    optimizer = keras.optimizers.SGD(0.0, use_ema=True, ema_momentum=0.5)
    model.compile(loss="mse", optimizer=optimizer)
    optimizer.build(model.trainable_variables)
    averages = optimizer._model_variables_moving_average

    class Averages(keras.callbacks.Callback):
        """Sets the averages after each epoch, as a training would."""

        def on_epoch_end(self, epoch, logs=None):
            for variable in averages:
                variable.assign([0.2, 0.05, 0.3][epoch])

    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    best = BestTranslation(A, B, verbose=0)
    model, history = train(best, [0.0, 0.4, 0.5], model=model, before=[Averages(), swap])
    assert best.best_epoch == 2
    assert model.offsets == pytest.approx([0.05, 0.05])
    expected = UnpairedScore(A, B)(lambda way: lambda x: x + 0.05)["score"]
    assert history["val_translation_score"][1] == pytest.approx(expected, rel=1e-3)


@pytest.mark.backend
def test_a_cyclegan_with_moving_averages():
    adam = keras.optimizers.Adam
    model = tiny_cyclegan(dropout=0.0)
    model.compile(adam(0.02, use_ema=True, ema_momentum=0.9), adam(0.02))
    best = BestTranslation(*SMALL, verbose=0)
    swap = keras.callbacks.SwapEMAWeights(swap_on_epoch=True)
    model.fit(*SMALL, epochs=2, callbacks=[swap, best], verbose=0)
    again = UnpairedScore(*SMALL)(lambda way: lambda x: model.translate(x, way))
    assert again["score"] == pytest.approx(best.best_score, rel=1e-3)


@pytest.mark.backend
def test_the_training_is_not_disturbed():
    def trained(callbacks):
        keras.utils.set_random_seed(0)
        model = compiled(tiny_cyclegan(dropout=0.5, seed=1))
        data = kmc.data.UnpairedDataset(*SMALL, batch_size=2, seed=5)
        model.fit(data, epochs=2, callbacks=callbacks, verbose=0)
        return weights(model)

    best = BestTranslation(*SMALL, restore_best_weights=False, verbose=0)
    for found, expected in zip(trained([best]), trained([]), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_the_images_are_copies():
    a = A.copy()
    best = BestTranslation(a, B)
    a[:] = 0
    np.testing.assert_array_equal(best._score.images["a"], A)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": A.astype("int32")}, "`a` must hold floating point"),
        ({"every": 0}, "`every` must be"),
        ({"patience": 0}, "`patience` must be"),
        ({"path": "best.h5"}, "`path` must end in '.keras'.* '.npz'"),
        ({"max_shift": 0}, "`max_shift` must be"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        BestTranslation(**{"a": A, "b": B, **arguments})


def test_images_that_the_model_does_not_take():
    model = compiled()
    data = np.zeros((2, 16, 16, 1), "float32")
    with pytest.raises(ValueError, match=r"`a` holds images of shape .*takes \(16, 16, 1\)"):
        model.fit(data, data, callbacks=[BestTranslation(A, B)], verbose=0)


def test_a_model_without_generators():
    model = keras.Sequential([keras.layers.Conv2D(1, 1)])
    model.compile(loss="mse")
    with pytest.raises(ValueError, match=r"`generator_ab`.*Received: a Sequential"):
        model.fit(A, A, callbacks=[BestTranslation(A, B)], verbose=0)
