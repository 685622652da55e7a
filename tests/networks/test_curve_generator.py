import keras
import numpy as np
import pytest
from small import images

import keras_mri_cyclegan as kmc

CURVE = [-1.0, 0.8, -0.2, 0.4]


def output(network, batch):
    if keras.backend.backend() == "jax":  # which compiles every layer by itself otherwise
        return network.predict(batch, verbose=0)
    return keras.ops.convert_to_numpy(network(batch))


def randomised(network):
    """Give every weight, the last convolution's too, a value of its own."""
    rng = np.random.default_rng(0)
    for weight in network.weights:
        weight.assign(rng.normal("gamma" in weight.path, 0.2, weight.shape).astype("float32"))
    return network


@pytest.mark.parametrize("shape", [(16, 24, 1), (32, 32, 3), (8, 8, 16, 1)])
def test_untrained_it_is_the_curve(shape):
    network = kmc.curve_generator(shape, CURVE, filters=4)
    batch = images(2, shape)
    expected = np.interp(batch, np.linspace(-1, 1, 4), CURVE)
    np.testing.assert_allclose(output(network, batch), expected, atol=2e-6)


def test_without_a_curve_it_is_a_copy():
    batch = images(2, (16, 16, 1))
    network = kmc.curve_generator((16, 16, 1), filters=4)
    np.testing.assert_allclose(output(network, batch), batch, atol=2e-6)


def test_it_learns_what_no_curve_can():
    """The left half shall become brighter, the right half darker, whatever the value."""
    keras.utils.set_random_seed(0)
    a = images(8, (16, 16, 1)) * 0.3
    b = a + np.where(np.arange(16) < 8, 0.4, -0.4)[:, None].astype("float32")
    network = kmc.curve_generator((16, 16, 1), filters=8, depth=1, blocks=0, normalization=None)
    network.compile(keras.optimizers.Adam(1e-2), "mae", jit_compile=False)
    network.fit(np.tile(a, (60, 1, 1, 1)), np.tile(b, (60, 1, 1, 1)), batch_size=8, verbose=0)
    assert network.evaluate(a, b, verbose=0) < 0.2  # a curve leaves 0.4


def test_air_is_left_alone():
    network = randomised(kmc.curve_generator((32, 32, 1), [-1.0, 1.0], filters=4))
    batch = np.full((1, 32, 32, 1), -1.0, "float32")
    np.testing.assert_allclose(output(network, batch), -1, atol=1e-6)
    batch[:, 8:24, 8:24] = 0.3
    translated = output(network, batch)
    assert np.abs(translated).max() <= 1
    assert np.abs(translated - batch)[:, 12:20, 12:20].max() > 0.01
    np.testing.assert_allclose(translated[:, 0], -1, atol=1e-6)


def test_open_sizes():
    network = kmc.curve_generator((None, None, 1), CURVE, filters=4)
    assert output(network, images(1, (16, 32, 1))).shape == (1, 16, 32, 1)
    assert output(network, images(1, (24, 20, 1))).shape == (1, 24, 20, 1)


def test_size_of_the_default_network():
    """Counted by hand: kernels of 3 x 3, and a scale and an offset for each normalised feature."""
    network = kmc.curve_generator((128, 128, 1))
    normalised = [(16, 32), (32, 32), (32, 64), (64, 64)] + [(64, 64)] * 4
    normalised += [(64, 32), (64, 32), (32, 16), (32, 16)]
    expected = sum(9 * i * o + 2 * o for i, o in normalised)
    expected += 9 * 2 * 16 + 16 + 9 * 16 + 1
    assert network.count_params() == expected


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_float32_out_under_half_precision(policy):
    keras.config.set_dtype_policy(policy)
    try:
        network = kmc.curve_generator((16, 16, 1), CURVE, filters=4)
    finally:
        keras.config.set_dtype_policy("float32")
    batch = images(2, (16, 16, 1))
    translated = output(network, batch)
    assert translated.dtype == np.float32
    expected = np.interp(batch, np.linspace(-1, 1, 4), CURVE)
    np.testing.assert_allclose(translated, expected, atol=2e-6)  # the curve is not rounded


def test_saved_and_loaded(tmp_path):
    network = randomised(kmc.curve_generator((16, 16, 1), np.array(CURVE), filters=4))
    network.save(tmp_path / "g.keras")
    again = keras.models.load_model(tmp_path / "g.keras")
    batch = images(2, (16, 16, 1))
    np.testing.assert_allclose(output(again, batch), output(network, batch), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_shape": (30, 32, 1)}, "30.*smaller `depth`"),
        ({"depth": 0}, "`depth`"),
        ({"filters": 0}, "`filters`"),
        ({"blocks": -1}, "`blocks`"),
        ({"curve": [1.0]}, "`values`"),
        ({"normalization": "layer"}, "`normalization`"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        kmc.curve_generator(**{"input_shape": (32, 32, 1), **arguments})
