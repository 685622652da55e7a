"""The signal equations and the tissues behind the phantom."""

import math
from itertools import pairwise

import numpy as np
import pytest

from keras_mri_cyclegan.datasets.phantom import (
    CONTRASTS,
    TISSUES,
    Sequence,
    default_sequence,
    inversion_recovery_signal,
    nulling_time,
    spin_echo_signal,
    tissue_properties,
)


def of(contrast, tissue, field_strength):
    t1, t2, pd = tissue_properties(field_strength)[tissue]
    sequence = default_sequence(contrast, field_strength)
    if sequence.ti is None:
        return float(spin_echo_signal(t1, t2, pd, sequence.tr, sequence.te))
    return float(inversion_recovery_signal(t1, t2, pd, sequence.tr, sequence.te, sequence.ti))


@pytest.mark.parametrize(
    ("t1", "t2", "pd", "tr", "te", "expected"),
    [
        # Worked out by hand from exp(-1), exp(-2), ...
        (500, 50, 1.0, 500, 50, 0.6321205588285577 * 0.36787944117144233),
        (1000, 100, 0.5, 2000, 100, 0.5 * 0.8646647167633873 * 0.36787944117144233),
        (800, 40, 0.0, 500, 20, 0.0),
        (0, 0, 0.0, 500, 20, 0.0),
    ],
)
def test_spin_echo(t1, t2, pd, tr, te, expected):
    assert spin_echo_signal(t1, t2, pd, tr, te) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("t1", "t2", "pd"), [(646, 70, 0.77), (1197, 83, 0.86), (4200, 1990, 1)])
@pytest.mark.parametrize("ti", [150.0, 2446.0])
def test_inversion_recovery(t1, t2, pd, ti):
    expected = pd * (1 - 2 * math.exp(-ti / t1) + math.exp(-9000 / t1)) * math.exp(-120 / t2)
    found = inversion_recovery_signal(t1, t2, pd, 9000.0, 120.0, ti)
    assert found == pytest.approx(expected, rel=1e-12)
    assert (found < 0) == (ti < nulling_time(9000.0, t1))


def test_signal_of_arrays():
    t1, t2, pd = np.array([500.0, 0.0]), np.array([50.0, 0.0]), np.array([1.0, 0.0])
    found = spin_echo_signal(t1, t2, pd, 500, 50)
    assert found.shape == (2,)
    assert found[1] == 0


@pytest.mark.parametrize("field_strength", [1.5, 3.0])
@pytest.mark.parametrize(
    ("contrast", "brighter_to_darker"),
    [
        ("t1", ["fat", "white_matter", "caudate", "grey_matter", "csf", "bone"]),
        ("t1", ["white_matter", "lesion"]),
        ("t2", ["csf", "lesion", "grey_matter", "white_matter", "pallidum", "air"]),
        ("t2", ["grey_matter", "thalamus", "caudate", "putamen", "pallidum"]),
        ("pd", ["grey_matter", "white_matter", "csf"]),
        ("flair", ["lesion", "grey_matter", "white_matter", "csf"]),
    ],
)
def test_known_order_of_brightness(contrast, brighter_to_darker, field_strength):
    signals = [of(contrast, tissue, field_strength) for tissue in brighter_to_darker]
    assert all(a > b for a, b in pairwise(signals)), signals


@pytest.mark.parametrize("field_strength", [1.5, 3.0])
def test_flair_suppresses_fluid(field_strength):
    assert abs(of("flair", "csf", field_strength)) < 1e-12
    # A clinical inversion time for FLAIR.
    assert 2000 < default_sequence("flair", field_strength).ti < 2900


@pytest.mark.parametrize("field_strength", [1.5, 3.0])
def test_every_tissue_has_properties(field_strength):
    properties = tissue_properties(field_strength)
    assert tuple(properties) == TISSUES
    for name, tissue in properties.items():
        if name in ("air", "bone"):
            assert tissue == (0, 0, 0)
        else:
            assert 0 < tissue.t2 < tissue.t1
            assert 0 < tissue.pd <= 1


def test_t1_grows_and_t2_shrinks_with_the_field():
    low, high = tissue_properties(1.5), tissue_properties(3.0)
    for name in ("grey_matter", "white_matter", "caudate", "putamen", "thalamus", "lesion"):
        assert high[name].t1 > low[name].t1
        assert 0.75 < high[name].t2 / low[name].t2 < 0.9


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_default_sequences_differ_between_fields(contrast):
    assert default_sequence(contrast, 1.5) != default_sequence(contrast, 3.0)


@pytest.mark.parametrize(
    ("times", "named"),
    [
        ({"tr": 0, "te": 10}, "tr"),
        ({"tr": 500, "te": -1}, "te"),
        ({"tr": 500, "te": 500}, "te"),
        ({"tr": 500, "te": float("nan")}, "te"),
        ({"tr": 500, "te": "10"}, "te"),
        ({"tr": 500, "te": True}, "te"),
        ({"tr": 500, "te": 10, "ti": 600}, "ti"),
        ({"tr": float("inf"), "te": 10}, "tr"),
    ],
)
def test_impossible_sequences(times, named):
    with pytest.raises(ValueError, match=rf"`{named}` of a sequence .*Received"):
        Sequence(**times)


@pytest.mark.parametrize("field_strength", [0, 2, 7.0, "1.5", True, None])
def test_unknown_field_strength(field_strength):
    with pytest.raises(ValueError, match="`field_strength` must be"):
        tissue_properties(field_strength)
