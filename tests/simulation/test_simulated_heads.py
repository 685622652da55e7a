"""The front door: ranges, reproducibility, contrasts, and pairs for training."""

import numpy as np
import pytest
from label_heads import ball_volume

from keras_mri_cyclegan.data import UnpairedDataset
from keras_mri_cyclegan.simulation import (
    TISSUES,
    Deformation,
    LabelHead,
    Pathology,
    Scanner,
    SimulatedHeads,
    SpinEcho,
    TissueIntensities,
    draw_head_maps,
)
from keras_mri_cyclegan.simulation.tissues import OUTSIDE

PERFECT = Scanner(blur=(0, 0), shading=(0, 0), bias_field=(0, 0), ghosts=0, noise=(0, 0))


@pytest.fixture(scope="module")
def maps():
    return draw_head_maps([LabelHead(ball_volume(), "synthseg")], 6, size=48, pixel=4.5)


def test_what_a_head_is(maps):
    heads = SimulatedHeads(maps, ("t1", "t2_fs", "flair"), size=(40, 44))
    for k in range(12):
        head = heads[k]
        assert list(head.clean) == list(head.degraded) == list(head.sequences)
        for image in (*head.clean.values(), *head.degraded.values()):
            assert image.shape == (40, 44, 1)
            assert image.dtype == np.float32
            assert image.min() >= -1
            assert image.max() <= 1
        assert head.tissues.shape == (40, 44, len(TISSUES))
        assert head.tissues[..., TISSUES.index("soft_tissue")].max() == 0
        shown = head.brain if head.stripped else head.head
        np.testing.assert_array_equal(shown, head.tissues.sum(axis=-1) > 0.5)
        assert head.brain.any()
        assert head.field_strength in (1.5, 3.0)
        if head.stripped:
            assert (head.degraded["t1"][~head.brain] == -1).all()


def test_reproducible(maps):
    one, two = SimulatedHeads(maps, seed=3), SimulatedHeads(maps, seed=3)
    two[0], two[7]  # the order does not matter
    for name in one.contrasts:
        np.testing.assert_array_equal(one[5].degraded[name], two[5].degraded[name])
    assert (one[5].clean["t1"] != one[6].clean["t1"]).any()
    assert (one[5].clean["t1"] != SimulatedHeads(maps, seed=4)[5].clean["t1"]).any()


def test_some_of_the_contrasts(maps):
    heads = SimulatedHeads(maps, ("t1", "t2", "flair"))
    one = heads.draw(np.random.default_rng(0), ("flair", "t1"))
    assert list(one.clean) == list(one.degraded) == ["flair", "t1"]
    with pytest.raises(ValueError, match="contrasts"):
        heads.draw(np.random.default_rng(0), ("pd",))


def test_clean_and_degraded_agree_on_a_perfect_scanner(maps):
    head = SimulatedHeads(maps, scanner=PERFECT)[0]
    for name, image in head.clean.items():
        np.testing.assert_allclose(image, head.degraded[name], atol=1e-5)


def test_a_slice_without_the_brightest_tissue_stays_darker():
    """The scale is the whole head's: ventricles, of which the upper slices have none."""
    volume = ball_volume()
    volume.array[volume.array == 24] = 3  # no fluid but in the middle
    volume.array[volume.array == 506] = 507
    maps = draw_head_maps([LabelHead(volume, "synthseg")], 40, size=48, pixel=4.5)
    intensities = TissueIntensities({"ventricle": 1.0, "grey_matter": 0.5, "white_matter": 0.4})
    heads = SimulatedHeads(
        maps, {"mine": intensities}, texture=(0, 0), strip=1, pathology=Pathology(0, mass=0)
    )
    both = {True: [], False: []}
    for k in range(40):
        head = heads[k]
        fluid = head.tissues[..., TISSUES.index("ventricle")].max() > 0.9
        both[fluid].append(head.clean["mine"].max())
        white = head.tissues[..., TISSUES.index("white_matter")] > 0.999
        np.testing.assert_allclose(head.clean["mine"][white & head.brain], -0.2, atol=0.02)
    assert min(both[True]) > 0.9
    assert max(both[False]) == pytest.approx(0, abs=0.02)


def test_any_contrast_at_all(maps):
    heads = SimulatedHeads(maps, ("random",))
    levels = [heads[k].sequences["random"].intensities["csf"] for k in range(10)]
    assert min(levels) < 0.4 < 0.6 < max(levels)
    with pytest.raises(ValueError, match="not known"):
        TissueIntensities({"cheese": 1.0})
    with pytest.raises(ValueError, match="csf"):
        TissueIntensities({"csf": -1.0})


def test_clean_image_is_the_signal_equation(maps):
    """Without texture, in a pixel of one tissue, relative to another: by hand within 20 %."""
    sequence = SpinEcho(600, 12)
    heads = SimulatedHeads(
        maps,
        {"mine": sequence},
        field_strengths=(1.5,),
        texture=(0, 0),
        strip=0,
        pathology=Pathology(lesions=0, mass=0),
        scanner=PERFECT,
    )
    ratios = []
    for k in range(30):
        head = heads[k]
        white, fluid = (
            head.clean["mine"][head.tissues[..., TISSUES.index(name)] > 0.98] + 1
            for name in ("white_matter", "ventricle")
        )
        if len(white) and len(fluid):
            ratios.append(float(np.median(fluid) / np.median(white)))
    expected = float(sequence.signal(4200, 1990, 0.98) / sequence.signal(646, 70, 0.77))
    # Magnetisation transfer darkens white matter by up to a fifth.
    assert expected * 0.95 < np.median(ratios) < expected * 1.25


