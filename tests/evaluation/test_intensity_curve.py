import numpy as np
import pytest

from keras_mri_cyclegan.evaluation import IntensityCurve


def pair(levels=16, shape=(3, 24, 20, 1), seed=0):
    """Return images of few grey levels, and noisy truths."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, levels, shape) / (levels - 1) * 2 - 1
    return a.astype("float32"), (np.cos(3 * a) + rng.normal(0, 0.2, shape)).astype("float32")


def squared_error(made, truth):
    return np.mean((made.astype("float64") - truth) ** 2)


def test_is_the_mean_of_each_value():
    a, b = pair()
    expected = np.zeros(a.shape)
    for value in np.unique(a):
        expected[a == value] = b[a == value].astype("float64").mean()
    found = IntensityCurve().fit(a, b)(a)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_no_other_curve_has_a_lower_error():
    a, b = pair(levels=1000)
    curve = IntensityCurve().fit(a, b)
    best = squared_error(curve(a), b)
    for degree in range(1, 12):
        assert best < squared_error(np.polyval(np.polyfit(a.ravel(), b.ravel(), degree), a), b)
    for level in np.unique(curve(a))[::20]:
        for step in (-0.01, 0.01):
            moved = curve(a) + step * (curve(a) == level)
            assert best < squared_error(moved, b)


def test_each_channel_has_its_own():
    a, b = pair(shape=(2, 16, 16, 2))
    both = IntensityCurve().fit(a, b)(a)
    for c in range(2):
        one = IntensityCurve().fit(a[..., c : c + 1], b[..., c : c + 1])(a[..., c : c + 1])
        np.testing.assert_array_equal(both[..., c : c + 1], one)


def test_volumes():
    a, b = pair(shape=(1, 6, 8, 10, 1))
    flat = IntensityCurve().fit(a[0], b[0])(a[0])
    np.testing.assert_array_equal(IntensityCurve().fit(a, b)(a)[0], flat)


def test_mask():
    a, b = pair()
    mask = np.zeros(a.shape, bool)
    mask[1:, 4:20, 3:9] = True
    curve = IntensityCurve().fit(a, b, mask=mask)
    inside = np.where(mask, b, 100)
    np.testing.assert_array_equal(curve(a), IntensityCurve().fit(a, inside, mask=mask)(a))
    whole = IntensityCurve().fit(a, b)(a)
    assert squared_error(curve(a)[mask], b[mask]) < squared_error(whole[mask], b[mask])


def test_values_that_were_not_fitted():
    a = np.array([0.0, 1.0, 4.0]).reshape(1, 3, 1, 1)
    curve = IntensityCurve(bins=4).fit(a, 10 * a)
    asked = np.array([-5.0, 0.5, 1.5, 2.5, 3.5, 9.0]).reshape(1, 6, 1, 1)
    # The third bin is empty: half-way between its neighbours. Outside: the ends.
    np.testing.assert_allclose(curve(asked).ravel(), [0, 0, 10, 25, 40, 40])


def test_constant_images():
    a, b = np.full((1, 4, 4, 1), -1.0), np.full((1, 4, 4, 1), 0.25)
    np.testing.assert_array_equal(IntensityCurve().fit(a, b)(a), b)


def test_wrong_arguments():
    a, b = pair()
    with pytest.raises(ValueError, match="`bins`"):
        IntensityCurve(bins=0)
    with pytest.raises(ValueError, match="same shape"):
        IntensityCurve().fit(a, b[:2])
    with pytest.raises(ValueError, match="`a` must hold floating"):
        IntensityCurve().fit(a.astype(int), b)
    for mask in (np.ones(a.shape), np.ones(a.shape[:-1], bool), np.zeros(a.shape, bool)):
        with pytest.raises(ValueError, match="`mask` must be boolean"):
            IntensityCurve().fit(a, b, mask=mask)
    with pytest.raises(ValueError, match=r"call `fit\(a, b\)`"):
        IntensityCurve()(a)
    with pytest.raises(ValueError, match=r"1 channel\(s\)"):
        IntensityCurve().fit(a, b)(np.repeat(a, 2, axis=-1))
