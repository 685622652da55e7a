import numpy as np
import pytest
from phantoms import rng

from keras_mri_cyclegan.data import RandomBiasField


@pytest.mark.parametrize("shape", [(20, 30), (6, 8, 10)])
@pytest.mark.parametrize("order", [1, 3])
def test_the_log_of_the_field_is_a_polynomial_within_its_strength(shape, order):
    strengths = []
    for seed in range(20):
        log = np.log(RandomBiasField(0.5, order).draw(shape, rng(seed)).astype("float64"))
        strengths.append(np.abs(log).max())
        places = [(np.arange(n) + 0.5) / n * 2 - 1 for n in shape]
        places = [grid.ravel() for grid in np.meshgrid(*places, indexing="ij")]
        powers = [p for p in np.ndindex(*[order + 1] * len(shape)) if sum(p) <= order]
        terms = np.stack(
            [np.prod([x**n for x, n in zip(places, p, strict=True)], 0) for p in powers], -1
        )
        fitted = terms @ np.linalg.lstsq(terms, log.ravel(), rcond=None)[0]
        np.testing.assert_allclose(log.ravel(), fitted, atol=1e-5)
    assert 0.3 < max(strengths) <= 0.5
    assert min(strengths) < 0.2


@pytest.mark.parametrize("shape", [(20, 30, 2), (6, 8, 10, 1)])
def test_the_image_is_multiplied_and_its_total_kept(shape):
    x = rng(7).uniform(-1, 0, shape).astype("float32")  # far from 1, where it would saturate
    bias = RandomBiasField(0.4)
    shaded = bias(x, rng(3)).astype("float64")
    before = (x.astype("float64") + 1) / 2
    after = before * bias.draw(shape[:-1], rng(3))[..., None]
    after *= before.sum() / after.sum()
    np.testing.assert_allclose(shaded, 2 * after - 1, atol=1e-5)
    assert (shaded + 1).sum() == pytest.approx((x + 1).sum(), rel=1e-5)


def test_air_stays_air_and_nothing_leaves_the_range():
    x = np.ones((32, 32, 1), "float32")
    x[:10] = -1
    shaded = RandomBiasField(0.9)(x, rng(0))
    assert (shaded[:10] == -1).all()
    assert shaded.max() == 1
    assert shaded[10:].min() > -1
    np.testing.assert_array_equal(RandomBiasField()(x * 0 - 1, rng(0)), x * 0 - 1)


def test_no_strength_changes_nothing():
    x = rng(7).uniform(-1, 1, (9, 8, 1)).astype("float32")
    np.testing.assert_allclose(RandomBiasField(0)(x, rng()), x, atol=1e-6)
    one_pixel = np.zeros((1, 1, 1), "float32")  # whose polynomial is 0
    np.testing.assert_allclose(RandomBiasField(order=1)(one_pixel, rng()), one_pixel, atol=1e-6)
