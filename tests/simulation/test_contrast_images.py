"""Images from tissue maps against sums in float64."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import (
    TISSUES,
    InversionRecovery,
    SpinEcho,
    SpoiledGradientEcho,
    TissueIntensities,
    contrast_images,
    draw_gains,
    draw_tissues,
    tissue_properties,
)

SEQUENCES = [SpinEcho(500, 12), InversionRecovery(9000, 120, 600), SpoiledGradientEcho(20, 5, 20)]


def mixed(shape=(6, 7)):
    maps = np.random.default_rng(0).random((len(TISSUES), *shape)).astype("float32")
    maps[TISSUES.index("soft_tissue")] = 0
    return maps / maps.sum(axis=0)


@pytest.mark.parametrize("shape", [(6, 7), (3, 6, 7)])
def test_sum_of_signed_signals_then_magnitude(shape):
    maps, tissues = mixed(shape), tissue_properties(3.0)
    found = contrast_images(maps, SEQUENCES, tissues, 3.0)
    assert found.shape == (3, *shape)
    assert found.dtype == np.float32
    for image, sequence in zip(found, SEQUENCES, strict=True):
        signals = sequence.tissue_signals(tissues, 3.0)
        expected = sum(maps[TISSUES.index(n)].astype("float64") * s for n, s in signals.items())
        np.testing.assert_allclose(image, np.abs(expected), atol=1e-6)


def test_gains_multiply_one_tissue():
    maps = np.zeros((len(TISSUES), 1, 2), "float32")
    maps[TISSUES.index("blood"), 0, 0] = maps[TISSUES.index("csf"), 0, 1] = 1
    (still,) = contrast_images(maps, SEQUENCES[:1], tissue_properties())
    (flowing,) = contrast_images(maps, SEQUENCES[:1], tissue_properties(), gains=[{"blood": 0.25}])
    np.testing.assert_allclose(flowing / still, [[0.25, 1.0]], rtol=1e-6)


def test_texture_is_a_change_of_water_and_turns_with_the_contrast():
    maps = np.zeros((len(TISSUES), 64, 64), "float32")
    maps[TISSUES.index("white_matter")] = 1
    sequences = [SpinEcho(500, 10), SpinEcho(6000, 110)]
    t1, t2 = contrast_images(
        maps, sequences, tissue_properties(), texture=0.05, rng=np.random.default_rng(0)
    )
    assert np.corrcoef(t1.ravel(), t2.ravel())[0, 1] < -0.99
    # d log S / d log T1 of (1 - exp(-TR/T1)), and the same for T2 and PD, in float64.
    x = 500 / 646
    relative = -x * np.exp(-x) / (1 - np.exp(-x)) + 10 / 70 + 0.25
    assert t1.std() / t1.mean() == pytest.approx(abs(relative) * 0.05, rel=0.25)
    with pytest.raises(ValueError, match="`rng`"):
        contrast_images(maps, sequences, tissue_properties(), texture=0.05)


def test_fluid_has_no_texture():
    maps = np.zeros((len(TISSUES), 16, 16), "float32")
    maps[TISSUES.index("ventricle")] = 1
    images = contrast_images(
        maps, SEQUENCES, tissue_properties(), texture=0.1, rng=np.random.default_rng(0)
    )
    assert np.ptp(images.reshape(3, -1), axis=1).max() == 0


def test_people_differ_and_keep_the_order_of_their_tissues():
    rng = np.random.default_rng(0)
    people = [draw_tissues(3.0, rng) for _ in range(100)]
    t1 = np.array([person["white_matter"].t1 for person in people])
    assert np.median(t1) == pytest.approx(838, rel=0.03)
    assert 0.03 < t1.std() / t1.mean() < 0.07
    assert all(p["white_matter"].t1 < p["grey_matter"].t1 < p["csf"].t1 for p in people)


def test_flow_and_saturation():
    rng = np.random.default_rng(0)
    echoes = [draw_gains(SEQUENCES[0], rng) for _ in range(60)]
    gradients = [draw_gains(SEQUENCES[2], rng) for _ in range(60)]
    assert {gain["blood"] for gain in echoes} > {1.0}
    assert all(gain["blood"] <= 1 for gain in echoes)
    assert all(gain["blood"] >= 1 for gain in gradients)
    assert all(gain["white_matter"] < gain["grey_matter"] < 1 for gain in echoes)
    assert not any("csf" in gain or "white_matter" in gain for gain in gradients)


def test_what_is_close_to_the_coil_changes_together():
    rng = np.random.default_rng(0)
    drawn = [draw_gains(SEQUENCES[2], rng) for _ in range(60)]
    assert all(gain["skin"] == gain["marrow"] == gain["muscle"] for gain in drawn)
    assert min(gain["skin"] for gain in drawn) < 0.8 < 1.2 < max(gain["skin"] for gain in drawn)
    assert all(0.9 <= gain["fat"] / gain["skin"] <= 1.2 for gain in drawn)
    assert draw_gains(TissueIntensities({"fat": 1.0}), rng) == {}
