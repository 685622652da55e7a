"""Activations that are computed again give the gradients of those that are kept."""

import keras
import numpy as np
import pytest
from small import cyclegan, images, weights

BACKEND = keras.backend.backend()


def trained(steps=3, **arguments):
    """Return a small CycleGAN with dropout after some steps."""
    compiling = {key: arguments.pop(key) for key in ("recompute", "run_eagerly", "identity_every")
                 if key in arguments}  # fmt: skip
    model = cyclegan(pool_size=0, dropout=0.5, **arguments)
    for number, network in enumerate(model.networks.values()):
        for generator in (g for layer in network.layers for g in layer._seed_generators):
            generator.state.assign(np.array([number, 0], "uint32"))
    model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2), **compiling)
    for number in range(steps):
        model.train_on_batch(images(2, seed=number), images(2, seed=9 + number))
    return model


@pytest.mark.compiled
@pytest.mark.parametrize(
    "other",
    [
        {"normalization": "batch", "identity_every": 2},
        pytest.param({}, marks=pytest.mark.slow),
    ],
)
def test_it_changes_no_step(other):
    kept, again = trained(**other), trained(recompute=True, **other)
    for one, same in zip(weights(again), weights(kept), strict=True):
        np.testing.assert_allclose(one, same, atol=2e-6)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX traces once what it computes twice")
def test_the_generators_are_called_twice_as_often(monkeypatch):
    calls = {}

    def count(recompute):
        calls.clear()
        trained(steps=1, recompute=recompute, run_eagerly=True)
        return sum(calls.values())

    call = keras.layers.Conv2DTranspose.call

    def counted(layer, inputs):
        calls[layer.name] = calls.get(layer.name, 0) + 1
        return call(layer, inputs)

    monkeypatch.setattr(keras.layers.Conv2DTranspose, "call", counted)
    if BACKEND == "torch":
        from keras_mri_cyclegan.cyclegan.backends import torch_convolution

        monkeypatch.setattr(torch_convolution, "install", lambda network: None)
    assert count(True) == 2 * count(False) > 0


@pytest.mark.skipif(BACKEND != "jax", reason="jaxpr is JAX's")
def test_jax_is_told_to():
    import jax

    from keras_mri_cyclegan.cyclegan.recompute import recomputed

    generator = cyclegan().generator_ab
    assert "remat" in str(jax.make_jaxpr(lambda x: recomputed(generator, x))(images(1)))


@pytest.mark.parametrize("value", [2, "yes", None])
def test_bad_values(value):
    with pytest.raises(ValueError, match="`recompute` must be one of True, False"):
        cyclegan().compile(recompute=value)
