import importlib

import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.unpaired_curves import SearchEffort, fit_curves

SHORT = SearchEffort(starts=8, finalists=2, first_steps=30, steps=90)


def phantoms(subject, contrast):
    return kmc.datasets.load_phantom(
        (contrast,), slices=12, size=96, subjects=[subject], noise=0.01
    )[0]


@pytest.fixture(scope="module")
def found():
    return fit_curves(phantoms(0, "t1"), phantoms(1, "t2"), searches=1)


def psnr(made, truth):
    return float(np.mean(10 * np.log10(4 / np.mean((made - truth) ** 2, axis=(1, 2, 3)))))


def best_possible(source, truth):
    """Return the mean of the truth for each value of the source: no curve has less error."""
    level = np.rint((source + 1) * 40).astype(int)
    count = np.bincount(level.ravel())
    mean = np.bincount(level.ravel(), truth.ravel()) / np.maximum(count, 1)
    return mean[level]


def applied(curve, images):
    return np.interp(images, np.linspace(-1, 1, len(curve)), curve)


@pytest.mark.slow
@pytest.mark.parametrize(("way", "names"), [("ab", ("t1", "t2")), ("ba", ("t2", "t1"))])
def test_near_the_best_curve_that_pairs_give(found, way, names):
    """On a subject of neither side. One search on so few slices is 2.3 to 3.7 dB below the best."""
    source, truth = (phantoms(2, name) for name in names)
    score = psnr(applied(getattr(found, way), source), truth)
    assert score > psnr(best_possible(source, truth), truth) - 4
    assert score > psnr(source, truth) + 3


@pytest.mark.slow
def test_what_is_returned(found):
    assert found.ab.shape == found.ba.shape == (48,)
    assert found.ab.dtype == found.ba.dtype == np.float32
    assert found.ab[0] == found.ba[0] == -1
    assert np.abs([found.ab, found.ba]).max() <= 1.05
    assert 0 < found.distance_ab < 1
    assert 0 < found.round_trip < 1


@pytest.mark.parametrize(
    ("effort", "tolerance"),
    [(SHORT, 0.15), pytest.param(SearchEffort(), 0.1, marks=pytest.mark.slow)],
)
def test_a_known_curve_is_found(effort, tolerance):
    """B is A through a curve, of other slices: the curve itself has to come back."""
    images, other = (
        kmc.datasets.load_phantom(("t1",), slices=12, size=96, subjects=[subject])[0]
        for subject in (0, 3)
    )
    nodes = np.linspace(-1, 1, 5)
    truth = [-1.0, 0.6, 0.2, -0.1, -0.5]
    mapped = np.interp(images[1::2], nodes, truth).astype("float32")
    found = fit_curves(images[0::2], mapped, searches=1, effort=effort)
    error = np.abs(applied(found.ab, other) - np.interp(other, nodes, truth))
    assert error[other > -0.9].mean() < tolerance


@pytest.mark.parametrize(
    ("distances", "errors", "expected"),
    [
        # About as close: the round trip decides.
        ({0.0: 0.300, 0.1: 0.304}, {0.0: 0.3, 0.1: 0.2}, 0.1),
        # Further away: no round trip makes up for that.
        ({0.0: 0.300, 0.1: 0.320}, {0.0: 0.3, 0.1: 0.2}, 0.0),
    ],
)
def test_of_close_curves_those_that_undo_each_other(monkeypatch, distances, errors, expected):
    module = importlib.import_module("keras_mri_cyclegan.unpaired_curves.fit_curves")
    curves = [np.array([-1.0, end]) for end in distances]
    monkeypatch.setattr(module, "patch_distance", lambda curve, a, b: distances[curve[1]])
    monkeypatch.setattr(module, "_round_trip", lambda ab, ba, a, b: errors[ab[1]])
    found = module._best(curves, curves[:1], [None], [None])
    assert found.ab[1] == expected
    assert found.distance_ab == distances[expected]
    assert found.round_trip == errors[expected]


def test_every_search_counts(monkeypatch):
    module = importlib.import_module("keras_mri_cyclegan.unpaired_curves.fit_curves")
    images = phantoms(0, "t1")
    line = np.linspace(-1, 1, 48)
    guesses = iter([-line, line, -line])

    def search(a, b, rng, effort):
        state = module.descent.begin(next(guesses))
        return [[(0.0, state)], [(0.0, state)]]

    monkeypatch.setattr(module, "_search", search)
    np.testing.assert_allclose(fit_curves(images, images).ab, line, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"a": np.zeros((2, 32, 32))}, "`a`"),
        ({"a": np.zeros((2, 32, 32, 3), "float32")}, "`a` must have shape"),
        ({"b": np.zeros((2, 8, 32, 1), "float32")}, "`b` must have shape.*at least 9"),
        ({"a": np.zeros((2, 8, 32, 32, 1), "float32")}, "`a` must have shape.*slices"),
        ({"b": np.full((2, 32, 32, 1), -1, "float32")}, "`b` must hold pixels above air"),
        ({"a": np.full((2, 32, 32, 1), np.nan, "float32")}, "`a`"),
        ({"seed": -1}, "`seed`"),
        ({"searches": 0}, "`searches`"),
        ({"effort": 24}, "`effort` must be a `SearchEffort`"),
    ],
)
def test_bad_arguments(arguments, message):
    good = np.zeros((2, 32, 32, 1), "float32")
    with pytest.raises(ValueError, match=message):
        fit_curves(**{"a": good, "b": good, **arguments})


@pytest.mark.parametrize(("far", "warned"), [(0.0, True), (np.inf, False)])
def test_curves_that_explain_nothing_are_said(monkeypatch, recwarn, far, warned):
    module = importlib.import_module("keras_mri_cyclegan.unpaired_curves.fit_curves")
    monkeypatch.setattr(module, "FAR", far)
    effort = SearchEffort(starts=2, finalists=1, first_steps=2, steps=4)
    found = fit_curves(phantoms(0, "t1"), phantoms(1, "t2"), searches=1, effort=effort)
    said = [one for one in recwarn if "do not match the contrasts" in str(one.message)]
    assert bool(said) is warned
    assert found.scale > 0
    assert found.margin >= 0


def test_a_quite_different_pair_that_is_as_close_leaves_no_margin(monkeypatch):
    module = importlib.import_module("keras_mri_cyclegan.unpaired_curves.fit_curves")
    line = np.linspace(-1, 1, 48).astype("float32")
    monkeypatch.setattr(module, "patch_distance", lambda *_: 1.0)
    monkeypatch.setattr(module, "_round_trip", lambda *_: 0.0)
    assert module._best([line, -line], [line], [None], [None]).margin == 0
    assert module._best([line, line + 0.01], [line], [None], [None]).margin == np.inf
