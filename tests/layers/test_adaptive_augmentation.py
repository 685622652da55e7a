import keras
import numpy as np
import pytest
from keras import ops
from small import compiled, images, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc


class Scaled(keras.layers.Layer):
    """Multiplies an image, so that what was done to it can be read off."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return x * self.factor


def adaptive(**arguments):
    return kmc.layers.AdaptiveAugmentation([Scaled(2.0), Scaled(3.0)], seed=0, **arguments)


def test_images_are_left_alone_at_first():
    batch = images(5)
    layer = kmc.layers.AdaptiveAugmentation(seed=0)
    np.testing.assert_array_equal(ops.convert_to_numpy(layer(batch)), batch)


@pytest.mark.parametrize("probability", [0.3, 0.8])
def test_each_augmentation_meets_each_image_with_the_probability(probability):
    layer = adaptive()
    layer.probability.assign(probability)
    found = ops.convert_to_numpy(layer(np.ones((4000, 2, 2, 1), "float32")))
    assert (found == found[:, :1, :1]).all()
    shares = {factor: np.mean(found[:, 0, 0, 0] == factor) for factor in (1, 2, 3, 6)}
    p = probability
    expected = {1: (1 - p) ** 2, 2: p * (1 - p), 3: p * (1 - p), 6: p**2}
    for factor, share in expected.items():
        assert shares[factor] == pytest.approx(share, abs=0.04)  # five standard deviations


def test_the_probability_follows_the_verdicts():
    layer = adaptive(target=0.5, images=200, limit=0.6)
    probability, confidence, seen = 0.0, 0.0, []
    rng = np.random.default_rng(0)
    for step in range(140):
        sign, count = float(rng.uniform(0.6, 1.0) if step < 100 else -0.4), 1 + step % 4
        confidence += min(1, count / 64) * (sign - confidence)
        probability = np.clip(probability + np.sign(confidence - 0.5) * count / 200, 0, 0.6)
        layer.adjust(sign, count)
        assert float(layer.probability) == pytest.approx(probability, abs=1e-5)
        assert float(layer.confidence) == pytest.approx(confidence, abs=1e-5)
        seen.append(probability)
    assert max(seen) == 0.6  # held at the limit
    assert 0 < seen[-1] < 0.6  # and on its way back


def confident(loss):
    """A model whose discriminators call every patch real: their last bias is 5."""
    layer = kmc.layers.AdaptiveAugmentation(images=20, seed=1)
    model = tiny_cyclegan(pool_size=0, dropout=0.0, augmentation=layer)
    for network in (model.discriminator_a, model.discriminator_b):
        network.set_weights([*network.get_weights()[:-1], np.full(1, 5.0)])
    return compiled(model, rate=1e-6, adversarial_loss=loss)


@pytest.mark.parametrize(
    "loss",
    [
        "hinge",
        pytest.param("least_squares", marks=pytest.mark.slow),  # as in the next test
        pytest.param(keras.losses.MeanSquaredError(), marks=pytest.mark.slow),
    ],
)
def test_a_training_raises_and_logs_it(loss):
    model = confident(loss)
    for network in (model.discriminator_a, model.discriminator_b):
        assert ops.convert_to_numpy(network(images(4))).min() > 0.5
    model.augmentation.confidence.assign(0.59)
    logs = model.fit(images(4), images(4, seed=1), batch_size=2, epochs=2, verbose=0).history
    # 2 images a step, 20 for the whole way: 0.1 a step, as soon as the mean is above 0.6
    assert logs["augmentation_probability"] == pytest.approx([0.15, 0.35], abs=1e-4)
    assert float(model.augmentation.probability) == pytest.approx(0.4, abs=1e-4)


def test_a_discriminator_that_is_at_a_loss_needs_none():
    model = confident("least_squares")
    for network in (model.discriminator_a, model.discriminator_b):
        network.set_weights([*(0 * w for w in network.get_weights()[:-1]), np.full(1, 0.3)])
    model.augmentation.probability.assign(0.5)
    model.fit(images(4), images(4, seed=1), batch_size=2, epochs=1, verbose=0)
    # 0.3 is nearer to fake, 0, than to real, 1
    assert float(model.augmentation.confidence) < 0
    assert float(model.augmentation.probability) == pytest.approx(0.3, abs=1e-4)


def test_saved_and_loaded_it_goes_on_as_it_was(tmp_path):
    model = confident("least_squares")
    model.augmentation.confidence.assign(0.7)
    model.fit(images(4), images(4, seed=1), batch_size=4, epochs=1, verbose=0)
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert float(loaded.augmentation.probability) == float(model.augmentation.probability) > 0
    for one in (model, loaded):
        data = kmc.data.UnpairedDataset(images(4), images(4, seed=1), batch_size=2, seed=9)
        one.fit(data, epochs=1, verbose=0)
    for x, y in zip(weights(model), weights(loaded), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize(
    "arguments",
    [
        {"augmentation": "flip"},
        {"augmentation": []},
        {"target": 1.0},
        {"images": 0},
        {"limit": 1.5},
        {"limit": -1},
    ],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=f"`{next(iter(arguments))}`"):
        kmc.layers.AdaptiveAugmentation(**arguments)
