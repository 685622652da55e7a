"""Deep soft tissue becomes muscle and fat, all of it."""

import numpy as np

from keras_mri_cyclegan.simulation import TISSUES
from keras_mri_cyclegan.simulation.fat_and_muscle import draw_fat_and_muscle


def test_all_of_it_and_most_is_muscle():
    maps = np.zeros((len(TISSUES), 48, 48), "float32")
    soft = maps[TISSUES.index("soft_tissue")]
    soft[8:40, 8:40] = 0.75
    share = []
    for seed in range(20):
        changed = maps.copy()
        draw_fat_and_muscle(changed, np.random.default_rng(seed))
        fat, muscle = (changed[TISSUES.index(name)] for name in ("fat", "muscle"))
        np.testing.assert_allclose(fat + muscle, soft, atol=1e-6)
        assert not changed[TISSUES.index("soft_tissue")].any()
        share.append(fat.sum() / soft.sum())
    assert 0.05 < min(share) < max(share) < 0.5
