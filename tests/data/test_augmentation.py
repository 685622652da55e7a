import numpy as np
import pytest
from phantoms import image, rng

from keras_mri_cyclegan.data import RandomFlip, RandomTranslation


@pytest.mark.parametrize(
    ("axis", "shape", "expected"),
    [
        ("width", (4, 5, 2), lambda x: x[:, ::-1]),
        ("height", (4, 5, 2), lambda x: x[::-1]),
        ("width", (3, 4, 5, 2), lambda x: x[:, :, ::-1]),
        ("height", (3, 4, 5, 2), lambda x: x[:, ::-1]),
        ("depth", (3, 4, 5, 2), lambda x: x[::-1]),
    ],
)
def test_flip_mirrors_its_axis_alone(axis, shape, expected):
    x = image(*shape)
    before = x.copy()
    flipped = RandomFlip(axis, probability=1)(x, rng())
    np.testing.assert_array_equal(flipped, expected(before))
    assert flipped.dtype == np.float32
    flipped[:] = 0  # what is returned is not a view of what was given
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(RandomFlip(axis, probability=0)(x, rng()), before)


def test_flip_follows_its_probability():
    x, generator, flip = image(1, 4, 1), rng(1), RandomFlip(probability=0.25)
    share = np.mean([not np.array_equal(flip(x, generator), x) for _ in range(2000)])
    assert abs(share - 0.25) < 0.04  # four standard deviations


def brute_force_shift(x, shift, fill):
    """Every pixel one by one, the independent reference."""
    out = np.full_like(x, fill)
    for index in np.ndindex(*x.shape[:-1]):
        source = tuple(i - s for i, s in zip(index, shift, strict=True))
        if all(0 <= i < n for i, n in zip(source, x.shape, strict=False)):
            out[index] = x[source]
    return out


@pytest.mark.parametrize("shape", [(10, 7, 2), (5, 6, 8, 1)])
@pytest.mark.parametrize(("fraction", "fill"), [(0.3, -1.0), (0.9, 0.5)])
def test_translation_is_one_shift_within_its_limits(shape, fraction, fill):
    x = image(*shape)
    limits = [int(fraction * size) for size in shape[:-1]]
    augment, generator = RandomTranslation(fraction, fill), rng(3)
    for _ in range(5):
        shifted = augment(x, generator)
        # One pixel that stayed in tells the shift; then all pixels are compared.
        where = np.argwhere((shifted != np.float32(fill)).all(-1))[0]
        source = np.argwhere((x == shifted[tuple(where)]).all(-1))[0]
        shift = where - source
        assert (np.abs(shift) <= limits).all()
        np.testing.assert_array_equal(shifted, brute_force_shift(x, shift, fill))


def test_translation_reaches_every_shift_equally_often():
    x = np.arange(1, 11, dtype="float32").reshape(1, 10, 1) / 10
    augment, generator = RandomTranslation(0.2), rng(5)
    counts = dict.fromkeys(range(-2, 3), 0)
    for _ in range(2000):
        shifted = augment(x, generator)[0, :, 0]
        # Column 5 always stays in: it holds x[5 - shift].
        counts[5 - int(np.argmin(np.abs(x[0, :, 0] - shifted[5])))] += 1
    assert all(abs(count - 400) < 80 for count in counts.values()), counts


def test_flip_of_an_axis_that_is_not_there():
    with pytest.raises(ValueError, match=r"needs a volume.*\(4, 5, 1\)"):
        RandomFlip("depth")(image(4, 5, 1), rng())
