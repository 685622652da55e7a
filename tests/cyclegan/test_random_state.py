import os

import keras
import numpy as np
import pytest
from small import compiled, cyclegan, images, set_weights, tiny_cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.cyclegan import random_state

A, B = images(2, seed=1), images(2, seed=2)


def model_with_every_randomness(**compile_arguments):
    """Dropout in both kinds of network, pools that are soon full, augmentation."""
    parts = tiny_cyclegan().networks
    image = keras.Input((16, 16, 1))
    noisy = parts["discriminator_a"](keras.layers.GaussianNoise(0.1)(image))
    parts = {**parts, "discriminator_a": keras.Model(image, noisy)}
    model = kmc.CycleGAN(**parts, pool_size=2, augmentation=kmc.layers.DifferentiableAugmentation())
    set_weights(model)
    return compiled(model, **compile_arguments)


def go_on(model):
    keras.utils.set_random_seed(os.urandom(1)[0])  # nothing may depend on it
    model.fit(kmc.data.UnpairedDataset(A, B, seed=9), epochs=1, verbose=0)
    return everything(model)


def everything(model):
    variables = [*model.variables, *model.optimizer.variables]
    return [keras.ops.convert_to_numpy(variable) for variable in variables]


def assert_equal(one, other):
    for x, y in zip(one, other, strict=True):
        np.testing.assert_array_equal(x, y)


def test_the_next_epoch_equals_that_of_the_model_that_was_not_saved(tmp_path):
    model = model_with_every_randomness()
    model.fit(A, B, epochs=1, verbose=0)
    model.save(tmp_path / "x.keras")
    model.save_weights(tmp_path / "x.weights.h5")
    loaded = keras.models.load_model(tmp_path / "x.keras", safe_mode=True)
    assert_equal(everything(loaded), everything(model))
    other = model_with_every_randomness()
    other.load_weights(tmp_path / "x.weights.h5")
    expected = go_on(model)
    assert_equal(go_on(loaded), expected)
    assert_equal(go_on(other), expected)


def test_moving_averages_of_the_weights_are_saved(tmp_path):
    model = tiny_cyclegan()
    model.compile(
        keras.optimizers.Adam(1e-2, use_ema=True, ema_momentum=0.5),
        keras.optimizers.SGD(1e-2, momentum=0.9),
    )
    model.fit(A, B, epochs=1, verbose=0)
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert loaded.optimizer.generator_optimizer.use_ema
    assert_equal(everything(loaded), everything(model))
    assert_equal(go_on(loaded), go_on(model))


def test_a_clone_is_the_same_model_with_new_weights():
    model = cyclegan(dropout=0.5, pool_size=3)
    clone = keras.models.clone_model(model)
    assert isinstance(clone, kmc.CycleGAN)
    assert clone.pool_size == 3
    shapes = [[w.shape for w in one.weights] for one in (model, clone)]
    assert shapes[0] == shapes[1]
    assert not {id(w) for w in model.weights} & {id(w) for w in clone.weights}
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.translate(A), model.translate(A))


def test_a_single_network_is_saved_alone(tmp_path):
    model = cyclegan(dropout=0.5)
    model.generator_ab.save(tmp_path / "x.keras")
    model.generator_ab.save_weights(tmp_path / "x.weights.h5")
    expected = model.translate(A)
    loaded = keras.models.load_model(tmp_path / "x.keras")
    np.testing.assert_array_equal(loaded.predict(A, verbose=0), expected)
    other = cyclegan(dropout=0.5, seed=3)
    set_weights(other, seed=7)
    other.generator_ab.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(other.translate(A), expected)


def test_files_hold_unsigned_numbers_whatever_the_backend():
    model = keras.Sequential([keras.layers.Dropout(0.5, seed=3), keras.layers.Dropout(0.5, seed=4)])
    for variable, seed in zip(random_state.states(model), (2**32 - 5, 2**31 + 1), strict=True):
        state = np.array([seed, 7])
        if variable.dtype == "int32":
            state = state.astype("uint32").view("int32")
        variable.assign(state)
    store = {}
    random_state.save(model, store)
    expected = np.array([[2**32 - 5, 7], [2**31 + 1, 7]])
    np.testing.assert_array_equal(store["random"], expected)
    for variable in random_state.states(model):
        variable.assign([0, 0])
    assert random_state.load(model, {"0": 1, **store}) == {"0": 1}
    again = {}
    random_state.save(model, again)
    np.testing.assert_array_equal(again["random"], expected)


def test_weights_of_a_model_with_dropout_fit_one_without(tmp_path):
    model = cyclegan(dropout=0.5)
    model.save_weights(tmp_path / "x.weights.h5")
    other = cyclegan(dropout=0.0)
    set_weights(other, seed=7)
    with pytest.warns(UserWarning, match="state of 4 random generators.* has 2: .* not changed"):
        other.load_weights(tmp_path / "x.weights.h5")
    np.testing.assert_array_equal(other.translate(A), model.translate(A))


def test_a_training_step_leaves_the_global_generators_alone():
    from keras_mri_cyclegan.callbacks import global_random

    model = model_with_every_randomness()
    model.train_on_batch(A[:1], B[:1])
    before = global_random.get()
    model.train_on_batch(A[:1], B[:1])
    assert global_random.get() == before
