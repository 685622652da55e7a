"""Lesions and masses: where they are, how large, and that no tissue is lost."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import (
    TISSUES,
    Pathology,
    add_lesions,
    add_mass,
    add_periventricular_rim,
)

K = {name: index for index, name in enumerate(TISSUES)}


def brain(shape=(64, 64)):
    """White matter around a ventricle, cortex around both."""
    axes = np.meshgrid(*[np.arange(n) - n / 2 for n in shape], indexing="ij", sparse=True)
    r = np.sqrt(sum(axis**2 for axis in axes))
    maps = np.zeros((len(TISSUES), *shape), "float32")
    maps[K["ventricle"]] = r < 6
    maps[K["white_matter"]] = (r >= 6) & (r < 24)
    maps[K["grey_matter"]] = (r >= 24) & (r < 28)
    return maps, r


@pytest.mark.parametrize("shape", [(64, 64), (40, 64, 64)])
@pytest.mark.parametrize(
    "add",
    [
        lambda maps, rng: add_lesions(maps, np.full(5, 3.0), rng),
        lambda maps, rng: add_periventricular_rim(maps, 2.0, rng),
        lambda maps, rng: add_mass(maps, 8.0, rng),
    ],
)
def test_no_tissue_is_lost_or_negative(add, shape):
    maps, _ = brain(shape)
    before = maps.sum(axis=0)
    add(maps, np.random.default_rng(0))
    np.testing.assert_allclose(maps.sum(axis=0), before, atol=1e-5)
    assert maps.min() > -1e-6


def test_lesions_are_in_white_matter_and_have_their_area():
    areas = []
    for seed in range(40):
        maps, _ = brain()
        white = maps[K["white_matter"]].copy()
        add_lesions(maps, np.array([3.0]), np.random.default_rng(seed))
        lesion = maps[K["lesion"]]
        assert lesion.sum() > 0
        assert (lesion <= white + 1e-6).all()
        areas.append(lesion.sum())
    # 0.8 of pi r**2 on average, less what would lie outside white matter.
    assert 0.4 * np.pi * 9 < np.mean(areas) < np.pi * 9


def test_lesions_are_mostly_near_the_ventricles():
    total = np.zeros((64, 64))
    for seed in range(60):
        maps, r = brain()
        add_lesions(maps, np.array([1.5]), np.random.default_rng(seed))
        total += maps[K["lesion"]]
    assert total[(r >= 6) & (r < 12)].mean() > 2 * total[(r >= 18) & (r < 24)].mean()


def test_the_rim_touches_the_ventricles():
    touching = []
    for seed in range(20):
        maps, r = brain()
        add_periventricular_rim(maps, 2.0, np.random.default_rng(seed))
        lesion = maps[K["lesion"]]
        touching.append(lesion[(r > 6) & (r < 8)].mean())
        assert lesion[r > 14].max() == 0
    assert 0.25 < np.mean(touching) < 1


def test_a_mass_replaces_brain_and_has_oedema_around_it():
    maps, _ = brain()
    add_mass(maps, 7.0, np.random.default_rng(3))
    tumour, oedema = maps[K["tumour"]], maps[K["oedema"]]
    assert 0.4 * np.pi * 49 < tumour.sum() + oedema.sum()
    assert tumour.max() > 0.95
    assert oedema.sum() > 0


def test_without_white_matter_nothing_happens():
    maps = np.zeros((len(TISSUES), 16, 16), "float32")
    maps[K["fat"]] = 1
    before = maps.copy()
    sick = Pathology(lesions=1, periventricular=1, mass=1)
    sick.apply(maps, 1.0, np.random.default_rng(0))
    np.testing.assert_array_equal(maps, before)


def test_probabilities():
    for probability in (0.0, 1.0):
        maps, _ = brain()
        Pathology(lesions=probability, mass=probability).apply(maps, 1.5, np.random.default_rng(0))
        assert (maps[K["lesion"]].sum() > 0) == probability
        assert (maps[K["tumour"]].sum() > 0) == probability
    with pytest.raises(ValueError, match="`lesions` must be at most 1"):
        Pathology(lesions=2)
