"""Smooth fields: their distribution, their smoothness, and products along axes."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation.smooth_field import along, smooth_field


@pytest.mark.parametrize("shape", [(48, 40), (20, 24, 16)])
def test_zero_mean_and_unit_variance(shape):
    rng = np.random.default_rng(0)
    fields = np.stack([smooth_field(shape, 4, rng) for _ in range(300)])
    assert fields.dtype == np.float32
    assert fields.mean() == pytest.approx(0, abs=0.06)
    assert fields.var() == pytest.approx(1, abs=0.1)


def test_more_cells_are_finer():
    rough = [
        np.abs(np.diff(smooth_field((64, 64), n, np.random.default_rng(1)))).mean()
        for n in (2, 8, 32)
    ]
    assert rough[0] < 0.5 * rough[1] < 0.25 * rough[2] * 2


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_along_is_einsum(axis):
    rng = np.random.default_rng(2)
    array = rng.normal(size=(3, 4, 5))
    matrix = rng.normal(size=(6, array.shape[axis]))
    letters = "abc"
    out = letters.replace(letters[axis], "z")
    expected = np.einsum(f"z{letters[axis]},{letters}->{out}", matrix, array)
    np.testing.assert_allclose(along(matrix, array, axis), expected, rtol=1e-12)
