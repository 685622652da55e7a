import keras
import numpy as np
import pytest
from keras import ops
from small import compiled, images, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc

SCHEDULE = kmc.losses.WarmUp(1.0, steps=4, start=1)


class Doubled(keras.layers.Layer):
    """Doubles an image, so that what was done to it can be read off."""

    def call(self, x):
        return x * 2.0


def model():
    layer = kmc.layers.ScheduledAugmentation(SCHEDULE, seed=1)
    return compiled(tiny_cyclegan(pool_size=0, dropout=0.0, augmentation=layer))


def test_the_probability_follows_the_steps():
    layer = kmc.layers.ScheduledAugmentation(SCHEDULE, Doubled(), seed=0)
    batch = np.ones((2000, 1, 1, 1), "float32")
    for expected in (0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0):
        assert float(layer.probability) == expected
        doubled = np.mean(ops.convert_to_numpy(layer(batch)) == 2)
        assert doubled == pytest.approx(expected, abs=0.05)  # four standard deviations
        layer.adjust(0.0, 1)


def test_a_number_holds_from_the_start():
    layer = kmc.layers.ScheduledAugmentation(1.0, Doubled())
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(images(2))), 2 * images(2))


def test_a_training_moves_it_on_and_logs_it():
    made = model()
    logs = made.fit(images(4), images(4, seed=1), batch_size=2, epochs=3, verbose=0).history
    # Logged is what the next step will see.
    assert logs["augmentation_probability"] == pytest.approx([0.125, 0.625, 1.0])
    assert float(made.augmentation.step) == 6


def test_saved_and_loaded_it_goes_on_as_it_was(tmp_path):
    made = model()
    made.fit(images(4), images(4, seed=1), batch_size=2, epochs=1, verbose=0)
    made.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert float(loaded.augmentation.probability) == 0.25
    for one in (made, loaded):
        data = kmc.data.UnpairedDataset(images(4), images(4, seed=1), batch_size=2, seed=9)
        one.fit(data, epochs=1, verbose=0)
    for x, y in zip(weights(made), weights(loaded), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"probability": "late"}, "probability"),
        ({"probability": -1.0}, "probability"),
        ({"probability": 1.5}, "probability"),
        ({"probability": 1.0, "augmentation": []}, "augmentation"),
    ],
)
def test_bad_arguments(arguments, name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        kmc.layers.ScheduledAugmentation(**arguments)
