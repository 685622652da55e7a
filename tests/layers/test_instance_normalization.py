import json
import pathlib

import keras
import numpy as np
import pytest
from contracts import dtype_of, in_a_graph, to_numpy
from gradients import gradients
from keras import ops

from keras_mri_cyclegan.layers import InstanceNormalization

FIXTURE = pathlib.Path(__file__).parents[1] / "fixtures" / "instance_normalization.npz"
RECORDED = dict(np.load(FIXTURE))
CASES = sorted({key.split("/")[0] for key in RECORDED if "/" in key})
CONFIGS = json.loads(str(RECORDED["configs"]))
BACKEND = keras.backend.backend()


def formula(x, axis=-1, epsilon=1e-3, gamma=1.0, beta=0.0):
    """The definition, in float64, of the input as it is."""
    x = np.moveaxis(np.asarray(x).astype("float64"), axis, -1)
    axes = tuple(range(1, x.ndim - 1))
    z = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    return np.moveaxis(z * gamma + beta, -1, axis)


def formula_gradients(x, cotangent, epsilon=1e-3, gamma=1.0):
    """Gradients of sum(y * cotangent) for x, gamma and beta in float64, channels last."""
    x, cotangent = x.astype("float64"), cotangent.astype("float64")
    axes = tuple(range(1, x.ndim - 1))
    factor = 1 / np.sqrt(x.var(axes, keepdims=True) + epsilon)
    z = (x - x.mean(axes, keepdims=True)) * factor
    d = cotangent * gamma
    dx = factor * (d - d.mean(axes, keepdims=True) - z * (d * z).mean(axes, keepdims=True))
    return dx, (cotangent * z).sum((0, *axes)), cotangent.sum((0, *axes))


def layer_gradients(layer, x, cotangent):
    """Gradients of sum(y * cotangent) for x and the weights, from the backend."""
    variable = keras.Variable(x, dtype=str(x.dtype))
    cotangent = ops.convert_to_tensor(cotangent.astype("float32"))
    return gradients(
        lambda: ops.sum(ops.cast(layer(ops.convert_to_tensor(variable)), "float32") * cotangent),
        [variable, *layer.weights],
    )


def as_float64(tensor):
    return to_numpy(tensor).astype("float64")


# === tensorflow-addons ===


@pytest.mark.parametrize("case", CASES)
def test_computes_what_tensorflow_addons_did(case):
    recorded = {key.split("/")[1]: v for key, v in RECORDED.items() if key.startswith(f"{case}/")}
    config = json.loads(str(recorded["config"]))
    assert config["groups"] > 0
    layer = InstanceNormalization.from_config(config)
    layer.build(recorded["input"].shape)
    names = [name for name in ("gamma", "beta") if name in recorded]
    assert [weight.name for weight in layer.weights] == names
    layer.set_weights([recorded[name] for name in names])

    # tensorflow-addons itself is right to 8e-4 in float16, see the script that recorded it.
    tolerance = 2e-3 if recorded["input"].dtype == "float16" else 1e-5
    output = layer(ops.convert_to_tensor(recorded["input"]))
    assert dtype_of(output) == recorded["output"].dtype
    np.testing.assert_allclose(
        as_float64(output), recorded["output"], rtol=tolerance, atol=tolerance
    )
    found = layer_gradients(layer, recorded["input"], recorded["cotangent"])
    for name, gradient in zip(["input", *names], found, strict=True):
        expected = recorded[f"{name}_gradient"]
        scale = max(1.0, float(np.abs(expected).max()))
        np.testing.assert_allclose(gradient, expected, rtol=0, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize("origin", sorted(CONFIGS))
def test_opens_the_config_of_tensorflow_addons(origin):
    config = CONFIGS[origin]
    before = json.dumps(config)
    layer = InstanceNormalization.from_config(config)
    assert json.dumps(config) == before
    assert (layer.name, layer.axis, layer.epsilon) == ("norm", -1, 1e-5)
    assert (layer.center, layer.scale) == (True, True)
    assert isinstance(layer.beta_initializer, keras.initializers.Zeros)
    assert isinstance(layer.gamma_initializer, keras.initializers.RandomNormal)
    assert layer.gamma_initializer.stddev == 0.02
    assert "groups" not in layer.get_config()


@pytest.mark.parametrize("groups", [0, -2, 1.5, None, "all"])
def test_refuses_groups_that_tensorflow_addons_never_wrote(groups):
    with pytest.raises(ValueError, match="`groups`"):
        InstanceNormalization.from_config({"groups": groups})


# === Numbers ===


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((2, 11, 3), -1),
        ((2, 3, 11), 1),
        ((2, 7, 6, 3), -1),
        ((2, 7, 6, 3), 3),
        ((2, 3, 7, 6), 1),
        ((2, 3, 7, 6), -3),
        ((2, 7, 3, 6), 2),
        ((2, 3, 4, 5, 6), -1),
        ((2, 3, 4, 5, 6), 1),
        ((1, 32, 32, 16), -1),
    ],
)
@pytest.mark.parametrize("epsilon", [1e-3, 1e-5])
def test_agrees_with_the_formula(shape, axis, epsilon):
    rng = np.random.default_rng(0)
    x = rng.normal(1.0, 2.0, shape).astype("float32")
    layer = InstanceNormalization(axis=axis, epsilon=epsilon)
    layer.build(shape)
    gamma, beta = rng.normal(size=(2, shape[axis]))
    layer.set_weights([gamma, beta])
    expected = formula(x, axis, epsilon, gamma, beta)
    np.testing.assert_allclose(as_float64(layer(x)), expected, atol=3e-6)


