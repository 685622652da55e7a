import warnings

import keras
import numpy as np
import pytest
from small import SCORES, SHAPE, TERMS, compiled, cyclegan, images, networks, tiny_cyclegan, weights

import keras_mri_cyclegan as kmc

A, B = images(5, seed=1), images(3, seed=2)


# === Training ===


def test_every_term_is_in_the_logs_and_every_network_learns():
    model = compiled()
    before = weights(model)
    history = model.fit(A[:3], B[:2], batch_size=1, epochs=3, verbose=0).history
    assert set(history) == TERMS
    assert all(len(values) == 3 and np.isfinite(values).all() for values in history.values())
    assert history["cycle_a"][-1] < history["cycle_a"][0]
    assert all(np.abs(x - y).max() > 0 for x, y in zip(before, weights(model), strict=True))


def test_logs_of_an_epoch_are_means_over_its_batches():
    model = compiled(rate=1e-12)  # so that nothing changes between batches
    logs = model.fit(A[:4], B[:2], batch_size=2, epochs=1, verbose=0).history
    expected = np.abs(model.translate(A[:4], direction="ba") - A[:4]).mean()
    assert logs["identity_a"][0] == pytest.approx(expected, rel=1e-4)


def test_weights_of_zero_skip_the_work():
    calls = []

    @keras.saving.register_keras_serializable("tests")
    class Counted(keras.layers.Layer):
        def call(self, x):
            calls.append(self.name)
            return x

    def generator(name):
        image = keras.Input(SHAPE)
        x = keras.layers.Conv2D(1, 3, padding="same")(Counted(name=name)(image))
        return keras.Model(image, x, name=name)

    def count(**arguments):
        model = kmc.CycleGAN(
            **{**networks(), "generator_ab": generator("g"), "generator_ba": generator("f")}
        )
        compiled(model, **arguments)
        calls.clear()
        logs = model.train_on_batch(A[:1], B[:1], return_dict=True)
        return len(calls), set(logs)

    assert count() == (6, TERMS)
    assert count(identity_weight=0) == (4, TERMS - {"identity_a", "identity_b"})
    assert count(identity_weight=0, cycle_weight=0) == (
        2,
        TERMS - {"identity_a", "identity_b", "cycle_a", "cycle_b"},
    )


