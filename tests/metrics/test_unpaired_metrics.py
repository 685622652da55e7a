"""Metrics that need no pairs, against known movements, SciPy and a formula."""

import keras
import numpy as np
import pytest
from scipy.linalg import sqrtm
from scipy.ndimage import map_coordinates
from scipy.stats import wasserstein_distance

from keras_mri_cyclegan.datasets import load_phantom
from keras_mri_cyclegan.metrics import (
    displacement,
    displacement_field,
    fid,
    histogram_distance,
    kid,
)


@pytest.fixture(scope="module")
def phantoms():
    return load_phantom(slices=2, size=128)


@pytest.fixture(scope="module", params=["t1 to t2", "t2 to t1"])
def contrasts(phantoms, request):
    return phantoms if request.param == "t1 to t2" else phantoms[::-1]


def test_true_pairs_have_not_moved(contrasts):
    source, translated = contrasts
    assert (displacement(source, translated) < 0.1).all()
    assert (displacement(source, translated, quantile=0.9) < 0.2).all()


@pytest.mark.parametrize("change", [lambda x: -x, lambda x: 7 * x + 100, lambda x: x / 50])
def test_inversion_and_strength_do_not_matter(phantoms, change):
    source, translated = phantoms
    moved = np.roll(translated, (1, 2), (1, 2))
    expected = displacement(source, moved)
    np.testing.assert_allclose(displacement(source, change(moved)), expected, atol=0.02)
    assert (displacement(source, change(source)) < 0.05).all()


@pytest.mark.parametrize("shift", [(0, 1), (2, 0), (0, -3), (-2, 2)], ids=str)
def test_known_shifts(contrasts, shift):
    source, translated = contrasts
    moved = np.roll(translated, shift, (1, 2))
    np.testing.assert_allclose(displacement(source, moved), np.hypot(*shift), atol=0.1)
    vectors, weights = displacement_field(source, moved)
    assert vectors.shape == (2, 13, 13, 2)
    assert weights.shape == (2, 13, 13)
    weights = np.stack([weights, weights], -1)
    np.testing.assert_allclose(np.average(vectors, (0, 1, 2), weights), shift, atol=0.15)


def outwards(images, move):
    """Every pixel moved away from the centre by `move(distance)`, and the movement."""
    size = images.shape[1]
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    radius = np.hypot(y, x) + 1e-9
    field = move(radius) * np.stack([y, x]) / radius
    where = np.mgrid[:size, :size] - field
    warped = [map_coordinates(image[..., 0], where, order=3, mode="nearest") for image in images]
    return np.stack(warped)[..., None].astype("float32"), field


def test_half_a_pixel(contrasts):
    source, translated = contrasts
    size = source.shape[1]
    where = np.mgrid[:size, :size] - np.array([0.5, 1.5])[:, None, None]
    moved = np.stack([map_coordinates(i[..., 0], where, order=3) for i in translated])[..., None]
    np.testing.assert_allclose(displacement(source, moved), np.hypot(0.5, 1.5), atol=0.15)


@pytest.mark.parametrize("amount", [1.5, 3.0])
@pytest.mark.parametrize("kind", ["everywhere", "ring"])
def test_radial_expansion(contrasts, amount, kind):
    source, translated = contrasts

    def move(radius):
        if kind == "everywhere":
            return amount * radius / 50
        return amount * np.exp(-(((radius - 28) / 15) ** 2))

    moved, field = outwards(translated, move)
    vectors, weights = displacement_field(source, moved)
    centres = 8 * np.arange(13) + 15.5
    blocks = [
        [field[:, int(i) - 8 : int(i) + 8, int(j) - 8 : int(j) + 8] for j in centres]
        for i in centres
    ]
    expected = np.array([[block.mean((1, 2)) for block in row] for row in blocks])
    heavy = weights > np.median(weights)
    errors = np.linalg.norm(vectors - expected, axis=-1)[heavy]
    assert np.median(errors) < 0.15 + 0.15 * amount  # a block sees several movements at once
    lengths = np.broadcast_to(np.linalg.norm(expected, axis=-1), weights.shape)
    for image in range(2):
        order = np.argsort(lengths[image], axis=None)
        reached = np.cumsum(weights[image].ravel()[order])
        median = lengths[image].ravel()[order][np.searchsorted(reached, reached[-1] / 2)]
        assert displacement(source, moved)[image] == pytest.approx(median, abs=0.3)


