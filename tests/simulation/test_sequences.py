"""The signal equations, by hand and against a simulation of every pulse."""

import math

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import (
    CONTRASTS,
    MPRAGE,
    InversionRecovery,
    SpinEcho,
    SpoiledGradientEcho,
    TurboSpinEcho,
    draw_sequence,
    effective_t2,
    nulling_time,
    tissue_properties,
)

TISSUE = [(646, 70, 0.77), (1197, 83, 0.86), (4200, 1990, 0.98), (342.5, 70, 0.8)]


@pytest.mark.parametrize(("t1", "t2", "pd"), TISSUE)
def test_equations(t1, t2, pd):
    e = math.exp
    found = SpinEcho(600, 12).signal(t1, t2, pd)
    assert found == pytest.approx(pd * (1 - e(-600 / t1)) * e(-12 / t2), rel=1e-12)
    found = TurboSpinEcho(4000, 100, train=200).signal(t1, t2, pd)
    assert found == pytest.approx(pd * (1 - e(-3800 / t1)) * e(-100 / t2), rel=1e-12)
    found = InversionRecovery(9000, 120, 2400, train=300).signal(t1, t2, pd)
    expected = pd * (1 - 2 * e(-2400 / t1) + e(-8700 / t1)) * e(-120 / t2)
    assert found == pytest.approx(expected, rel=1e-12)
    found = SpoiledGradientEcho(20, 5, 25).signal(t1, t2, pd)
    sine, cosine = math.sin(math.radians(25)), math.cos(math.radians(25))
    expected = pd * sine * (1 - e(-20 / t1)) / (1 - cosine * e(-20 / t1)) * e(-5 / t2)
    assert found == pytest.approx(expected, rel=1e-12)


def pulse_by_pulse(s, t1):
    """Transverse magnetisation in the middle of the train, after many inversions."""
    half = s.echoes // 2
    m, middle = 1.0, None
    for _ in range(30):
        m = -m
        m = 1 - (1 - m) * math.exp(-(s.ti - s.echoes * s.echo_spacing / 2) / t1)
        for echo in range(s.echoes):
            if echo == half:
                middle = m * math.sin(math.radians(s.flip_angle))
            m *= math.cos(math.radians(s.flip_angle))
            m = 1 - (1 - m) * math.exp(-s.echo_spacing / t1)
        rest = s.tr - s.ti - s.echoes * s.echo_spacing / 2
        m = 1 - (1 - m) * math.exp(-rest / t1)
    return middle


@pytest.mark.parametrize(("t1", "t2", "pd"), TISSUE)
def test_mprage_pulse_by_pulse(t1, t2, pd):
    s = MPRAGE(2000, 3, 900, flip_angle=10, echo_spacing=7, echoes=180)
    expected = pd * pulse_by_pulse(s, t1) * math.exp(-3 / t2)
    assert s.signal(t1, t2, pd) == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_spoiled_gradient_echo_is_strongest_at_the_ernst_angle():
    angle = math.degrees(math.acos(math.exp(-20 / 800)))
    signals = [
        SpoiledGradientEcho(20, 4, a).signal(800, 60, 1) for a in (angle - 1, angle, angle + 1)
    ]
    assert signals[1] == max(signals)


def test_no_protons_no_signal():
    for s in (SpinEcho(500, 10), MPRAGE(2000, 3, 900), SpoiledGradientEcho(20, 4, 20)):
        found = s.signal([0, 800], [0, 70], [0, 1])
        assert found.dtype == np.float64
        assert found[0] == 0 < found[1]


@pytest.mark.parametrize("train", [0, 250])
def test_nulled_fluid(train):
    s = InversionRecovery(9000, 120, nulling_time(9000 - train, 4200), train=train)
    assert abs(s.signal(4200, 1990, 1)) < 1e-12


