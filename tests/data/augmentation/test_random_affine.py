import math

import numpy as np
import pytest
from phantoms import image, rng

from keras_mri_cyclegan.data import RandomAffine


def linear(x, place, fill):
    """One value of `x`, `(height, width)`, in float64, from its four neighbours."""
    low = [math.floor(p) for p in place]
    value = 0.0
    for dy in (0, 1):
        for dx in (0, 1):
            y, x_ = low[0] + dy, low[1] + dx
            inside = 0 <= y < x.shape[0] and 0 <= x_ < x.shape[1]
            share = (1 - abs(place[0] - y)) * (1 - abs(place[1] - x_))
            value += share * (float(x[y, x_]) if inside else fill)
    return value


@pytest.mark.parametrize("seed", range(4))
def test_an_image_is_turned_scaled_and_sheared_about_its_centre(seed):
    """Pixel by pixel from the angle, the factor and the shear that the generator gives."""
    x = image(9, 12, 2)
    changed = RandomAffine(rotation=40, scale=0.3, shear=0.4, fill=-0.5)(x, rng(seed))
    draws = rng(seed)
    angle = math.radians(draws.uniform(-40, 40))
    factor = draws.uniform(0.7, 1.3)
    shear = draws.uniform(-0.4, 0.4, (2, 2))[0, 1]
    centre = (4.0, 5.5)
    for row, column in np.ndindex(9, 12):
        # Undo the turn and the factor, then the shear of rows along columns.
        y, z = (row - centre[0]) / factor, (column - centre[1]) / factor
        y, z = (
            math.cos(angle) * y + math.sin(angle) * z,
            -math.sin(angle) * y + math.cos(angle) * z,
        )
        place = (y - shear * z + centre[0], z + centre[1])
        for channel in range(2):
            expected = linear(x[..., channel], place, -0.5)
            assert changed[row, column, channel] == pytest.approx(expected, abs=1e-5)


def test_a_quarter_turn_is_exact():
    affine = RandomAffine(rotation=180, scale=0, shear=0)
    x = image(8, 8, 1)

    class Quarter:
        def uniform(self, low, high, size=None):
            return np.zeros(size) if size else (90.0 if high > 1 else 1.0)

    np.testing.assert_allclose(affine(x, Quarter()), np.rot90(x, 1), atol=1e-6)


def test_a_volume_is_turned_about_each_axis():
    matrix, offset = RandomAffine(30, scale=0, shear=0).draw((5, 6, 7), rng(3))
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(matrix) == pytest.approx(1)
    assert (np.abs(matrix - np.diag(np.diag(matrix))).sum(0) > 0.01).all()
    centre = np.array([2, 2.5, 3])
    np.testing.assert_allclose(matrix @ centre + offset, centre)


def test_a_volume_against_its_neighbours_in_float64():
    x = image(5, 6, 7, 1)
    affine = RandomAffine(20, 0.2, 0.3, fill=0.25)
    changed = affine(x, rng(2))
    matrix, offset = affine.draw((5, 6, 7), rng(2))
    padded = np.pad(x[..., 0].astype("float64"), 9, constant_values=0.25)
    for index in np.ndindex(5, 6, 7):
        place = matrix @ index + offset + 9
        low = np.floor(place).astype(int)
        value = 0.0
        for corner in np.ndindex(2, 2, 2):
            at = low + corner
            value += np.prod(1 - np.abs(place - at)) * padded[tuple(at)]
        assert changed[index][0] == pytest.approx(value, abs=1e-5)


def test_every_draw_stays_within_its_limits():
    generator = rng(1)
    angles, factors, shears = [], [], []
    for _ in range(500):
        forward = np.linalg.inv(RandomAffine(15, 0.2, 0.1).draw((10, 10), generator)[0])
        angle = math.atan2(forward[1, 0], forward[0, 0])
        factor = math.hypot(forward[0, 0], forward[1, 0])
        angles.append(math.degrees(angle))
        factors.append(factor)
        turned_back = np.array([math.cos(angle), math.sin(angle)]) @ forward
        shears.append(turned_back[1] / factor)
    for values, low, high in ((angles, -15, 15), (factors, 0.8, 1.2), (shears, -0.1, 0.1)):
        reach = (high - low) / 20
        assert low - 1e-9 <= min(values) < low + reach
        assert high - reach < max(values) <= high + 1e-9
