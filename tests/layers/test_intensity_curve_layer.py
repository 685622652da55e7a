import keras
import numpy as np
import pytest
from gradients import gradients
from keras import ops

from keras_mri_cyclegan.layers import IntensityCurve

CURVE = [-1.0, 0.5, -0.25, 0.8, 0.1]
IMAGES = np.random.default_rng(0).uniform(-1.2, 1.2, (2, 5, 6, 3)).astype("float32")


@pytest.mark.parametrize("curve", [CURVE, [0.3, -0.7], np.linspace(-1, 1, 48)])
def test_agrees_with_numpy(curve):
    expected = np.interp(IMAGES, np.linspace(-1, 1, len(curve)), curve)
    found = ops.convert_to_numpy(IntensityCurve(curve)(IMAGES))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_nodes_are_met_exactly():
    nodes = np.linspace(-1, 1, len(CURVE)).astype("float32")
    found = ops.convert_to_numpy(IntensityCurve(CURVE)(nodes))
    np.testing.assert_allclose(found, CURVE, atol=1e-6)


def test_the_gradient_is_the_slope():
    inputs = keras.Variable(np.array([-0.9, -0.3, 0.2, 0.7], "float32"))
    layer = IntensityCurve(CURVE)
    (slopes,) = gradients(lambda: ops.sum(layer(inputs.value)), [inputs])
    np.testing.assert_allclose(slopes, np.diff(CURVE) / 0.5, rtol=1e-4)


def test_float32_under_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        layer = IntensityCurve([-1.0, 1.0])
    finally:
        keras.config.set_dtype_policy("float32")
    np.testing.assert_allclose(
        ops.convert_to_numpy(layer(IMAGES)), np.clip(IMAGES, -1, 1), atol=1e-6
    )


def test_it_is_saved_with_a_network(tmp_path):
    image = keras.Input((None, None, 1))
    network = keras.Model(image, IntensityCurve(np.array(CURVE))(image))
    network.save(tmp_path / "curve.keras")
    again = keras.models.load_model(tmp_path / "curve.keras")
    assert again.layers[-1].values == CURVE
    assert not again.weights
    np.testing.assert_array_equal(
        again.predict(IMAGES[..., :1], verbose=0), network.predict(IMAGES[..., :1], verbose=0)
    )


@pytest.mark.parametrize("values", [[], [1.0], [[0.0, 1.0]], [0.0, float("nan")], 0.5])
def test_no_curve(values):
    with pytest.raises(ValueError, match="`values` must be a list of at least two finite numbers"):
        IntensityCurve(values)
