import json

import keras
import numpy as np
import pytest
from fixtures import make_training
from small import compiled, images, tiny_cyclegan, weights

pytestmark = pytest.mark.compiled


@pytest.mark.parametrize("kind", make_training.KINDS)
def test_training_agrees_with_the_recorded_one_of_another_backend(kind):
    recorded = json.loads(make_training.FILE.read_text())[kind]
    found = make_training.train(kind)
    for step, (one, other) in enumerate(zip(found["steps"], recorded["steps"], strict=True)):
        assert set(one) == set(other)
        for name, value in other.items():
            assert one[name] == pytest.approx(value, rel=1e-4, abs=1e-5), (step, name)
    np.testing.assert_allclose(found["weights"], recorded["weights"], rtol=1e-4)


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="tf.distribute is TensorFlow's own"
)
def test_two_replicas_make_the_step_of_one():
    import tensorflow as tf

    cpus = tf.config.list_physical_devices("CPU")
    try:
        tf.config.set_logical_device_configuration(
            cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2
        )
    except RuntimeError:
        if len(tf.config.list_logical_devices("CPU")) < 2:
            pytest.skip("TensorFlow has already started with one logical device")

    def step():
        model = tiny_cyclegan(pool_size=0, dropout=0.0)
        model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2))
        pairs = tf.data.Dataset.from_tensor_slices((images(4), images(4, seed=1))).batch(4)
        model.fit(pairs, epochs=1, verbose=0)
        return weights(model)

    single = step()
    with tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]).scope():
        double = step()
    for x, y in zip(single, double, strict=True):
        np.testing.assert_allclose(x, y, atol=1e-5)


def test_an_interrupted_step_leaves_the_model_usable():
    """After an error in the middle of `fit` the weights are finite and training can go on."""

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            raise KeyboardInterrupt

    model = compiled()
    with pytest.raises(KeyboardInterrupt):
        model.fit(images(4), images(4, seed=1), verbose=0, callbacks=[Stop()])
    assert all(np.isfinite(weight).all() for weight in weights(model))
    history = model.fit(images(4), images(4, seed=1), verbose=0).history
    assert np.isfinite(history["loss"]).all()
