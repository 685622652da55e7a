import keras
import numpy as np
import pytest
from small import compiled, cyclegan, images, tiny_cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.callbacks import Checkpoint, NonFiniteGuard, NonFiniteWarning

A, B = images(3, seed=1), images(3, seed=2)


class Break(keras.callbacks.Callback):
    """Makes a weight infinite before some steps of the training."""

    def __init__(self, *steps, network="generator_ab"):
        super().__init__()
        self.steps, self.network, self.step = set(steps), network, 0

    def on_train_batch_begin(self, batch, logs=None):
        self.step += 1
        if self.step in self.steps:
            kernel = self.model.networks[self.network].trainable_variables[0]
            kernel.assign(np.full(kernel.shape, np.inf))


class Steps(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.count = 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1


def model():
    return compiled(tiny_cyclegan(pool_size=2), rate=1e-3)


def fit(one, *callbacks, epochs=3):
    data = kmc.data.UnpairedDataset(A, B, seed=3)
    return one.fit(data, epochs=epochs, verbose=0, callbacks=list(callbacks)).history


def rates(one):
    return [float(optimizer.learning_rate) for optimizer in one.optimizer.optimizers]


def finite(one):
    variables = [*one.trainable_variables, *one.optimizer.variables]
    return all(np.isfinite(keras.ops.convert_to_numpy(v)).all() for v in variables)


@pytest.mark.backend
def test_it_stops():
    one, steps = model(), Steps()
    with pytest.warns(NonFiniteWarning, match=r"The loss is nan in batch 2: the training stops"):
        fit(one, Break(5), NonFiniteGuard(), steps)
    assert steps.count == 5


def test_a_training_that_is_well_is_left_alone():
    trained = []
    for guards in ([], [NonFiniteGuard()]):
        keras.utils.set_random_seed(1)
        trained.append(model())
        fit(trained[-1], *guards, epochs=1)
    for pair in zip(*(one.trainable_variables for one in trained), strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, pair))
    assert rates(trained[1]) == pytest.approx([1e-3, 1e-3])


@pytest.mark.backend
def test_it_goes_back_and_on_with_lower_rates(tmp_path):
    one, steps = model(), Steps()
    checkpoint = Checkpoint(tmp_path)
    with pytest.warns(NonFiniteWarning) as found:
        history = fit(one, Break(4, 5), NonFiniteGuard(checkpoint, 0.1, 2), steps, checkpoint)
    messages = [str(w.message) for w in found if w.category is NonFiniteWarning]
    assert len(messages) == 2
    assert "epoch_0001` (1 of 2 times)" in messages[0]
    assert "rates 0.0001 of the generators and 0.0001 of the disc" in messages[0]
    assert "epoch_0001` (2 of 2 times)" in messages[1]
    assert rates(one) == pytest.approx([1e-5, 1e-5])
    assert finite(one)
    assert steps.count == 9
    assert np.isfinite(history["loss"]).all()
    # Back to after three steps, then the last of the epoch at hand, and three more.
    assert int(one.optimizer.iterations) == 3 + 1 + 3


def test_it_gives_up_with_the_last_good_weights(tmp_path):
    one, steps = model(), Steps()
    checkpoint = Checkpoint(tmp_path)
    with pytest.warns(NonFiniteWarning, match="after going back 1 times: the training stops"):
        fit(one, Break(4, 5), NonFiniteGuard(checkpoint, max_returns=1), checkpoint, steps)
    assert steps.count == 5
    assert finite(one)
    saved = keras.models.load_model(tmp_path / "epoch_0001" / "model.keras")
    for x, y in zip(one.trainable_variables, saved.trainable_variables, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (x, y)))


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (lambda model: model.discriminator_b.trainable_variables[-1], "bias"),
        (lambda model: model.pool_a.images, "pool_a/images"),  # what is not trained as well
    ],
)
def test_all_is_looked_at_after_an_epoch(broken, name):
    class BreakAtEnd(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 2:
                variable = broken(self.model)
                variable.assign(np.full(variable.shape, np.nan))

    steps = Steps()
    with pytest.warns(NonFiniteWarning, match=f"{name}` is not finite after epoch 1: the training"):
        fit(model(), BreakAtEnd(), NonFiniteGuard(), steps)
    assert steps.count == 3


def test_how_often_it_went_back_is_kept_when_the_training_is_resumed(tmp_path):
    checkpoint = Checkpoint(tmp_path)
    with pytest.warns(NonFiniteWarning):
        fit(model(), Break(5), NonFiniteGuard(checkpoint), checkpoint, epochs=2)
    checkpoint, guard = Checkpoint(tmp_path), NonFiniteGuard()
    one = model()
    guard.checkpoint = checkpoint
    fit(one, guard, checkpoint, epochs=3)
    assert guard.returns == 1
    assert rates(one) == pytest.approx([5e-4, 5e-4])


def test_arguments(tmp_path):
    for arguments, message in [
        ({"checkpoint": "runs"}, "checkpoint"),
        ({"rate_factor": 0}, "rate_factor"),
        ({"rate_factor": 1}, "rate_factor"),
        ({"max_returns": 0}, "max_returns"),
    ]:
        with pytest.raises(ValueError, match=message):
            NonFiniteGuard(**arguments)
    one = cyclegan()
    schedule = keras.optimizers.schedules.ExponentialDecay(1e-3, 5, 0.9)
    one.compile(keras.optimizers.Adam(schedule))
    checkpoint = Checkpoint(tmp_path)
    with pytest.raises(ValueError, match="`learning_rate` is a schedule"):
        fit(one, NonFiniteGuard(checkpoint), checkpoint)
