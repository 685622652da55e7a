"""Fluid and grey matter change places only where both are."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import TISSUES
from keras_mri_cyclegan.simulation.sulci import narrow_sulci

CSF, GREY, WHITE = (TISSUES.index(name) for name in ("csf", "grey_matter", "white_matter"))


def mixed():
    """Pixels of pure fluid, fluid and grey matter, pure grey matter, grey and white matter."""
    maps = np.zeros((len(TISSUES), 1, 4), "float32")
    maps[CSF, 0] = 1, 0.5, 0, 0
    maps[GREY, 0] = 0, 0.5, 1, 0.5
    maps[WHITE, 0] = 0, 0, 0, 0.5
    return maps


@pytest.mark.parametrize(("amount", "fluid"), [(0, 0.5), (0.4, 0.3), (1, 0), (-0.4, 0.7)])
def test_shared_pixels_only(amount, fluid):
    maps = mixed()
    narrow_sulci(maps, amount)
    np.testing.assert_allclose(maps[CSF, 0], [1, fluid, 0, 0], atol=1e-6)
    np.testing.assert_allclose(maps.sum(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(maps[WHITE], mixed()[WHITE])
    assert maps.min() >= 0
