"""The whole training step against the objective written out for networks of one pixel."""

import keras
import numpy as np
import pytest
from gradients import gradients
from keras import ops
from small import cyclegan, images

import keras_mri_cyclegan as kmc

# Every network is y = w x + c, pixel by pixel: the objective can be written out in a few lines of
# float64, and its gradient taken by differences.
A = np.array([[0.3, -0.8], [0.5, 0.1]])
B = np.array([[-0.2, 0.9], [0.4, -0.6]])
START = {
    "generator_ab": (0.7, 0.2),
    "generator_ba": (-0.4, 0.1),
    "discriminator_a": (0.6, 0.3),
    "discriminator_b": (-0.9, 0.2),
}
ADVERSARIAL = {
    "least_squares": (lambda x: (x - 1) ** 2, lambda x: x**2),
    "binary_crossentropy": (lambda x: np.log1p(np.exp(-x)), lambda x: np.log1p(np.exp(x))),
    "hinge": (lambda x: np.maximum(0, 1 - x), lambda x: np.maximum(0, 1 + x)),
}


def pixelwise(name):
    image = keras.Input((2, 2, 1))
    network = keras.Model(image, keras.layers.Conv2D(1, 1, name="pixel")(image), name=name)
    weight, bias = START[name]
    network.set_weights([np.full((1, 1, 1, 1), weight), np.array([bias])])
    return network


def model_and_data():
    model = kmc.CycleGAN(**{name: pixelwise(name) for name in START}, pool_size=0)
    return model, A.reshape(1, 2, 2, 1).astype("float32"), B.reshape(1, 2, 2, 1).astype("float32")


def generator_terms(weights, judges, adversarial):
    """Return the generators' terms; `judges` are the discriminators, which they cannot change."""

    def apply(name, x):
        weight, bias = {**weights, **judges}[name]
        return weight * x + bias

    fake_b, fake_a = apply("generator_ab", A), apply("generator_ba", B)
    real = ADVERSARIAL[adversarial][0]
    fooled = (lambda x: -x) if adversarial == "hinge" else real
    return {
        "adversarial_ab": fooled(apply("discriminator_b", fake_b)).mean(),
        "adversarial_ba": fooled(apply("discriminator_a", fake_a)).mean(),
        "cycle_a": np.abs(apply("generator_ba", fake_b) - A).mean(),
        "cycle_b": np.abs(apply("generator_ab", fake_a) - B).mean(),
        "identity_a": np.abs(apply("generator_ba", A) - A).mean(),
        "identity_b": np.abs(apply("generator_ab", B) - B).mean(),
    }


def discriminator_terms(weights, makers, adversarial):
    """Return the discriminators' terms; `makers` are the generators, which they cannot change."""
    (ab, ab_bias), (ba, ba_bias) = makers["generator_ab"], makers["generator_ba"]
    real, fake = ADVERSARIAL[adversarial]
    terms = {}
    for name, scans, fakes in (
        ("discriminator_a", A, ba * B + ba_bias),
        ("discriminator_b", B, ab * A + ab_bias),
    ):
        weight, bias = weights[name]
        terms[name] = (real(weight * scans + bias).mean() + fake(weight * fakes + bias).mean()) / 2
    return terms


