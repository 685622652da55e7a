import keras
import numpy as np
import pytest
from contracts import run_config_contract

from keras_mri_cyclegan import losses
from keras_mri_cyclegan.losses import adversarial

REAL = np.random.default_rng(0).normal(0, 3, (2, 4, 4, 1)).astype("float32")
FAKE = np.random.default_rng(1).normal(0, 3, (2, 4, 4, 1)).astype("float32")


def sigmoid(x):
    return 1 / (1 + np.exp(-x.astype("float64")))


# Each loss as its paper writes it, in float64: the generator's, and the discriminator's halved.
PAPERS = {
    "least_squares": (
        lambda fake: ((fake.astype("float64") - 1) ** 2).mean(),
        lambda real, fake: (((real.astype("float64") - 1) ** 2).mean() + (fake**2.0).mean()) / 2,
    ),
    "binary_crossentropy": (
        lambda fake: -np.log(sigmoid(fake)).mean(),
        lambda real, fake: (-np.log(sigmoid(real)).mean() - np.log(1 - sigmoid(fake)).mean()) / 2,
    ),
    "hinge": (
        lambda fake: -fake.astype("float64").mean(),
        lambda real, fake: (
            (-np.minimum(0, real - 1.0).mean() - np.minimum(0, -fake - 1.0).mean()) / 2
        ),
    ),
}


@pytest.mark.parametrize("name", PAPERS)
def test_values(name):
    loss = adversarial.get(name)
    generator, discriminator = PAPERS[name]
    assert float(loss.generator(FAKE)) == pytest.approx(generator(FAKE), rel=1e-5)
    assert float(loss.discriminator(REAL, FAKE)) == pytest.approx(
        discriminator(REAL, FAKE), rel=1e-5
    )


@pytest.mark.parametrize("name", PAPERS)
def test_large_logits_stay_finite(name):
    large = np.full((1, 2, 2, 1), 1e4, "float32")
    loss = adversarial.get(name)
    assert np.isfinite(float(loss.generator(-large)))
    assert np.isfinite(float(loss.discriminator(-large, large)))


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (keras.losses.MeanSquaredError(), "least_squares"),
        (keras.losses.BinaryCrossentropy(from_logits=True), "binary_crossentropy"),
        (lambda target, logits: keras.ops.square(target - logits), "least_squares"),
    ],
)
def test_functions_of_target_and_logits(function, name):
    found, expected = adversarial.get(function), adversarial.get(name)
    assert float(found.generator(FAKE)) == pytest.approx(float(expected.generator(FAKE)), rel=1e-5)
    assert float(found.discriminator(REAL, FAKE)) == pytest.approx(
        float(expected.discriminator(REAL, FAKE)), rel=1e-5
    )


@pytest.mark.parametrize("loss", [losses.LeastSquares, losses.BinaryCrossentropy, losses.Hinge])
def test_contract(loss):
    run_config_contract(loss, {})


@pytest.mark.parametrize("identifier", ["mse", None, 3, losses.Hinge])
def test_anything_else_is_refused(identifier):
    with pytest.raises(ValueError, match="`adversarial_loss` must be one of"):
        adversarial.get(identifier)


def test_a_loss_of_ones_own_must_define_both_sides():
    class Half(losses.AdversarialLoss):
        def real(self, logits):
            return logits

    with pytest.raises(TypeError, match=r"Half must define `fake\(logits\)`"):
        Half().discriminator(REAL, FAKE)


def test_a_loss_on_probabilities_is_refused():
    with pytest.raises(ValueError, match=r"expects probabilities.*from_logits=True"):
        adversarial.get(keras.losses.BinaryCrossentropy())


@pytest.mark.parametrize(
    ("loss", "boundary"),
    [
        ("least_squares", 0.5),
        ("binary_crossentropy", 0.0),
        ("hinge", 0.0),
        (keras.losses.MeanSquaredError(), 0.5),
        (keras.losses.BinaryCrossentropy(from_logits=True), 0.0),
    ],
)
def test_a_verdict_is_real_beyond_the_boundary(loss, boundary):
    logits = np.array([-3.0, boundary - 0.1, boundary + 0.1, 3.0], "float32").reshape(2, 2, 1, 1)
    found = adversarial.get(loss).says_real(keras.ops.convert_to_tensor(logits))
    signs = keras.ops.convert_to_numpy(found)
    np.testing.assert_array_equal(signs.ravel(), [-1, -1, 1, 1])