@pytest.mark.parametrize(
    ("adversarial", "pool_size"),
    [
        ("least_squares", 0),
        ("hinge", 3),
        pytest.param("binary_crossentropy", 3, marks=pytest.mark.slow),
    ],
)
def test_adversarial_losses_and_pools(adversarial, pool_size):
    model = compiled(cyclegan(pool_size=pool_size), adversarial_loss=adversarial)
    history = model.fit(A, B, batch_size=2, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert len([w for w in model.layers if "pool" in w.name]) == (2 if pool_size else 0)


def test_discriminators_are_shown_past_fakes():
    model = compiled(cyclegan(pool_size=2))
    model.fit(A[:4], B[:3], batch_size=1, epochs=1, verbose=0)
    assert int(model.pool_a.filled) == 2
    latest = model.translate(B, direction="ba")
    kept = keras.ops.convert_to_numpy(model.pool_a.images)
    assert all(np.abs(kept[:1] - image[None]).max() > 1e-6 for image in latest)


def test_every_kind_of_block_trains_on_single_images():
    model = compiled(cyclegan(upsampling="resize", full_resolution=True))
    before = weights(model)
    model.fit(A[:2], B[:2], batch_size=1, verbose=0)
    assert all(np.abs(x - y).max() > 0 for x, y in zip(before, weights(model), strict=True))


def test_volumes():
    shape = (8, 8, 8, 1)
    model = compiled(cyclegan(shape_a=shape))
    volumes = images(2, shape)
    history = model.fit(volumes, volumes[::-1], batch_size=1, epochs=1, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert model.translate(volumes).shape == volumes.shape
    assert set(model.evaluate(volumes, volumes, return_dict=True, verbose=0)) == SCORES


def test_different_numbers_of_channels_turn_identity_off_and_say_so():
    model = cyclegan(shape_a=(16, 16, 3), shape_b=(16, 16, 1))
    with pytest.warns(
        UserWarning, match="as many channels in domain A as in domain B. Received: 3 and 1"
    ):
        model.compile()
    three, one = images(2, (16, 16, 3)), images(2)
    history = model.fit(three, one, epochs=1, verbose=0).history
    assert set(history) == TERMS - {"identity_a", "identity_b"}
    assert model.translate(three).shape == one.shape
    assert model.translate(one, direction="ba").shape == three.shape
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.compile(identity_weight=0)


def test_the_seed_repeats_a_training():
    def run():
        keras.utils.set_random_seed(7)
        model = compiled(tiny_cyclegan(seed=3))
        data = kmc.data.UnpairedDataset(A[:4], B, batch_size=2, seed=5)
        return model.fit(data, epochs=2, verbose=0).history

    first, second = run(), run()
    assert first == second


# === Keras' own switches ===


@pytest.mark.compiled
def test_compiled_steps_are_those_of_an_eager_one():
    """With terms in some of the steps only, which a compiled step has to branch for.

    Compiled or a graph, each step on its own or two in an execution, the last of which has one.
    """

    def trained(**arguments):
        lazy = {"identity_every": 2, "r1_weight": 10.0, "r1_every": 2}
        model = compiled(tiny_cyclegan(pool_size=0, dropout=0.0), 1e-3, **lazy, **arguments)
        data = kmc.data.UnpairedDataset(A[:3], B, seed=0)
        return model.fit(data, epochs=1, verbose=0, shuffle=False).history, weights(model)

    expected, expected_weights = trained(run_eagerly=True)
    assert expected["identity_a"][0] > 0
    assert expected["r1_a"][0] > 0
    ways = {  # whether compiled, and steps in an execution
        "tensorflow": ((True, 1), (False, 2)),
        "jax": ((True, 1), (True, 2)),
        "torch": ((False, 1),),  # compiled it takes minutes; Keras executes single steps there
    }
    for jit_compile, steps in ways[keras.backend.backend()]:
        found, found_weights = trained(
            jit_compile=jit_compile, steps_per_execution=steps, run_eagerly=False
        )
        for name, value in found.items():
            assert value[0] == pytest.approx(expected[name][0], rel=1e-3), (name, jit_compile)
        for x, y in zip(found_weights, expected_weights, strict=True):
            np.testing.assert_allclose(x, y, atol=1e-4, err_msg=f"{jit_compile}, {steps}")


@pytest.fixture
def policy(request):
    keras.config.set_dtype_policy(request.param)
    yield request.param
    keras.config.set_dtype_policy("float32")


def policies(first, other):
    """Each test has one of the two in the quick selection, and both of them in the whole one."""
    return pytest.mark.parametrize(
        "policy", [first, pytest.param(other, marks=pytest.mark.slow)], indirect=True
    )


def first_terms(model, **arguments):
    """Return the logs of a first step, whose update is too small to be seen in them."""
    model = compiled(model, rate=1e-12, **arguments)
    logs = model.train_on_batch(A[:2], B[:2], return_dict=True)
    return model, {name: float(value) for name, value in logs.items()}


@pytest.fixture(scope="module")
def float32_terms():
    return first_terms(cyclegan())[1], first_terms(None, r1_weight=1.0)[1]


@policies("mixed_bfloat16", "mixed_float16")
def test_mixed_precision_gives_the_terms_of_float32(float32_terms, policy):
    """Networks of the builders end in float32, a user's own need not."""
    model, ends_in_float32 = first_terms(cyclegan())
    assert model.generator_ab.get_layer("down_1").compute_dtype == policy.removeprefix("mixed_")
    assert model.translate(A).dtype == np.float32
    _, ends_in_half = first_terms(None, r1_weight=1.0)
    for found, expected in zip((ends_in_float32, ends_in_half), float32_terms, strict=True):
        assert found == pytest.approx(expected, rel=0.05, abs=0.02)


def first_change():
    model = cyclegan()
    model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2))
    before = weights(model)
    for _ in range(20):  # Keras skips a step and halves its scale as long as that overflows
        model.train_on_batch(A[:1], B[:1])
        change = [y - x for x, y in zip(before, weights(model), strict=True)]
        if np.abs(change[0]).max() > 0:
            return change
    raise AssertionError("no step in twenty was taken")


@pytest.fixture(scope="module")
def float32_change():
    return first_change()


@policies("mixed_float16", "mixed_bfloat16")
def test_mixed_precision_updates_are_as_large_as_those_of_float32(float32_change, policy):
    """A loss scaled for float16 is scaled back for both optimizers."""
    for x, y in zip(first_change(), float32_change, strict=True):
        assert np.linalg.norm(x - y) <= 0.25 * np.linalg.norm(y) + 1e-5
