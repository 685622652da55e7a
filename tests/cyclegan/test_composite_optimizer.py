"""One optimizer of two behaves as the two would on their own."""

import keras
import numpy as np
import pytest
from small import images, tiny_cyclegan, weights

from keras_mri_cyclegan.cyclegan.composite_optimizer import CompositeOptimizer

START = [1.0, -2.0, 0.5]
GRADIENTS = [[0.3, -5.0, 0.1], [0.2, 0.4, -0.7], [-0.9, 0.3, 2.0], [0.1, 0.2, 0.3]]


def variable():
    return keras.Variable(np.array(START, "float32"))


def run_alone(optimizer):
    alone = variable()
    for gradient in GRADIENTS:
        optimizer.apply([keras.ops.convert_to_tensor(np.array(gradient, "float32"))], [alone])
    optimizer.finalize_variable_values([alone])
    return keras.ops.convert_to_numpy(alone)


SETTINGS = {
    "plain": {},
    "clipnorm": {"clipnorm": 0.5},
    "global_clipnorm": {"global_clipnorm": 0.5},
    "accumulation": {"gradient_accumulation_steps": 2},
    "moving average": {"use_ema": True, "ema_momentum": 0.5},
    "weight decay": {"weight_decay": 0.1},
    "schedule": {"learning_rate": keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_each_variable_moves_as_under_its_own_optimizer(setting):
    def generator():
        return keras.optimizers.Adam(**{"learning_rate": 0.1, **SETTINGS[setting]})

    def discriminator():
        return keras.optimizers.SGD(0.01, momentum=0.9)

    mine, theirs = variable(), variable()
    composite = CompositeOptimizer(generator(), discriminator(), [theirs])
    composite.build([mine, theirs])
    for gradient in GRADIENTS:
        gradient = keras.ops.convert_to_tensor(np.array(gradient, "float32"))
        composite.apply([gradient, gradient], [mine, theirs])
    composite.finalize_variable_values([mine, theirs])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(mine), run_alone(generator()), atol=1e-6)
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(theirs), run_alone(discriminator()), atol=1e-6
    )


@pytest.mark.parametrize(
    "names",
    [
        ("clipnorm", "accumulation", "weight decay"),
        ("global_clipnorm", "moving average", "schedule"),
    ],
)
def test_training_under_keras_own_switches_moves_every_network(names):
    """Through `fit`: the settings reach both optimizers and their state is carried."""
    model = tiny_cyclegan(dropout=0.0)
    settings = {"learning_rate": 1e-2}
    for name in names:
        settings |= SETTINGS[name]
    model.compile(keras.optimizers.Adam(**settings), keras.optimizers.Adam(**settings))
    before = weights(model)
    model.fit(images(4), images(4, seed=1), batch_size=1, epochs=1, verbose=0)
    iterations = 2 if "accumulation" in names else 4
    for optimizer in (
        model.optimizer.generator_optimizer,
        model.optimizer.discriminator_optimizer,
    ):
        assert int(optimizer.iterations) == iterations
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, weights(model), strict=True))


def test_learning_rate_keeps_the_ratio_of_the_two():
    composite = CompositeOptimizer(keras.optimizers.Adam(1e-4), keras.optimizers.Adam(4e-4), [])
    composite.learning_rate = 5e-5
    assert float(composite.generator_optimizer.learning_rate) == pytest.approx(5e-5)
    assert float(composite.discriminator_optimizer.learning_rate) == pytest.approx(2e-4)
    composite.learning_rate = 0.0
    composite.learning_rate = 1e-4
    assert float(composite.discriminator_optimizer.learning_rate) == pytest.approx(4e-4)


def test_keras_scheduler_drives_both():
    model = tiny_cyclegan(dropout=0.0)
    model.compile(keras.optimizers.Adam(1e-3), keras.optimizers.Adam(2e-3))
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2)
    logs = model.fit(images(2), images(2), epochs=2, verbose=0, callbacks=[halve]).history
    assert logs["learning_rate_generator"] == pytest.approx([5e-4, 2.5e-4])
    assert logs["learning_rate_discriminator"] == pytest.approx([1e-3, 5e-4])
    assert float(model.optimizer.generator_optimizer.learning_rate) == pytest.approx(2.5e-4)
    assert float(model.optimizer.discriminator_optimizer.learning_rate) == pytest.approx(5e-4)


def test_keras_callback_validates_with_the_moving_average():
    """The weights are the averages while `SwapEMAWeights` has them swapped, and after `fit`."""
    model = tiny_cyclegan(dropout=0.0)
    average = {"use_ema": True, "ema_momentum": 0.9}
    model.compile(keras.optimizers.Adam(1e-2, **average), keras.optimizers.Adam(1e-2))
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(weights(self.model))

    model.fit(
        images(3),
        images(3, seed=1),
        epochs=1,
        verbose=0,
        callbacks=[Watch(), keras.callbacks.SwapEMAWeights(swap_on_epoch=True)],
    )
    first, second, third = (step[0] for step in seen)
    expected = 0.9 * (0.9 * first + 0.1 * second) + 0.1 * third
    np.testing.assert_allclose(weights(model)[0], expected, atol=1e-5)
    np.testing.assert_allclose(weights(model)[-1], seen[-1][-1], atol=1e-6)


def test_training_and_saving_go_on_after_a_moving_average(tmp_path):
    model = tiny_cyclegan(dropout=0.0)
    model.compile(
        keras.optimizers.Adam(1e-2, use_ema=True), keras.optimizers.Adam(1e-2, use_ema=True)
    )
    for _ in range(2):
        model.fit(images(2), images(2, seed=1), verbose=0)
        model.evaluate(images(2), images(2, seed=1), verbose=0)
        model.save(tmp_path / "model.keras")
