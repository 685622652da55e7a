import numpy as np
import pytest
from scipy import stats

from keras_mri_cyclegan.evaluation.bootstrap import DRAWN_AT_ONCE, bootstrap_interval

VALUES = np.random.default_rng(3).gamma(2.0, 3.0, 40)


@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_equals_scipy(confidence):
    expected = stats.bootstrap(
        (VALUES,),
        np.mean,
        n_resamples=20_000,
        confidence_level=confidence,
        method="percentile",
        rng=np.random.default_rng(7),
    ).confidence_interval
    found = bootstrap_interval(VALUES, confidence=confidence, resamples=20_000, seed=1)
    np.testing.assert_allclose(found, expected, atol=0.05)  # the interval is 2 to 3 wide


def test_groups_are_drawn_whole():
    """Against a plain loop over drawn patients."""
    groups = np.array(["a"] * 20 + ["b"] * 5 + ["c"] * 10 + ["d"] * 5)
    values = VALUES + 10 * (groups == "b")
    rng = np.random.default_rng(5)
    means = []
    for _ in range(20_000):
        drawn = rng.choice(["a", "b", "c", "d"], 4)
        means.append(np.concatenate([values[groups == name] for name in drawn]).mean())
    expected = np.quantile(means, [0.025, 0.975])
    found = bootstrap_interval(values, groups=groups, resamples=20_000, seed=2)
    np.testing.assert_allclose(found, expected, atol=0.15)
    alone = bootstrap_interval(values, resamples=2000)
    assert found[1] - found[0] > 1.5 * (alone[1] - alone[0])


def test_a_group_for_each_image_is_no_grouping():
    plain = bootstrap_interval(VALUES, seed=4)
    assert bootstrap_interval(VALUES, seed=4, groups=np.arange(len(VALUES))) == plain


def test_seed():
    assert bootstrap_interval(VALUES, seed=4) == bootstrap_interval(VALUES, seed=4)
    assert bootstrap_interval(VALUES, seed=4) != bootstrap_interval(VALUES, seed=5)


def test_many_values_are_drawn_in_parts():
    values = np.random.default_rng(0).normal(size=DRAWN_AT_ONCE // 4)
    low, high = bootstrap_interval(values, resamples=100)
    error = 1.96 * values.std() / np.sqrt(len(values))
    np.testing.assert_allclose([low, high], values.mean() + np.array([-error, error]), atol=error)


@pytest.mark.parametrize(
    ("values", "arguments"),
    [([1.0], {}), ([], {}), ([1.0, 2.0], {"groups": [1, 1]}), ([1.0, 2.0], {"resamples": 0})],
)
def test_no_interval(values, arguments):
    assert np.isnan(bootstrap_interval(values, **arguments)).all()
