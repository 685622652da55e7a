import numpy as np
import pytest
from phantoms import rng
from scipy.interpolate import BSpline
from scipy.ndimage import map_coordinates

from keras_mri_cyclegan.data import RandomElastic


def shifts(elastic, shape, generator):
    return elastic.draw(shape, generator) - np.indices(shape)


@pytest.mark.parametrize(("shape", "grid"), [((31, 20), 3), ((12, 10, 9), 2)])
def test_the_field_is_a_cubic_b_spline_of_the_drawn_control_points(shape, grid):
    amplitude = 0.4 / grid
    found = shifts(RandomElastic(amplitude, grid), shape, rng(4))
    draws = rng(4)
    for axis, size in enumerate(shape):
        limit = amplitude * size
        field = draws.uniform(-limit, limit, [grid + 3] * len(shape))
        for along, points in enumerate(shape):
            knots = np.arange(-3, grid + 4)
            place = (np.arange(points) + 0.5) * grid / points
            field = BSpline(knots, np.moveaxis(field, along, 0), 3)(place)
            field = np.moveaxis(field, 0, along)
        np.testing.assert_allclose(found[axis], field, atol=1e-4)


@pytest.mark.parametrize("shape", [(24, 30, 2), (7, 9, 11, 1)])
def test_an_image_is_what_it_was_at_the_drawn_places(shape):
    x = rng(7).uniform(-1, 1, shape).astype("float32")
    elastic = RandomElastic(0.1, fill=-0.5)
    bent = elastic(x, rng(2))
    places = elastic.draw(shape[:-1], rng(2)).astype("float64") + 20
    for channel in range(shape[-1]):
        padded = np.pad(x[..., channel].astype("float64"), 20, constant_values=-0.5)
        expected = map_coordinates(padded, places, order=1)
        np.testing.assert_allclose(bent[..., channel], expected, atol=1e-5)


class Extreme:
    """A generator whose every draw is one of its limits."""

    def __init__(self, seed):
        self.rng = rng(seed)

    def uniform(self, low, high, size):
        return self.rng.choice([low, high], size)


@pytest.mark.parametrize(("shape", "grid"), [((128, 96), 4), ((128, 128), 8), ((32, 40, 36), 3)])
def test_nothing_folds_at_the_limit(shape, grid):
    """The volume that the neighbours of a voxel span keeps its sign, at the worst draws too."""
    elastic = RandomElastic(0.4 / grid, grid)
    smallest = np.inf
    for seed in range(20):
        places = elastic.draw(shape, Extreme(seed)).astype("float64")
        jacobian = np.stack([np.stack(np.gradient(p), -1) for p in places], -2)
        smallest = min(smallest, np.linalg.det(jacobian).min())
    assert 0 < smallest < 0.5  # and the draws are bad ones


def test_shifts_stay_below_the_amplitude():
    for seed in range(20):
        found = shifts(RandomElastic(0.05), (64, 100), rng(seed))
        assert (np.abs(found).max((1, 2)) <= (0.05 * 64 + 1e-4, 0.05 * 100 + 1e-4)).all()
        assert np.abs(found).max() > 1