def test_fat_alone_is_suppressed_and_gradient_echoes_decay_with_t2_star():
    tissues = tissue_properties(3.0)
    plain, suppressed = SpinEcho(500, 10), SpinEcho(500, 10, fat=0.1)
    a, b = plain.tissue_signals(tissues, 3.0), suppressed.tissue_signals(tissues, 3.0)
    for name in tissues:
        assert b[name] == pytest.approx(a[name] * (0.1 if name in ("fat", "marrow") else 1))
    flash = SpoiledGradientEcho(20, 8, 20)
    found = flash.tissue_signals(tissues, 3.0)["grey_matter"]
    grey = tissues["grey_matter"]
    assert found == pytest.approx(
        float(flash.signal(grey.t1, effective_t2(3.0)["grey_matter"], 0.86))
    )


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: SpinEcho(0, 10), "`tr` of SpinEcho"),
        (lambda: SpinEcho(500, 500), "`te` of SpinEcho"),
        (lambda: SpinEcho(500, "10"), "`te` of SpinEcho"),
        (lambda: SpinEcho(500, True), "`te` of SpinEcho"),
        (lambda: SpinEcho(500, 10, fat=-1), "`fat` of SpinEcho"),
        (lambda: TurboSpinEcho(500, 90, train=600), "`train` of TurboSpinEcho"),
        (lambda: InversionRecovery(3000, 90, 2900, train=200), "`ti` of InversionRecovery"),
        (lambda: SpoiledGradientEcho(20, 5, 91), "`flip_angle`"),
        (lambda: MPRAGE(2000, 3, 500), "The train of MPRAGE"),
        (lambda: MPRAGE(2000, 3, float("nan")), "`ti` of MPRAGE"),
        (lambda: draw_sequence("t3", np.random.default_rng(0)), "`contrast`"),
        (lambda: draw_sequence("t1", np.random.default_rng(0), 9.0), "`field_strength`"),
    ],
)
def test_impossible_sequences(make, named):
    with pytest.raises(ValueError, match=named):
        make()


ORDERS = {
    "t1_se": ("white_matter", "grey_matter", "csf"),
    "t1_gre": ("white_matter", "grey_matter", "csf"),
    "mprage": ("white_matter", "grey_matter"),
    "t2": ("csf", "grey_matter", "white_matter", "pallidum"),
    "flair": ("lesion", "grey_matter", "csf"),
    "pd": ("grey_matter", "white_matter"),
}


@pytest.mark.parametrize("field", [0.5, 1.5, 3.0, 7.0])
@pytest.mark.parametrize("contrast", ORDERS)
def test_known_order_of_brightness_in_drawn_sequences(contrast, field):
    rng = np.random.default_rng(1)
    tissues = tissue_properties(field)
    for _ in range(30):
        for name in (contrast, f"{contrast}_fs"):
            found = draw_sequence(name, rng, field).tissue_signals(tissues, field)
            signals = [abs(found[tissue]) for tissue in ORDERS[contrast]]
            assert signals == sorted(signals, reverse=True), (name, found)


@pytest.mark.parametrize("field", [1.5, 3.0])
def test_fluid_is_darkest_in_flair(field):
    rng = np.random.default_rng(2)
    for _ in range(30):
        found = draw_sequence("flair", rng, field).tissue_signals(tissue_properties(field), field)
        brain = ("white_matter", "grey_matter", "thalamus", "lesion", "tumour", "caudate")
        assert abs(found["csf"]) < 0.5 * min(found[name] for name in brain)


@pytest.mark.parametrize("contrast", CONTRASTS)
def test_drawn_sequences_depend_on_the_generator_only(contrast):
    one, two, other = (draw_sequence(contrast, np.random.default_rng(k), 3.0) for k in (5, 5, 6))
    assert one == two != other
    drawn = [draw_sequence(contrast, np.random.default_rng(k)) for k in range(60)]
    suppressed = np.mean([sequence.fat < 0.5 for sequence in drawn])
    expected = 0.8 if contrast == "flair" else float(contrast.endswith("_fs"))
    assert suppressed == pytest.approx(expected, abs=0.2 if contrast == "flair" else 0)
