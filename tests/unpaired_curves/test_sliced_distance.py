import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from keras_mri_cyclegan.unpaired_curves import curve as curves
from keras_mri_cyclegan.unpaired_curves.patches import SHAPES, Shape, draw_patches, smallest_size
from keras_mri_cyclegan.unpaired_curves.sliced_distance import sliced_distance

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(-1, 1, (3, 40, 48)).astype("float32")
LINE = np.linspace(-1, 1, 48).astype("float32")


def test_the_curve_agrees_with_numpy():
    values, curve = RNG.uniform(-1.1, 1.1, 200), RNG.normal(size=9)
    found = curves.apply(curve, *curves.locate(values, 9))
    np.testing.assert_allclose(found, np.interp(values, np.linspace(-1, 1, 9), curve), atol=1e-6)


def test_one_direction_is_scipys_distance():
    """Single values at one place, along one direction: the Wasserstein distance on a line."""
    shape = Shape(1, 1)
    source = draw_patches(IMAGES, shape, 500, np.random.default_rng(1))
    target = draw_patches(IMAGES**2, shape, 500, np.random.default_rng(2))
    source, target = (side._replace(places=np.zeros_like(side.places)) for side in (source, target))
    found, _ = sliced_distance(LINE, source, target, 400, 1, np.random.default_rng(3))
    rng = np.random.default_rng(3)
    ours, theirs = (
        source.values[rng.integers(0, 500, 400)],
        target.values[rng.integers(0, 500, 400)],
    )
    assert found == pytest.approx(wasserstein_distance(ours.ravel(), theirs.ravel()), rel=1e-4)


def test_the_gradient_is_that_of_small_differences():
    curve = np.linspace(-0.8, 0.7, 6).astype("float64") ** 3
    source = draw_patches(IMAGES, Shape(3, 2), 300, np.random.default_rng(1))
    target = draw_patches(-IMAGES, Shape(3, 2), 300, np.random.default_rng(2))

    def distance(curve):
        return sliced_distance(curve, source, target, 200, 8, np.random.default_rng(3))

    _, gradient = distance(curve)
    step = 1e-5
    for node in range(6):
        move = np.eye(6)[node] * step
        expected = (distance(curve + move)[0] - distance(curve - move)[0]) / (2 * step)
        assert gradient[node] == pytest.approx(expected, rel=0.05, abs=2e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_patches_are_pieces_of_the_images(shape):
    images = np.arange(2 * 40 * 48, dtype="float32").reshape(2, 40, 48)  # each value at one place
    patches = draw_patches(images, shape, 50, np.random.default_rng(0))
    assert patches.values.shape == (50, shape.side**2)
    number, row, column = np.unravel_index(patches.values.astype(int), images.shape)
    assert (number == number[:, :1]).all()
    rows, columns = row.reshape(50, shape.side, -1), column.reshape(50, shape.side, -1)
    assert (np.diff(rows, axis=1) == shape.step).all()
    assert (np.diff(columns, axis=2) == shape.step).all()
    middle = shape.side // 2
    np.testing.assert_allclose(patches.places[:, 0], rows[:, middle, middle] / 40 - 0.5, atol=1e-6)
    np.testing.assert_allclose(
        patches.places[:, 1], columns[:, middle, middle] / 48 - 0.5, atol=1e-6
    )


def test_the_smallest_image_holds_every_patch():
    size = smallest_size()
    for shape in SHAPES:
        draw_patches(np.zeros((1, size, size), "float32"), shape, 20, np.random.default_rng(0))
    assert size == 9