@pytest.mark.parametrize("jit", [False, True])
@pytest.mark.parametrize(
    "shape", [(1, 256, 256, 2), (2, 37, 53, 2), (2, 1, 1, 2), (1, 9, 33, 7, 2)]
)
def test_a_constant_image_becomes_exactly_beta(shape, jit):
    layer = InstanceNormalization(epsilon=1e-5, beta_initializer=keras.initializers.Constant(0.25))
    layer.build(shape)
    run = in_a_graph(layer) if jit else layer
    for value in (0.1, -1e4, 12345.678, 1e6 / 3):
        output = run(ops.full(shape, value, dtype="float32"))
        np.testing.assert_array_equal(as_float64(output), np.full(shape, 0.25))


@pytest.mark.parametrize("jit", [False, True])
def test_an_offset_does_no_harm(jit):
    shape = (1, 256, 256, 2)
    layer = InstanceNormalization(epsilon=1e-5)
    layer.build(shape)
    run = in_a_graph(layer) if jit else layer
    for offset, std in [(1e4, 1), (1e4, 0.1), (-1e4, 0.01), (1e6, 1), (0, 1e-4), (0, 1e6)]:
        x = np.random.default_rng(0).normal(offset, std, shape).astype("float32")
        output = run(ops.convert_to_tensor(x))
        np.testing.assert_allclose(as_float64(output), formula(x, epsilon=1e-5), atol=1e-5)


