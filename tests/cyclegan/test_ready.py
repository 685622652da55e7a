import keras
import numpy as np
import pytest
from small import compiled, cyclegan, images, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc

A, B = images(2, seed=1), images(2, seed=2)
BACKEND = keras.backend.backend()


def freeze_a_network(model):
    model.generator_ba.trainable = False


def freeze_a_layer(model):
    model.generator_ab.layers[1].trainable = False


def freeze_all_discriminators(model):
    model.discriminator_a.trainable = model.discriminator_b.trainable = False


STEPS = {
    "fit": lambda model: model.fit(A, B, verbose=0),
    "train_on_batch": lambda model: model.train_on_batch(A, B),
}


CHANGES = {
    freeze_a_network: "weights of `generator_ba` frozen",
    freeze_a_layer: "1 weights of `generator_ab` frozen",
    freeze_all_discriminators: "`discriminator_a` frozen, .*`discriminator_b` frozen",
}


@pytest.mark.parametrize(
    ("change", "step", "eagerly"),
    [
        # Every change in one way, and one change in every way.
        pytest.param(
            change,
            step,
            eagerly,
            marks=()
            if change is freeze_a_network or (step, eagerly) == ("fit", True)
            else pytest.mark.slow,
        )
        for change in CHANGES
        for step in STEPS
        for eagerly in (True, False)
    ],
)
def test_weights_frozen_after_compile_are_refused(change, step, eagerly):
    named = CHANGES[change]
    for already_trained in (False, True):
        model = compiled(tiny_cyclegan(dropout=0.0), run_eagerly=eagerly)
        if already_trained:
            STEPS[step](model)
        change(model)
        before = weights(model)
        with pytest.raises(ValueError, match=f"changed after `compile`: .*{named}"):
            STEPS[step](model)
        for x, y in zip(before, weights(model), strict=True):
            np.testing.assert_array_equal(x, y)


def test_weights_thawed_after_compile_are_refused():
    model = tiny_cyclegan(dropout=0.0)
    freeze_a_network(model)
    compiled(model)
    model.generator_ba.trainable = True
    with pytest.raises(ValueError, match="weights of `generator_ba` thawed"):
        model.fit(A, B, verbose=0)


def test_weights_frozen_before_compile_stay_and_others_learn():
    model = tiny_cyclegan(dropout=0.0)
    compiled(model)
    model.fit(A, B, verbose=0)
    freeze_a_network(model)
    compiled(model)
    before = [model.generator_ab.get_weights(), model.generator_ba.get_weights()]
    model.fit(A, B, verbose=0)
    for x, y in zip(before[1], model.generator_ba.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)
    assert any(
        (x != y).any() for x, y in zip(before[0], model.generator_ab.get_weights(), strict=True)
    )


def test_weights_frozen_between_epochs_are_refused():

    class Freeze(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                freeze_a_network(self.model)

    model = compiled(tiny_cyclegan(dropout=0.0))
    with pytest.raises(ValueError, match="changed after `compile`"):
        model.fit(A, B, epochs=2, verbose=0, callbacks=[Freeze()])


def test_a_saved_and_a_cloned_model_are_ready(tmp_path):
    model = compiled(cyclegan())
    model.fit(A, B, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    loaded.fit(A, B, verbose=0)


def several_processes(monkeypatch):
    if BACKEND == "torch":
        import torch.distributed

        monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
        monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 2)
        monkeypatch.setattr(torch.distributed, "get_rank", lambda: 0)
    else:
        import jax

        monkeypatch.setattr(jax, "process_count", lambda: 2)


@pytest.mark.skipif(BACKEND == "tensorflow", reason="a strategy of its own adds up gradients")
@pytest.mark.parametrize("step", STEPS)
def test_processes_that_would_drift_apart_are_refused(monkeypatch, step):
    model = compiled(tiny_cyclegan(dropout=0.0))
    STEPS[step](model)
    several_processes(monkeypatch)
    with pytest.raises(ValueError, match=r"exchanges no gradients .* and 2 are up"):
        STEPS[step](model)
    model.evaluate(A, B, verbose=0)  # no gradient
    model.translate(A)


@pytest.mark.skipif(BACKEND != "torch", reason="as a user's own exchange would be")
def test_a_step_of_the_users_own_may_exchange_them(monkeypatch):
    class Exchanging(kmc.CycleGAN):
        def train_step(self, data):
            return super().train_step(data)

    small = tiny_cyclegan(dropout=0.0)
    model = compiled(Exchanging(**small.networks, pool_size=0))
    several_processes(monkeypatch)
    model.fit(A, B, verbose=0)
