"""What `BestTranslation` writes opens as a model."""

import warnings

import keras
import numpy as np
import pytest
from small import compiled, images, tiny_cyclegan

from keras_mri_cyclegan.callbacks import BestTranslation

pytestmark = [pytest.mark.backend, pytest.mark.usefixtures("few_patches")]

A, B = images(2, seed=1), images(2, seed=2)


class Spoil(keras.callbacks.Callback):
    """Makes every epoch after the first a bad one."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch:
            for network in (self.model.generator_ab, self.model.generator_ba):
                network.set_weights([np.full_like(w, 3.0) for w in network.get_weights()])


def train(path, model=None, epochs=3, **options):
    model = compiled(tiny_cyclegan(dropout=0.0), rate=1e-4) if model is None else model
    best = BestTranslation(A, B, path=path, verbose=0)
    model.fit(A, B, batch_size=2, epochs=epochs, verbose=0, callbacks=[Spoil(), best], **options)
    return model, best


def assert_equal_generators(one, other):
    for name in ("generator_ab", "generator_ba"):
        networks = (getattr(model, name).get_weights() for model in (one, other))
        for x, y in zip(*networks, strict=True):
            np.testing.assert_array_equal(x, y)


def test_a_keras_file_is_the_model_of_the_best_epoch(tmp_path):
    path = tmp_path / "best.keras"
    model, best = train(path)
    assert best.best_epoch == 1
    loaded = keras.models.load_model(path)
    assert_equal_generators(loaded, model)  # which have been put back
    np.testing.assert_allclose(loaded.translate(A), model.translate(A), atol=1e-6)
    assert int(loaded.optimizer.iterations) == 1  # those of the first epoch
    other = compiled(tiny_cyclegan(dropout=0.0, seed=5))
    other.load_weights(path)
    assert_equal_generators(other, model)


def test_an_npz_file_is_loaded_into_the_generators(tmp_path):
    path = tmp_path / "best.npz"
    model, _ = train(path)
    other = compiled(tiny_cyclegan(dropout=0.0))
    before = other.discriminator_a.get_weights()
    other.load_weights(path)
    assert_equal_generators(other, model)
    for x, y in zip(before, other.discriminator_a.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("ending", ["keras", "npz"])
def test_a_resumed_training_goes_on_from_it(tmp_path, ending):
    path = tmp_path / f"best.{ending}"
    _, first = train(path, epochs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.filterwarnings("ignore", message=".*(__array__|Even though|requires_grad)")
        warnings.filterwarnings("ignore", message="BestTranslation: The tr")  # the verdict
        _, second = train(path, epochs=3, initial_epoch=2)
    assert second.best_epoch == 1
    assert [scores["epoch"] for scores in second.scores] == [1, 2, 3]
    assert second.best_score == first.best_score


def test_a_file_of_something_else(tmp_path):
    np.savez(tmp_path / "x.npz", images=A)
    with pytest.raises(ValueError, match=r"not a file of `BestTranslation`. Found: images"):
        tiny_cyclegan().load_weights(tmp_path / "x.npz")
    compiled(tiny_cyclegan()).save(tmp_path / "x.keras")
    with pytest.raises(ValueError, match="did not write"):
        train(tmp_path / "x.keras", initial_epoch=1)


@pytest.mark.parametrize("ending", ["keras", "npz"])
def test_a_damaged_file_and_a_missing_one(tmp_path, ending):
    path = tmp_path / f"best.{ending}"
    model, _ = train(path, epochs=1)
    whole = path.read_bytes()
    middle = len(whole) // 2
    flipped = bytes(255 - byte for byte in whole[middle : middle + 200])
    for content in (b"", whole[:middle], whole[:middle] + flipped + whole[middle + 200 :]):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"`path` .*best.* is damaged .*move that file away"):
            train(path, model, epochs=2, initial_epoch=1)
    path.unlink()
    with pytest.warns(UserWarning, match=r"goes on with epoch 2, and there is no file .*best"):
        train(path, model, epochs=2, initial_epoch=1)
