"""Any term's weight is a number or a function of the step."""

import keras
import numpy as np
import pytest
from small import TERMS, compiled, cyclegan, images, networks, tiny_cyclegan
from test_objective import model_and_data

import keras_mri_cyclegan as kmc

KINDS = ("adversarial", "cycle", "identity")
PARTS = {
    "adversarial": ("adversarial_ab", "adversarial_ba"),
    "cycle": ("cycle_a", "cycle_b"),
    "identity": ("identity_a", "identity_b"),
}


def compile_sgd(model, **arguments):
    model.compile(keras.optimizers.SGD(1e-2), keras.optimizers.SGD(1e-2), **arguments)


def test_a_schedule_weighs_each_step_anew():
    model, a, b = model_and_data()
    compile_sgd(
        model,
        adversarial_weight=kmc.losses.WarmUp(6.0, steps=2),
        cycle_weight=kmc.losses.LinearDecay(4.0, steps=2),
        identity_weight=kmc.losses.WarmUp(5.0, steps=1),
    )
    for weights in ((0.0, 4.0, 0.0), (3.0, 2.0, 5.0), (6.0, 0.0, 5.0)):
        same, _, _ = model_and_data()
        compile_sgd(same, **{f"{kind}_weight": w for kind, w in zip(KINDS, weights, strict=True)})
        for name, network in same.networks.items():
            network.set_weights(model.networks[name].get_weights())
        model.reset_metrics()
        logs = model.train_on_batch(a, b, return_dict=True)
        same.train_on_batch(a, b)
        factors = zip(KINDS, weights, strict=True)
        total = sum(w * float(logs[part]) for kind, w in factors for part in PARTS[kind])
        total += float(logs["discriminator_a"]) + float(logs["discriminator_b"])
        assert float(logs["loss"]) == pytest.approx(total, rel=1e-5)
        for name, network in same.networks.items():
            for found, expected in zip(
                model.networks[name].get_weights(), network.get_weights(), strict=True
            ):
                np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_adversarial_weight_scales_the_generators_gradient_alone():
    def change(weight):
        model, a, b = model_and_data()
        compile_sgd(model, cycle_weight=0, identity_weight=0, adversarial_weight=weight)
        before = {name: network.get_weights() for name, network in model.networks.items()}
        model.train_on_batch(a, b)
        return {
            name: np.ravel(network.get_weights()[0] - before[name][0])
            for name, network in model.networks.items()
        }

    once, thrice = change(1.0), change(3.0)
    for name in once:
        factor = 3 if "generator" in name else 1
        np.testing.assert_allclose(thrice[name], factor * once[name], rtol=1e-3)


@pytest.mark.parametrize("zero", [0, kmc.losses.ConstantWeight(0.0)])
def test_without_an_adversarial_weight_no_discriminator_is_asked(zero):
    model, a, b = model_and_data()
    compile_sgd(model, adversarial_weight=zero, identity_weight=0)
    before = model.discriminator_a.get_weights()[0]
    logs = model.train_on_batch(a, b, return_dict=True)
    assert set(logs) == TERMS - {*PARTS["adversarial"], *PARTS["identity"]}
    total = 10 * float(logs["cycle_a"] + logs["cycle_b"])
    total += float(logs["discriminator_a"] + logs["discriminator_b"])
    assert float(logs["loss"]) == pytest.approx(total, rel=1e-5)
    assert np.abs(model.discriminator_a.get_weights()[0] - before).max() > 0


def test_weights_are_saved(tmp_path):
    model = tiny_cyclegan(dropout=0.0)
    model.compile(
        adversarial_weight=kmc.losses.Piecewise([3], [1.0, 0.5]),
        cycle_weight=kmc.losses.LinearDecay(10.0, steps=4),
        identity_weight=keras.optimizers.schedules.PolynomialDecay(5.0, 10, 1.0),
        r1_weight=kmc.losses.WarmUp(10.0, steps=2),
        r1_every=3,
    )
    model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras")
    for name in (*KINDS, "r1"):
        found, expected = (getattr(m.term_weights, name) for m in (loaded, model))
        for step in (0, 1, 3, 20):
            assert float(found(step)) == pytest.approx(float(expected(step)))
    assert loaded.term_weights.r1_every == 3
    a, b = images(2), images(2, seed=1)
    for one, other in zip(model.train_on_batch(a, b), loaded.train_on_batch(a, b), strict=True):
        assert float(one) == pytest.approx(float(other), rel=1e-4)


def test_numbers_stay_numbers():
    model = compiled(cycle_weight=np.float32(3), identity_weight=0)
    config = model.get_compile_config()
    assert (config["cycle_weight"], config["identity_weight"]) == (3.0, 0.0)
    assert (config["adversarial_weight"], config["r1_weight"], config["r1_every"]) == (1.0, 0.0, 16)


def test_a_scheduled_identity_is_off_between_different_numbers_of_channels():
    model = kmc.CycleGAN(**networks((16, 16, 2), (16, 16, 1)))
    with pytest.warns(UserWarning, match="Received: 2 and 1"):
        model.compile(identity_weight=kmc.losses.WarmUp(1.0, steps=2))
    assert model.term_weights.identity is None


def test_generators_need_something_to_learn():
    with pytest.raises(ValueError, match=r"nothing to learn.*`cycle_weight`"):
        cyclegan().compile(adversarial_weight=0, cycle_weight=0, identity_weight=0)
    cyclegan().compile(adversarial_weight=0, cycle_weight=0, identity_weight=0, paired_weight=1)


@pytest.mark.parametrize("name", ["adversarial_weight", "cycle_weight", "identity_weight"])
@pytest.mark.parametrize("value", [-1, float("nan"), "5", True, None, kmc.losses.WarmUp])
def test_bad_weights(name, value):
    with pytest.raises(ValueError, match=f"`{name}`"):
        cyclegan().compile(**{name: value})