def expected_gradients(adversarial, cycle_weight, identity_weight):
    factors = {"cycle_a": cycle_weight, "cycle_b": cycle_weight}
    factors |= {"identity_a": identity_weight, "identity_b": identity_weight}

    def total(function, weights, others):
        terms = function(weights, others, adversarial)
        return sum(factors.get(name, 1.0) * value for name, value in terms.items())

    result = {}
    for kind, function in (("gen", generator_terms), ("dis", discriminator_terms)):
        mine = {name: pair for name, pair in START.items() if name.startswith(kind)}
        others = {name: pair for name, pair in START.items() if name not in mine}
        for name in mine:
            for position in range(2):
                step = np.eye(2)[position] * 1e-6
                ahead = total(function, {**mine, name: mine[name] + step}, others)
                behind = total(function, {**mine, name: mine[name] - step}, others)
                result[name, position] = (ahead - behind) / 2e-6
    return result


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
@pytest.mark.parametrize(("cycle_weight", "identity_weight"), [(10, 5), (3, 0), (0, 2), (0, 0)])
def test_step_follows_the_gradient_of_each_networks_own_objective(
    adversarial, cycle_weight, identity_weight
):
    model, a, b = model_and_data()
    rate = 1e-2
    model.compile(
        keras.optimizers.SGD(rate),
        keras.optimizers.SGD(rate),
        adversarial_loss=adversarial,
        cycle_weight=cycle_weight,
        identity_weight=identity_weight,
    )
    before = {name: model.networks[name].get_weights() for name in START}
    model.train_on_batch(a, b)
    expected = expected_gradients(adversarial, cycle_weight, identity_weight)
    for (name, position), gradient in expected.items():
        after = model.networks[name].get_weights()[position]
        found = float((before[name][position] - after).squeeze()) / rate
        assert found == pytest.approx(gradient, rel=1e-3, abs=1e-4), (name, position)


@pytest.mark.parametrize("adversarial", ADVERSARIAL)
def test_terms_and_loss(adversarial):
    model, a, b = model_and_data()
    model.compile(adversarial_loss=adversarial)
    logs = model.train_on_batch(a, b, return_dict=True)
    expected = generator_terms(START, {}, adversarial) | discriminator_terms(
        START, START, adversarial
    )
    factors = {"cycle_a": 10, "cycle_b": 10, "identity_a": 5, "identity_b": 5}
    expected["loss"] = sum(factors.get(name, 1) * value for name, value in expected.items())
    assert set(logs) == set(expected)
    for name, value in expected.items():
        assert float(logs[name]) == pytest.approx(value, rel=1e-5), name


def squared(source, translated):
    return ops.mean(ops.square(source - translated))


@pytest.mark.parametrize("weight", [3.0, kmc.losses.WarmUp(6.0, steps=2)])
def test_structure_losses_join_the_generators_objective_with_their_weight(weight):
    model, a, b = model_and_data()
    rate = 1e-2
    model.compile(
        keras.optimizers.SGD(rate),
        keras.optimizers.SGD(rate),
        cycle_weight=0,
        identity_weight=0,
        structure_loss=[squared, squared],
        structure_weight=[weight, 0.0],
    )
    schedule = [3.0, 3.0] if weight == 3.0 else [0.0, 3.0]
    for expected_weight in schedule:
        now = {
            name: [float(w.squeeze()) for w in network.get_weights()]
            for name, network in model.networks.items()
        }
        model.reset_metrics()
        logs = model.train_on_batch(a, b, return_dict=True)
        slope, bias = now["generator_ab"]
        expected = np.mean((slope * A + bias - A) ** 2)
        for term in ("squared_1_ab", "squared_2_ab"):
            assert float(logs[term]) == pytest.approx(expected, rel=1e-4)
        # The least-squares adversarial term's own gradient, from the fixed discriminator.
        weight_b, bias_b = now["discriminator_b"]
        adversarial = 2 * (weight_b * (slope * A + bias) + bias_b - 1) * weight_b * A
        gradient = np.mean(adversarial) + expected_weight * np.mean(2 * (slope * A + bias - A) * A)
        after = float(model.generator_ab.get_weights()[0].squeeze())
        assert (slope - after) / rate == pytest.approx(gradient, rel=2e-3, abs=1e-4)


class Negative(keras.layers.Layer):
    def call(self, images):
        return -images


