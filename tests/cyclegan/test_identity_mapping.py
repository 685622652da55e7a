"""The identity mapping in every k-th step alone, against steps that have it or have it not."""

import keras
import numpy as np
import pytest
from small import cyclegan, images, set_weights, tiny_cyclegan, weights

RATE = 1e-2


def model(**arguments):
    """Return a small CycleGAN whose updates are its gradients."""
    made = tiny_cyclegan(pool_size=0, dropout=0.0)
    made.compile(keras.optimizers.SGD(RATE), keras.optimizers.SGD(RATE), **arguments)
    return made


def step(made):
    """Train one step; return the logs."""
    made.reset_metrics()
    return made.train_on_batch(images(2, seed=1), images(2, seed=2), return_dict=True)


def test_it_counts_k_times_in_every_kth_step():
    lazy = model(identity_weight=2.0, identity_every=3)
    thrice, never = model(identity_weight=6.0), model(identity_weight=0.0)
    for number in range(4):
        other = never if number % 3 else thrice
        for network, same in zip(other.networks.values(), lazy.networks.values(), strict=True):
            network.set_weights(same.get_weights())
        logs, expected = step(lazy), step(other)
        assert float(logs["loss"]) == pytest.approx(float(expected["loss"]), rel=1e-5)
        for way in ("a", "b"):
            found = float(logs[f"identity_{way}"])
            if number % 3:
                assert found == 0
            else:
                assert found == pytest.approx(3 * float(expected[f"identity_{way}"]), rel=1e-5)
        for one, same in zip(weights(lazy), weights(other), strict=True):
            np.testing.assert_allclose(one, same, atol=1e-6)


@pytest.mark.compiled
def test_dropout_and_batch_statistics():
    made = cyclegan(pool_size=0, dropout=0.5, normalization="batch")
    made.compile(identity_every=2)
    for _ in range(3):
        assert np.isfinite(float(step(made)["loss"]))


def test_half_precision():
    def first(policy):
        keras.config.set_dtype_policy(policy)
        try:
            made = model(identity_every=2)
        finally:
            keras.config.set_dtype_policy("float32")
        set_weights(made)
        return step(made)

    found, expected = first("mixed_float16"), first("float32")
    assert float(found["identity_a"]) == pytest.approx(float(expected["identity_a"]), rel=0.05)


def test_the_interval_is_saved(tmp_path):
    model(identity_every=4, recompute=True).save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    assert loaded.term_weights.identity_every == 4
    assert loaded.recompute is True


@pytest.mark.parametrize("value", [0, -1, 1.5, "4", True, None])
def test_bad_intervals(value):
    with pytest.raises(ValueError, match="`identity_every` must be an integer of at least 1"):
        cyclegan().compile(identity_every=value)
