"""The bias field of the phantom: its amplitude and its smoothness."""

import numpy as np
import pytest

from keras_mri_cyclegan.datasets.phantom.bias_field import BiasField


def field(seed, amplitude=0.4):
    bias = BiasField(amplitude, np.random.default_rng(seed), (-100, -110, -6), (100, 110, 62))
    x, y, z = np.meshgrid(
        np.linspace(-100, 100, 41),
        np.linspace(-110, 110, 41),
        np.linspace(-6, 62, 9),
        indexing="ij",
    )
    return bias(np.stack([x, y, z]).reshape(3, -1).astype("float32")).reshape(x.shape)


@pytest.mark.parametrize("seed", range(4))
def test_bias_field_has_its_amplitude_and_is_smooth(seed):
    values = field(seed)
    assert values.dtype == np.float32
    assert values.min() == pytest.approx(0.8, abs=0.01)
    assert values.max() == pytest.approx(1.2, abs=0.01)
    assert values.min() >= 0.8 - 1e-6
    assert values.max() <= 1.2 + 1e-6
    # Over the 5 mm between two samples it changes by a few per cent of its amplitude.
    assert max(np.abs(np.diff(values, axis=axis)).max() for axis in range(3)) < 0.04


def test_bias_fields_differ():
    assert np.abs(field(0) - field(1)).max() > 0.1