def test_discriminators_see_scans_and_translations_through_the_augmentation():
    def first_step(augmentation, sign):
        model, a, b = model_and_data()
        model.augmentation = augmentation
        for network in (model.discriminator_a, model.discriminator_b):
            weight, bias = network.get_weights()
            network.set_weights([sign * weight, bias])
        model.compile()
        return model.train_on_batch(a, b, return_dict=True), model.generator_ab.get_weights()

    terms, weights = first_step(Negative(), -1)
    expected_terms, expected_weights = first_step(None, 1)
    for name, value in expected_terms.items():
        assert float(terms[name]) == pytest.approx(float(value), rel=1e-5), name
    for found, expected in zip(weights, expected_weights, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_a_keras_loss_serves_as_adversarial_loss():
    by_name, a, b = model_and_data()
    by_name.compile(adversarial_loss="least_squares")
    by_callable, _, _ = model_and_data()
    by_callable.compile(adversarial_loss=keras.losses.MeanSquaredError())
    one = by_name.train_on_batch(a, b, return_dict=True)
    other = by_callable.train_on_batch(a, b, return_dict=True)
    for name, value in one.items():
        assert float(other[name]) == pytest.approx(float(value), rel=1e-6)


def test_each_generator_learns_from_both_cycles():
    """With both cycles' terms, the gradient is not that of the generator's own cycle alone."""
    own_alone = {}
    for name, term in (("generator_ab", "cycle_a"), ("generator_ba", "cycle_b")):
        step = np.array([1e-6, 0])
        ahead = generator_terms({**START, name: START[name] + step}, {}, "least_squares")[term]
        behind = generator_terms({**START, name: START[name] - step}, {}, "least_squares")[term]
        own_alone[name] = (ahead - behind) / 2e-6
    model, a, b = model_and_data()
    model.compile(
        keras.optimizers.SGD(1e-4), keras.optimizers.SGD(1e-4), cycle_weight=1000, identity_weight=0
    )
    for name, gradient in own_alone.items():
        before = model.networks[name].get_weights()[0]
        model.train_on_batch(a, b)
        found = float((before - model.networks[name].get_weights()[0]).squeeze()) / 1e-4
        assert abs(found - 1000 * gradient) > 100


def test_weight_decay_of_the_networks_layers_is_part_of_the_loss():
    model, a, b = model_and_data()
    layer = model.generator_ab.get_layer("pixel")
    layer.kernel.regularizer = keras.regularizers.L2(0.5)
    model.compile()
    logs = model.train_on_batch(a, b, return_dict=True)
    assert float(logs["regularization"]) == pytest.approx(0.5 * START["generator_ab"][0] ** 2)


def test_gradients_of_real_networks():
    """The step of a U-Net CycleGAN against each network's own loss, differentiated by itself."""
    rate = 1e-2
    a = keras.ops.convert_to_tensor(images(2, seed=1))
    b = keras.ops.convert_to_tensor(images(2, seed=2))
    model = cyclegan(pool_size=0)
    ab, ba, judge_a, judge_b = model.networks.values()

    def l1(x, y):
        return keras.ops.mean(keras.ops.abs(x - y))

    def generators():
        fake_b, fake_a = ab(a, training=True), ba(b, training=True)
        fooling = keras.ops.mean((judge_b(fake_b) - 1) ** 2) + keras.ops.mean(
            (judge_a(fake_a) - 1) ** 2
        )
        cycles = l1(ba(fake_b, training=True), a) + l1(ab(fake_a, training=True), b)
        identities = l1(ba(a, training=True), a) + l1(ab(b, training=True), b)
        return fooling + 10 * cycles + 5 * identities

    def judging(judge, scans, fakes):
        def loss():
            real, fake = judge(scans, training=True), judge(fakes, training=True)
            return (keras.ops.mean((real - 1) ** 2) + keras.ops.mean(fake**2)) / 2

        return loss

    losses = {
        "generator_ab": generators,
        "generator_ba": generators,
        "discriminator_a": judging(judge_a, a, keras.ops.stop_gradient(ba(b))),
        "discriminator_b": judging(judge_b, b, keras.ops.stop_gradient(ab(a))),
    }
    expected = {
        name: gradients(loss, model.networks[name].trainable_variables)
        for name, loss in losses.items()
    }
    before = {name: network.get_weights() for name, network in model.networks.items()}
    model.compile(keras.optimizers.SGD(rate), keras.optimizers.SGD(rate))
    model.train_on_batch(a, b)
    for name, network in model.networks.items():
        for old, new, gradient in zip(
            before[name], network.get_weights(), expected[name], strict=True
        ):
            scale = np.abs(gradient).max()
            assert scale > 0
            np.testing.assert_allclose((old - new) / rate, gradient, atol=1e-3 * scale + 1e-4)