def test_a_few_bright_pixels_do_no_harm():
    rng = np.random.default_rng(0)
    shape = (1, 256, 256, 2)
    x = np.where(rng.random(shape) < 1e-4, 1e4, rng.normal(size=shape)).astype("float32")
    np.testing.assert_allclose(
        as_float64(InstanceNormalization()(x)), formula(x), rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("dtype", ["float16", "mixed_float16", "bfloat16", "mixed_bfloat16"])
@pytest.mark.parametrize(
    ("offset", "std"), [(0.0, 1.0), (0.0, 300.0), (5000.0, 300.0), (6e4, 300.0), (0.0, 1.5e4)]
)
def test_half_precision_loses_only_the_rounding_of_the_output(dtype, offset, std):
    shape = (2, 32, 32, 3)
    policy = keras.DTypePolicy(dtype)
    values = np.random.default_rng(0).normal(offset, std, shape).clip(-6.5e4, 6.5e4)
    x = ops.cast(ops.convert_to_tensor(values.astype("float32")), policy.compute_dtype)
    layer = InstanceNormalization(dtype=dtype, beta_initializer=keras.initializers.Constant(0.5))
    output = layer(x)
    assert dtype_of(output) == policy.compute_dtype
    assert {weight.dtype for weight in layer.weights} == {policy.variable_dtype}
    rounding = 2.0**-8 if "bfloat16" in dtype else 2.0**-11
    expected = formula(as_float64(x), beta=0.5)
    np.testing.assert_allclose(as_float64(output), expected, rtol=rounding * 1.01, atol=1e-5)


@pytest.mark.parametrize("dtype", ["mixed_float16", "mixed_bfloat16"])
def test_gamma_and_beta_are_not_rounded_to_half_precision(dtype):
    layer = InstanceNormalization(dtype=dtype)
    layer.build((1, 2, 1))
    layer.set_weights([np.array([1000.3]), np.array([1000.0])])
    # (-1, 1) becomes beta -+ gamma but for epsilon. 1000.3 rounds to 1000.5 or 1000 in half
    # precision, 1000 is exact.
    x = ops.cast(ops.convert_to_tensor([[[-1.0], [1.0]]]), layer.compute_dtype)
    difference = float(as_float64(layer(x))[0, 0, 0])
    assert difference == pytest.approx(1000.0 - 1000.3 / np.sqrt(1.001), rel=2.0**-8)


@pytest.mark.skipif(BACKEND == "jax", reason="JAX has no float64 unless it is switched on at start")
def test_float64_is_computed_in_float64():
    x = np.random.default_rng(0).normal(1e4, 1.0, (2, 8, 8, 3))
    layer = InstanceNormalization(dtype="float64")
    output = ops.convert_to_numpy(layer(ops.convert_to_tensor(x, "float64")))
    assert output.dtype == "float64"
    np.testing.assert_allclose(output, formula(x), atol=1e-11)


def test_integers_come_out_in_the_compute_dtype():
    x = np.random.default_rng(0).integers(0, 256, (1, 8, 8, 2))
    output = InstanceNormalization()(ops.convert_to_tensor(x.astype("int32")))
    assert dtype_of(output) == "float32"
    np.testing.assert_allclose(as_float64(output), formula(x), atol=2e-6)


def test_images_of_a_batch_and_training_do_not_matter():
    x = np.random.default_rng(0).normal(size=(3, 6, 6, 2)).astype("float32")
    layer = InstanceNormalization()
    together = as_float64(layer(x, training=True))
    alone = np.concatenate([as_float64(layer(x[i : i + 1], training=False)) for i in range(3)])
    np.testing.assert_allclose(together, alone, atol=1e-6)


# === Gradients ===


@pytest.mark.parametrize(
    ("shape", "offset", "std"),
    [
        ((2, 5, 6, 3), 0.0, 1.0),
        ((2, 5, 6, 3), 0.0, 0.01),
        ((1, 128, 128, 2), 1e4, 1.0),
        ((2, 4, 4, 3), 12345.678, 0.0),
        ((2, 1, 1, 3), 1.0, 1.0),
        ((2, 3, 4, 5, 2), 1.0, 1.0),
    ],
)
def test_gradients_agree_with_the_formula(shape, offset, std):
    rng = np.random.default_rng(0)
    x = rng.normal(offset, std, shape).astype("float32")
    cotangent = rng.normal(size=shape).astype("float32")
    gamma, beta = rng.normal(size=(2, shape[-1]))
    layer = InstanceNormalization()
    layer.build(shape)
    layer.set_weights([gamma, beta])
    expected = formula_gradients(x, cotangent, gamma=gamma)
    for found, right in zip(layer_gradients(layer, x, cotangent), expected, strict=True):
        scale = max(1.0, np.abs(right).max())
        np.testing.assert_allclose(found, right, rtol=0, atol=1e-5 * scale)


@pytest.mark.parametrize(("dtype", "rounding"), [("float16", 2.0**-11), ("bfloat16", 2.0**-8)])
def test_gradients_in_half_precision(dtype, rounding):
    rng = np.random.default_rng(0)
    values = rng.normal(5000.0, 300.0, (1, 16, 16, 2)).astype("float32")
    x = as_float64(ops.cast(values, dtype)).astype("float32")  # exact in the half precision
    # So that the gradient, about 1/300 of this, is none of float16's subnormal numbers.
    cotangent = rng.choice([-64.0, 32.0, 128.0], x.shape)
    layer = InstanceNormalization(dtype=f"mixed_{dtype}")
    layer.build(x.shape)
    expected = formula_gradients(x, cotangent)
    for found, right in zip(layer_gradients(layer, x, cotangent), expected, strict=True):
        np.testing.assert_allclose(found, right, rtol=0, atol=2 * rounding * np.abs(right).max())


# === Keras ===


def test_regularizers_and_constraints_reach_their_weights():
    layer = InstanceNormalization(
        beta_regularizer=keras.regularizers.L2(0.5),
        gamma_regularizer=keras.regularizers.L1(0.25),
        beta_initializer="ones",
        gamma_constraint="non_neg",
        beta_constraint=keras.constraints.MaxNorm(3.0),
    )
    layer.build((None, 4, 4, 2))
    assert layer.gamma.constraint is layer.gamma_constraint
    assert layer.beta.constraint is layer.beta_constraint
    # gamma = beta = (1, 1): L1 0.25 * 2, L2 0.5 * 2.
    assert float(ops.convert_to_numpy(sum(layer.losses))) == pytest.approx(1.5)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_weights_in_order(center, scale):
    layer = InstanceNormalization(center=center, scale=scale)
    layer.build((None, None, None, 5))
    assert [weight.name for weight in layer.weights] == ["gamma"] * scale + ["beta"] * center
    assert all(weight.shape == (5,) for weight in layer.trainable_weights)
    assert len(layer.trainable_weights) == center + scale


def test_hands_a_mask_on_and_ignores_it_otherwise():
    class Probe(keras.layers.Layer):
        def call(self, inputs, mask=None):
            self.seen = mask
            return inputs

    x = np.arange(12.0).reshape((1, 4, 3)).astype("float32")
    x[0, 1] = 0
    probe = Probe()
    output = probe(InstanceNormalization()(keras.layers.Masking()(ops.convert_to_tensor(x))))
    np.testing.assert_array_equal(ops.convert_to_numpy(probe.seen), [[True, False, True, True]])
    np.testing.assert_allclose(as_float64(output), formula(x), atol=3e-6)


# === Mistakes ===


@pytest.mark.parametrize(
    ("axis", "shape", "message"),
    [
        (-1, (None, 3), "at least one spatial"),
        (-1, (3,), "at least one spatial"),
        (4, (None, 8, 8, 3), "`axis`"),
        (-4, (None, 8, 8, 3), "`axis`"),
        (-5, (None, 8, 8, 3), "`axis`"),
        (-1, (None, 8, 8, None), "number of channels"),
        (1, (None, None, 8, 8), "number of channels"),
    ],
)
def test_refuses_shapes(axis, shape, message):
    with pytest.raises(ValueError, match=f"{message}.*Received: .*input_shape="):
        InstanceNormalization(axis=axis).build(shape)


@pytest.mark.parametrize("axis", [0, 1.0, None, True, "channels_last", [-1]])
def test_refuses_axes(axis):
    with pytest.raises(ValueError, match=r"`axis`.*Received"):
        InstanceNormalization(axis=axis)


@pytest.mark.parametrize("epsilon", [0, -1e-3, float("nan"), float("inf"), None, "1e-3"])
def test_refuses_epsilons(epsilon):
    with pytest.raises(ValueError, match=r"`epsilon`.*Received"):
        InstanceNormalization(epsilon=epsilon)


def test_refuses_other_channels_than_it_was_built_for():
    layer = InstanceNormalization()
    layer.build((None, 8, 8, 3))
    with pytest.raises(ValueError, match="expected axis"):
        layer(np.zeros((1, 8, 8, 4), "float32"))
