import numpy as np
import pytest
from keras import ops
from scipy import ndimage

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.layers import Foreground


def test_the_head_with_all_that_lies_inside():
    t1, _ = kmc.datasets.load_phantom(slices=3, size=64)
    found = ops.convert_to_numpy(Foreground()(t1))[..., 0]
    assert ((t1[..., 0] < -0.9) & (found > 0.9)).any()  # there is darkness inside a head
    for image, inside in zip(t1[..., 0], found, strict=True):
        head = ndimage.binary_fill_holes(image > -0.9)
        agreeing = (inside > 0.5) == head
        assert agreeing.mean() > 0.98
        assert (inside[head & (image < -0.9)] > 0.5).all()
        assert inside[0].max() < 0.01


@pytest.mark.parametrize("shape", [(1, 16, 24, 1), (2, 8, 8, 8, 2)])
def test_air_is_nothing_and_signal_is_all(shape):
    layer = Foreground()
    assert np.abs(ops.convert_to_numpy(layer(np.full(shape, -1.0, "float32")))).max() < 1e-6
    found = ops.convert_to_numpy(layer(np.full(shape, 0.5, "float32")))
    assert found.shape == shape == layer.compute_output_shape(shape)
    np.testing.assert_allclose(found, 1, atol=1e-6)


def test_threshold():
    image = np.full((1, 8, 8, 1), -0.8, "float32")
    assert float(ops.mean(Foreground(0.5)(image))) < float(ops.mean(Foreground(0.1)(image)))


@pytest.mark.parametrize("threshold", [0.0, -1.0, float("nan"), "x"])
def test_bad_threshold(threshold):
    with pytest.raises(ValueError, match="threshold"):
        Foreground(threshold)
