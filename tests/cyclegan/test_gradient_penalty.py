"""The R1 penalty against closed forms in float64 and finite differences."""

import keras
import numpy as np
import pytest
from gradients import gradients
from keras import ops
from small import compiled, cyclegan, images, tiny_cyclegan
from test_objective import START, A, B, Negative, model_and_data

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.cyclegan import backends
from keras_mri_cyclegan.cyclegan.gradient_penalty import r1


def penalty(discriminator, scans):
    return float(r1(discriminator, ops.convert_to_tensor(scans), backends.input_gradient))


@pytest.mark.parametrize(("size", "strides"), [(7, 1), (9, 2)])
def test_value_of_one_convolution(size, strides):
    """Each pixel's gradient is the sum of the kernel's taps that fall on it."""
    image = keras.Input((size, size, 2))
    logits = keras.layers.Conv2D(1, 3, strides=strides)(image)
    discriminator = keras.Model(image, logits)
    kernel = np.random.default_rng(0).normal(size=(3, 3, 2, 1))
    discriminator.set_weights([kernel, np.array([0.7])])
    gradient = np.zeros((size, size, 2))
    across = (size - 3) // strides + 1
    for i in range(0, strides * across, strides):
        for j in range(0, strides * across, strides):
            gradient[i : i + 3, j : j + 3] += kernel[..., 0]
    expected = 0.5 * np.sum(gradient**2) / across**2
    assert penalty(discriminator, images(3, (size, size, 2))) == pytest.approx(expected, rel=1e-5)


def test_value_of_a_single_logit_is_the_papers():
    image = keras.Input((4, 4, 1))
    logit = keras.layers.Dense(1)(keras.layers.Flatten()(image))
    discriminator = keras.Model(image, logit)
    kernel = np.random.default_rng(0).normal(size=(16, 1))
    discriminator.set_weights([kernel, np.zeros(1)])
    found = penalty(discriminator, images(5, (4, 4, 1)))
    assert found == pytest.approx(0.5 * np.sum(kernel**2), rel=1e-5)


def test_gradient_by_differences():
    """Of a smooth network: where a leaky ReLU bends, its own gradient, and so R1, jumps."""
    image = keras.Input((16, 16, 1))
    x = kmc.layers.ReflectionPadding(1)(image)
    x = keras.layers.Conv2D(4, 4, strides=2)(x)
    x = keras.layers.Activation("softplus")(kmc.layers.InstanceNormalization()(x))
    discriminator = keras.Model(image, keras.layers.Conv2D(1, 3)(x))
    rng = np.random.default_rng(1)
    variables = discriminator.trainable_variables
    for variable in variables:
        variable.assign(rng.normal(0, 0.3, variable.shape) + ("gamma" in variable.path))
    scans = ops.convert_to_tensor(images(2))
    found = gradients(lambda: r1(discriminator, scans, backends.input_gradient), variables)
    direction = [rng.normal(size=variable.shape) for variable in variables]
    start = [ops.convert_to_numpy(variable.value) for variable in variables]

    def at(distance):
        for variable, value, way in zip(variables, start, direction, strict=True):
            variable.assign(value + distance * way)
        return penalty(discriminator, scans)

    expected = (at(1e-3) - at(-1e-3)) / 2e-3
    assert abs(expected) > 0.01
    along = sum(np.sum(g * way) for g, way in zip(found, direction, strict=True))
    assert along == pytest.approx(expected, rel=0.02)


def test_a_spectrally_normalised_discriminator_is_left_as_it_was():
    arguments = {"normalization": None, "spectral_normalization": True}
    discriminator = kmc.patchgan_discriminator((16, 16, 1), layers=1, filters=4, **arguments)
    before = discriminator.get_weights()
    assert penalty(discriminator, images(2)) > 0
    for old, new in zip(before, discriminator.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def curved(slope, bias, scans):
    """R1 of the logits tanh(slope x + bias) of four pixels, in float64."""
    gradient = slope * (1 - np.tanh(slope * scans + bias) ** 2)
    return 0.5 * np.sum(gradient**2) / 4


def curved_model(augmentation=None):
    model, a, b = model_and_data()
    for name in ("discriminator_a", "discriminator_b"):
        network = model.networks[name]
        judge = keras.Model(network.input, keras.layers.Activation("tanh")(network.output))
        setattr(model, name, judge)
    model.augmentation = augmentation
    return model, a, b


def test_steps_pay_for_the_penalty_in_every_kth_step():
    rate, gamma, every = 1e-2, 3.0, 2

    def trained(**arguments):
        model, a, b = curved_model()
        sgd = keras.optimizers.SGD
        model.compile(sgd(rate), sgd(rate), cycle_weight=0, identity_weight=0, **arguments)
        steps = []
        for _ in range(2):
            model.reset_metrics()
            logs = model.train_on_batch(a, b, return_dict=True)
            now = {name: network.get_weights() for name, network in model.networks.items()}
            steps.append((logs, now))
        return steps

    (logs, now), (later, _) = trained(r1_weight=gamma, r1_every=every)
    (plain_logs, without), _ = trained()
    for name, scans in (("a", A), ("b", B)):
        slope, bias = START[f"discriminator_{name}"]
        value = curved(slope, bias, scans)
        assert float(logs[f"r1_{name}"]) == pytest.approx(every * value, rel=1e-5)
        assert float(later[f"r1_{name}"]) == 0
        assert f"r1_{name}" not in plain_logs
        for k, (up, right) in enumerate([(1e-6, 0), (0, 1e-6)]):
            ahead = curved(slope + up, bias + right, scans)
            behind = curved(slope - up, bias - right, scans)
            pair = without[f"discriminator_{name}"][k] - now[f"discriminator_{name}"][k]
            found = float(pair.squeeze()) / rate
            expected = gamma * every * (ahead - behind) / 2e-6
            assert found == pytest.approx(expected, rel=2e-3, abs=2e-4), (name, k)
    for name in ("generator_ab", "generator_ba"):
        np.testing.assert_array_equal(now[name][0], without[name][0])
    added = gamma * (float(logs["r1_a"]) + float(logs["r1_b"]))
    assert float(logs["loss"]) == pytest.approx(float(plain_logs["loss"]) + added, rel=1e-5)


def test_it_is_taken_on_what_the_discriminators_see():
    model, a, b = curved_model(Negative())
    model.compile(r1_weight=1.0, r1_every=1)
    logs = model.train_on_batch(a, b, return_dict=True)
    expected = curved(*START["discriminator_a"], -A)
    assert float(logs["r1_a"]) == pytest.approx(expected, rel=1e-5)
    assert expected != pytest.approx(curved(*START["discriminator_a"], A), rel=1e-2)


def test_half_precision():
    def first(policy):
        keras.config.set_dtype_policy(policy)
        try:
            model = compiled(
                tiny_cyclegan(pool_size=0, dropout=0.0), 1e-12, r1_weight=10.0, r1_every=1
            )
        finally:
            keras.config.set_dtype_policy("float32")
        return model.train_on_batch(images(2), images(2), return_dict=True)

    found, expected = first("mixed_float16"), first("float32")
    assert float(found["r1_a"]) == pytest.approx(float(expected["r1_a"]), rel=0.05)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"r1_weight": -1.0}, "`r1_weight` must be finite and at least 0"),
        ({"r1_weight": "much"}, "`r1_weight` must be a number"),
        ({"r1_every": 0}, "`r1_every` must be an integer of at least 1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        cyclegan().compile(**arguments)