def test_a_local_movement_shows_in_a_high_quantile(phantoms):
    source, translated = phantoms
    moved = translated.copy()
    moved[:, 76:, 20:108] = np.roll(translated, 3, 2)[:, 76:, 20:108]
    assert (displacement(source, moved) < 0.5).all()
    assert (displacement(source, moved, quantile=0.9) > 2).all()


def test_noise_is_not_in_place(phantoms):
    noise = np.random.default_rng(0).normal(size=phantoms[0].shape).astype("float32")
    assert (displacement(phantoms[0], noise) > 2).all()


def test_volumes_and_channels():
    source = np.random.default_rng(0).normal(size=(1, 12, 20, 24, 2)).astype("float32")
    for axis in (1, 2, 3):
        source = source + np.roll(source, 1, axis)
    moved = -np.roll(source, (1, 0, -2), (1, 2, 3))
    vectors, _ = displacement_field(source, moved, max_shift=2)
    assert vectors.shape[-1] == 3
    np.testing.assert_allclose(np.median(vectors, (0, 1, 2, 3)), [1, 0, -2], atol=0.15)
    np.testing.assert_allclose(displacement(source, moved, max_shift=2), 5**0.5, atol=0.15)


def test_no_edges_is_not_a_number(phantoms):
    flat = np.full_like(phantoms[0], 0.3)
    assert np.isnan(displacement(phantoms[0], flat)).all()
    assert np.isnan(displacement(flat, phantoms[0])).all()


def test_wrong_arguments_of_displacement():
    image = np.zeros((1, 16, 16, 1), "float32")
    with pytest.raises(ValueError, match="the same shape"):
        displacement(image, image[:, :12])
    with pytest.raises(ValueError, match="at least 17 pixels"):
        displacement(image, image, max_shift=8)
    with pytest.raises(ValueError, match="`max_shift` must be"):
        displacement(image, image, max_shift=0)
    with pytest.raises(ValueError, match="`quantile` must be"):
        displacement(image, image, quantile=1.5)
    with pytest.raises(ValueError, match="`translated` holds 1 values"):
        displacement(image, np.where(np.arange(16) == 3, np.nan, image[..., 0])[..., None][:, :1])


def samples():
    generator = np.random.default_rng(0)
    return generator.normal(size=(5, 16, 16, 1)), generator.gamma(2, 0.7, size=(7, 12, 12, 1))


@pytest.mark.parametrize("bins", [64, 1024])
def test_histogram_distance_equals_scipy(bins):
    a, b = samples()
    width = (max(a.max(), b.max()) - min(a.min(), b.min())) / bins
    expected = wasserstein_distance(a.ravel(), b.ravel())
    assert histogram_distance(a, b, bins=bins) == pytest.approx(expected, abs=width)
    # The same histograms, bins at their centres: the same number.
    low, high = min(a.min(), b.min()), max(a.max(), b.max())
    counts = [np.histogram(x, bins, (low, high))[0] for x in (a, b)]
    expected = wasserstein_distance(range(bins), range(bins), *counts) * width
    assert histogram_distance(a, b, bins) == pytest.approx(expected, rel=1e-6)


def test_histogram_distance_of_equal_and_constant_sets():
    a, _ = samples()
    assert histogram_distance(a, a[::-1]) == 0
    assert histogram_distance(np.ones(3), np.ones((2, 2))) == 0
    assert histogram_distance(np.zeros(3), np.ones(5), bins=100) == pytest.approx(1, abs=0.011)
    assert histogram_distance(a, a + 0.5) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize("wrong", [[], [np.nan], [1j], ["a"], [True]])
