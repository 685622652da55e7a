import keras
import numpy as np
import pytest
from keras import ops
from small import cyclegan, images, weights

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.cyclegan import objective
from keras_mri_cyclegan.cyclegan.together import takes_each_by_itself, together

SHAPE = (16, 16, 1)


def patchgan(**arguments):
    return kmc.patchgan_discriminator(SHAPE, layers=1, filters=4, **arguments)


def one_layer(layer):
    return keras.Sequential([keras.Input(SHAPE), layer])


class Own(keras.layers.Layer):
    """A layer that nothing is known of."""

    def call(self, inputs):
        return inputs - ops.mean(inputs, axis=0)


def with_an_operation():
    image = keras.Input(SHAPE)
    return keras.Model(image, ops.subtract(image, ops.mean(image, axis=0)))


KNOWN = {
    "unet": lambda: kmc.unet_generator(SHAPE, depth=2, filters=4),
    "resnet": lambda: kmc.resnet_generator(SHAPE, blocks=1, filters=4),
    "patchgan": patchgan,
    "nested": lambda: one_layer(patchgan()),
}
UNKNOWN = {
    "batch": lambda: patchgan(normalization="batch"),
    "spectral": lambda: patchgan(normalization=None, spectral_normalization=True),
    "own layer": lambda: one_layer(Own()),
    "operation": with_an_operation,
    "nested": lambda: one_layer(patchgan(normalization="batch")),
    "nested operation": lambda: one_layer(with_an_operation()),
}


@pytest.mark.parametrize("kind", KNOWN)
def test_networks_that_take_each_image_by_itself(kind):
    assert takes_each_by_itself(KNOWN[kind]())


@pytest.mark.parametrize("kind", UNKNOWN)
def test_networks_that_may_not(kind):
    assert not takes_each_by_itself(UNKNOWN[kind]())


@pytest.mark.parametrize("network", [KNOWN["resnet"](), UNKNOWN["operation"]()])
def test_each_batch_gets_what_it_would_get_alone(network):
    first, second = images(1, SHAPE, seed=1), images(3, SHAPE, seed=2)
    for found, batch in zip(together(network, first, second), (first, second), strict=True):
        expected = ops.convert_to_numpy(network(batch, training=True))
        np.testing.assert_allclose(ops.convert_to_numpy(found), expected, atol=1e-5)


@pytest.mark.parametrize("pool_size", [3, pytest.param(0, marks=pytest.mark.slow)])
def test_a_step_is_the_one_that_calls_the_networks_one_by_one(pool_size, monkeypatch):
    def trained():
        model = cyclegan(pool_size=pool_size, seed=0)
        model.compile(keras.optimizers.SGD(0.1), keras.optimizers.SGD(0.1))
        logs = model.train_on_batch(images(2, seed=1), images(2, seed=2), return_dict=True)
        return logs, weights(model)

    logs, found = trained()
    monkeypatch.setattr(objective, "can_go_together", lambda *_: False)
    monkeypatch.setattr(
        objective,
        "together",
        lambda network, *batches, **_: [network(batch, training=True) for batch in batches],
    )
    expected_logs, expected = trained()
    for name, value in expected_logs.items():
        assert float(logs[name]) == pytest.approx(float(value), rel=1e-4), name
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=2e-5)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's own way")
def test_an_update_in_one_pass_is_the_same_update(monkeypatch):
    from keras_mri_cyclegan.cyclegan.backends import tensorflow

    def trained(large):
        monkeypatch.setattr(tensorflow, "LARGE", large)
        model = cyclegan(pool_size=0)
        rate = keras.optimizers.schedules.PolynomialDecay(2e-3, 10, 0.0)
        model.compile(
            keras.optimizers.Adam(rate, beta_1=0.5, use_ema=True),
            keras.optimizers.AdamW(rate, clipnorm=1.0),
        )
        model.fit(images(3, seed=1), images(3, seed=2), epochs=1, shuffle=False, verbose=0)
        return weights(model), [np.array(v) for v in model.optimizer.variables]

    for one, other in zip(trained(0), trained(10**9), strict=True):
        for found, expected in zip(one, other, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)