@pytest.mark.parametrize(
    ("contrast", "order"),
    [
        ("t1", ("white_matter", "grey_matter", "ventricle")),
        ("t2", ("ventricle", "grey_matter", "white_matter")),
        ("flair", ("white_matter", "ventricle")),
    ],
)
def test_known_order_of_brightness(maps, contrast, order):
    heads = SimulatedHeads(maps, (contrast,), pathology=Pathology(lesions=0, mass=0))
    means = {name: [] for name in order}
    for k in range(20):
        head = heads[k]
        for name in order:
            inside = (head.tissues[..., TISSUES.index(name)] > 0.9) & head.brain
            if inside.any():
                means[name].append(head.clean[contrast][inside].mean())
    levels = [np.mean(means[name]) for name in order]
    assert levels == sorted(levels, reverse=True), means


def test_one_of_several_sequences(maps):
    heads = SimulatedHeads(maps, {"mine": ("t2", "t2_fs")})
    fat = [heads[k].sequences["mine"].fat for k in range(20)]
    assert min(fat) < 0.4 < 1 < max(fat)


def test_pixel_and_size_are_in_mm(maps):
    still = Deformation(rotation=0, scale=(1, 1), shift=0, warp=0, flip=0)
    settings = {"deformation": still, "strip": 0, "seed": 1}
    coarse = SimulatedHeads(maps, **settings)[0]
    fine = SimulatedHeads(maps, size=96, pixel=2.25, **settings)[0]
    assert fine.head.sum() == pytest.approx(4 * coarse.head.sum(), rel=0.05)


def test_volumes():
    head = LabelHead(ball_volume(8.0), "synthseg")
    maps = draw_head_maps([head], 2, (6, 24, 24), 8, thickness=(8, 8))
    one = SimulatedHeads(maps, ("t1", "t2"), strip=0)[0]
    assert one.clean["t1"].shape == (6, 24, 24, 1)
    assert one.tissues.shape == (6, 24, 24, len(TISSUES))


def test_pairs_are_a_source_of_training_data(maps):
    heads = SimulatedHeads(maps, ("t1", "t2"))
    t1, t2 = heads.pairs("t1", "t2", count=4, first=2)
    np.testing.assert_array_equal(t1[1], heads[3].degraded["t1"])
    np.testing.assert_array_equal(t2[1], heads[3].clean["t2"])
    dataset = UnpairedDataset(t1, t2, batch_size=2, seed=0, paired=(t1, t2))
    _, _, (a, b) = dataset[0]
    assert a.shape == b.shape == (2, 48, 48, 1)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"contrasts": ()}, "`contrasts` must name"),
        ({"contrasts": ("t1", "swi")}, "`contrasts` must be one of"),
        ({"contrasts": {"t1": ()}}, "a sequence for 't1'"),
        ({"size": (4, 4, 4)}, "`size` must be"),
        ({"size": 0}, "`size`"),
        ({"pixel": 0}, "`pixel`"),
        ({"field_strengths": ()}, "`field_strengths`"),
        ({"field_strengths": (11.7,)}, "`field_strength`"),
        ({"strip": 1.5}, "`strip`"),
        ({"texture": 0.1}, "`texture`"),
        ({"texture": (0.2, 0.1)}, "`texture`"),
        ({"seed": -1}, "`seed`"),
    ],
)
def test_wrong_arguments_are_named(maps, wrong, message):
    with pytest.raises(ValueError, match=message):
        SimulatedHeads(maps, **wrong)


def test_other_wrong_uses(maps):
    with pytest.raises(ValueError, match="`maps` must be `HeadMaps`"):
        SimulatedHeads(maps.maps)
    with pytest.raises(ValueError, match="`target` must be one of 't1', 't2'"):
        SimulatedHeads(maps, ("t1", "t2")).pairs("t1", "flair", 2)
    with pytest.raises(ValueError, match="No head was in the field of view"):
        SimulatedHeads(maps, size=200, pixel=40.0)[0]


def test_the_coil_shades_what_is_outside_of_the_skull_only(maps):
    perfect = {"blur": (0, 0), "bias_field": (0, 0), "ghosts": 0, "noise": (0, 0)}
    heads = SimulatedHeads(
        maps, ("t1_se",), strip=0, scanner=Scanner(shading=(0.4, 0.4), **perfect)
    )
    head = heads[0]
    change = (head.degraded["t1_se"] + 1) / np.maximum(head.clean["t1_se"] + 1, 1e-6)
    outside = head.tissues[..., [TISSUES.index(name) for name in OUTSIDE]].sum(axis=-1)
    unclipped = (head.clean["t1_se"][..., 0] < 0.99) & (head.degraded["t1_se"][..., 0] < 0.99)
    lit = unclipped & (head.clean["t1_se"][..., 0] > -0.9)
    np.testing.assert_allclose(change[lit & (outside == 0)], 1, rtol=1e-4)
    assert np.log(change[lit & (outside > 0.9)]).std() > 0.1