def test_wrong_sets_of_intensities(wrong):
    for arguments in ((wrong, [1.0]), ([1.0], wrong)):
        with pytest.raises(ValueError, match="must hold finite real numbers"):
            histogram_distance(*arguments)


def flat(images):
    return images.reshape(len(images), -1)


def test_kid_equals_the_formula():
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(5, 3, 2)), generator.normal(size=(4, 3, 2)) + 0.5
    x, y = flat(a), flat(b)

    def kernel(u, v):
        return (float(np.dot(u, v)) / 6 + 1) ** 3

    def mean(values):
        values = list(values)
        return sum(values) / len(values)

    expected = (
        mean(kernel(x[i], x[j]) for i in range(5) for j in range(5) if i != j)
        + mean(kernel(y[i], y[j]) for i in range(4) for j in range(4) if i != j)
        - 2 * mean(kernel(u, v) for u in x for v in y)
    )
    assert kid(a, b, flat) == pytest.approx(expected, rel=1e-9)


def test_kid_is_unbiased():
    generator = np.random.default_rng(0)
    values = [kid(*generator.normal(size=(2, 6, 4)), flat) for _ in range(400)]
    assert abs(np.mean(values)) < 3 * np.std(values) / 20
    assert min(values) < 0


@pytest.mark.parametrize("counts", [(300, 200), (20, 30), (4, 5), (2, 200)], ids=str)
def test_fid_equals_the_formula(counts):
    """Also with fewer images than features, where covariances have no full rank."""
    generator = np.random.default_rng(0)
    mixing = generator.normal(size=(12, 12))
    a = (generator.normal(size=(counts[0], 12)) @ mixing).reshape(-1, 4, 3)
    b = generator.gamma(2, size=(counts[1], 4, 3))
    x, y = flat(a), flat(b)
    covariances = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    overlap = sqrtm(covariances[0] @ covariances[1]).real
    expected = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(sum(covariances) - 2 * overlap)
    assert fid(a, b, flat) == pytest.approx(expected, rel=1e-5)
    assert fid(b, a, flat) == pytest.approx(fid(a, b, flat), rel=1e-9)


def test_fid_of_equal_and_of_moved_sets():
    generator = np.random.default_rng(0)
    a = generator.normal(size=(50, 8))
    assert fid(a, a[::-1], flat) == pytest.approx(0, abs=1e-9)
    assert fid(a, a + 0.5, flat) == pytest.approx(8 * 0.25)
    # Half of the spread: each of the 8 standard deviations counts with the square of what it lost.
    expected = 0.25 * a.var(axis=0, ddof=1).sum() + 0.25 * (a.mean(axis=0) ** 2).sum()
    assert fid(a, a / 2, flat) == pytest.approx(expected)


@pytest.mark.parametrize("distance", [fid, kid])
def test_a_network_gives_features(distance):
    generator = np.random.default_rng(0)
    a, b = generator.normal(size=(2, 6, 8, 8, 1)).astype("float32")
    network = keras.Sequential(
        [keras.Input((8, 8, 1)), keras.layers.Conv2D(3, 3), keras.layers.GlobalAveragePooling2D()]
    )
    features = [network.predict(images, verbose=0) for images in (a, b)]
    expected = distance(*features, lambda x: x)
    assert distance(a, b, network) == pytest.approx(expected, rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("distance", [fid, kid])
def test_wrong_features(distance):
    images = np.zeros((3, 4, 4, 1))
    with pytest.raises(ValueError, match="`features` must be callable"):
        distance(images, images, "inception")
    with pytest.raises(ValueError, match="at least 2 images"):
        distance(images[:1], images, flat)
    with pytest.raises(ValueError, match="finite numbers of shape"):
        distance(images, images, lambda x: x)
    with pytest.raises(ValueError, match="as many numbers"):
        distance(images, images[:, :2], flat)
