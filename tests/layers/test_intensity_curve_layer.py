import numpy as np
import pytest
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


@pytest.mark.parametrize("values", [[], [1.0], [[0.0, 1.0]], [0.0, float("nan")], 0.5])
def test_no_curve(values):
    with pytest.raises(ValueError, match="`values` must be a list of at least two finite numbers"):
        IntensityCurve(values)
