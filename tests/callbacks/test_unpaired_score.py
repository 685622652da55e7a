import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.callbacks.unpaired_score import UnpairedScore

T1, T2 = kmc.datasets.load_phantom(("t1", "t2"), slices=6, size=64, noise=0.01)
OTHER_T1, OTHER_T2 = kmc.datasets.load_phantom(
    ("t1", "t2"), slices=6, size=64, noise=0.01, subjects=[1]
)
PARTS = {
    f"{kind}_{way}"
    for kind, ways in (("displacement", "ab ba"), ("cycle_error", "a b"), ("histogram", "ab ba"))
    for way in ways.split()
}


def known(pairs):
    """A function from each image that is on the left of a pair to the one on the right."""
    table = {x.tobytes(): y for left, right in pairs for x, y in zip(left, right, strict=True)}
    return lambda images: np.stack([table[image.tobytes()] for image in images])


def scored(change=lambda x: x, back=lambda x: x):
    """Score the true translations after `change`, which `back` takes back."""
    there = known([(T1, T2), (OTHER_T1, OTHER_T2)])
    home = known([(T2, T1), (OTHER_T2, OTHER_T1)])

    def ways(direction):
        known_way, first = {"ab": (there, T1), "ba": (home, OTHER_T2)}[direction]

        def translate(images):
            is_first = np.array_equal(images, first)
            return change(known_way(images)) if is_first else known_way(back(images))

        return translate

    return UnpairedScore(T1, OTHER_T2)(ways)


def test_truth_is_better_than_anything_else():
    truth = scored()
    assert set(truth) == {"score", *PARTS}
    assert truth["displacement_ab"] < 0.2 > truth["displacement_ba"]
    assert truth["cycle_error_a"] == truth["cycle_error_b"] == 0
    copy = UnpairedScore(T1, OTHER_T2)(lambda way: lambda x: x)
    moved = scored(lambda x: np.roll(x, 2, axis=1), lambda x: np.roll(x, -2, axis=1))
    curve = scored(lambda x: -x, lambda x: -x)  # contrast wrong, everything in place
    flat = UnpairedScore(T1, OTHER_T2)(lambda way: lambda x: np.zeros_like(x))
    assert truth["score"] < 3
    assert copy["score"] == pytest.approx(10, rel=0.01)
    assert moved["score"] == pytest.approx(truth["score"] + 4, abs=0.8)
    assert curve["score"] > truth["score"] + 3
    assert flat["score"] > copy["score"]


def test_numbers_are_those_of_the_metrics():
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.1, T1.shape).astype("float32")
    found = UnpairedScore(T1, OTHER_T2)(lambda way: lambda x: x + noise)
    assert found["histogram_ab"] == pytest.approx(
        kmc.metrics.histogram_distance(T1 + noise, OTHER_T2)
    )
    assert found["histogram_ba"] == pytest.approx(
        kmc.metrics.histogram_distance(OTHER_T2 + noise, T1)
    )
    assert found["cycle_error_a"] == pytest.approx(np.abs(2 * noise).mean(), rel=1e-4)
    moved = np.median(kmc.metrics.displacement(OTHER_T2, OTHER_T2 + noise))
    assert found["displacement_ba"] == pytest.approx(moved)
    # The sum, with "good" written out.
    total = (found["displacement_ab"] + found["displacement_ba"]) / 0.5
    apart = kmc.metrics.histogram_distance(T1, OTHER_T2)
    for images, cycle, way in (
        (T1, found["cycle_error_a"], "ba"),
        (OTHER_T2, found["cycle_error_b"], "ab"),
    ):
        spread = np.abs(images - np.median(images)).mean()
        splits = np.random.default_rng(0)
        orders = [splits.permutation(6) for _ in range(16)]
        halves = [kmc.metrics.histogram_distance(images[o[:3]], images[o[3:]]) for o in orders]
        total += cycle / (0.1 * spread)
        total += found[f"histogram_{way}"] / (0.1 * max(np.mean(halves), apart))
    assert found["score"] == pytest.approx(total / 2, rel=1e-4)


def test_the_unit_of_intensity_does_not_matter():
    one = UnpairedScore(T1, OTHER_T2)(lambda way: lambda x: 0.9 * x)
    half = UnpairedScore(T1 / 2, OTHER_T2 / 2)(lambda way: lambda x: 0.9 * x)
    assert half["score"] == pytest.approx(one["score"], rel=0.02)


def test_translations_that_are_not_finite():
    found = UnpairedScore(T1, OTHER_T2)(lambda way: lambda x: x * np.nan)
    assert found["score"] == np.inf
    assert all(np.isnan(found[name]) for name in PARTS)


def test_a_translation_without_edges_has_lost_its_anatomy():
    found = UnpairedScore(T1, OTHER_T2, max_shift=3)(lambda way: lambda x: 0 * x)
    assert found["displacement_ab"] == found["displacement_ba"] == 3


def test_slices_of_air_are_left_out():
    air = np.full_like(T1[:1], -1)
    with_air = UnpairedScore(np.concatenate([air, air, air, T1[:2]]), OTHER_T2)
    found = with_air(lambda way: lambda x: np.roll(x, 1, axis=2))
    assert found["displacement_ab"] == pytest.approx(1, abs=0.2)
    with pytest.raises(ValueError, match="`b` holds no image with an edge"):
        UnpairedScore(T1, air)
