import numpy as np
import pytest
from contracts import run_config_contract, to_numpy

from keras_mri_cyclegan.losses import GradientDifference


@pytest.mark.parametrize("shape", [(2, 5, 7, 2), (1, 3, 4, 5, 1)])
def test_formula_in_float64(shape):
    truth, image = np.random.default_rng(0).normal(size=(2, *shape)).astype("float32")
    error = (image - truth).astype("float64")
    expected = np.abs(error)
    for axis in range(1, len(shape) - 1):
        step = np.abs(np.diff(error, axis=axis))
        end = [(0, 1) if k == axis else (0, 0) for k in range(len(shape))]
        expected += 0.3 * np.pad(step, end)
    loss = GradientDifference(0.3)
    np.testing.assert_allclose(float(loss(truth, image)), expected.mean(), rtol=1e-5)
    weight = np.random.default_rng(1).uniform(size=shape[:-1]).astype("float32")
    by_pixel = to_numpy(loss.call(truth, image))
    np.testing.assert_allclose(by_pixel, expected.mean(axis=-1), rtol=1e-5)
    weighted = float(loss(truth, image, sample_weight=weight))
    np.testing.assert_allclose(weighted, (expected.mean(axis=-1) * weight).mean(), rtol=1e-5)


def test_blur_costs_more_than_a_shade():
    edge = np.zeros((1, 8, 8, 1), "float32")
    edge[:, :, 4:] = 1
    blurred = edge.copy()
    blurred[:, :, 3:5] = 0.5
    shade = edge + 0.125  # of the same absolute error
    loss = GradientDifference()
    assert float(loss(edge, blurred)) > 1.5 * float(loss(edge, shade))


def test_config():
    run_config_contract(GradientDifference, {"gradient_weight": 0.25, "reduction": "sum"})
    with pytest.raises(ValueError, match="gradient_weight"):
        GradientDifference(-1)
