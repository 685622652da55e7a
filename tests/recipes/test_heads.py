import numpy as np
import pytest
from label_heads import ball_volume

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.recipes import heads
from keras_mri_cyclegan.recipes.heads import has_skull
from keras_mri_cyclegan.simulation import TISSUES, LabelHead, SimulatedHeads, draw_head_maps

PIXEL = 3.2


@pytest.fixture(scope="module")
def maps():
    return draw_head_maps([LabelHead(ball_volume(), "synthseg")], 4, size=64, pixel=PIXEL)


@pytest.fixture(scope="module")
def scans(maps):
    simulated = SimulatedHeads(maps, ("t1", "t2"), strip=0)
    return (
        np.stack([simulated[k].degraded["t1"] for k in range(4)]),
        np.stack([simulated[k].degraded["t2"] for k in range(4, 7)]),
    )


def test_a_training_that_begins_at_the_start(maps, scans):
    model, train, epochs = heads(*scans, "t1", "t2", maps, PIXEL, pairs=4)
    assert epochs * len(train) == pytest.approx(600, abs=3)
    start = kmc.contrast_generator("t1", "t2", tissue_offsets=True)
    kmc.recipes.match_tissues(start, *scans, "t2")
    np.testing.assert_allclose(
        model.translate(scans[0], "ab"), start.predict(scans[0], verbose=0), atol=1e-4
    )
    a, b, (a_paired, b_paired) = train[0]
    assert a.shape == b.shape == a_paired.shape == b_paired.shape == (2, 64, 64, 1)
    # Not stripped, as the scans are not: the border of a simulated head is its skin.
    assert (a_paired[:, 32] > -0.9).mean() > 0.5
    history = model.fit(train, epochs=1, steps_per_epoch=1, verbose=0).history
    assert {"paired_ab", "paired_ba"} <= set(history)
    assert all(np.isfinite(values).all() for values in history.values())


@pytest.mark.parametrize(("bone", "expected"), [(0.05, False), (0.4, True)])
def test_whether_there_is_a_skull(bone, expected):
    class Segmenter:
        def predict(self, images, **_):
            shares = np.zeros((*images.shape[:3], len(TISSUES) + 1))
            shares[..., TISSUES.index("bone")] = bone / 4
            shares[..., TISSUES.index("white_matter")] = (1 - bone) / 4
            shares[..., -1] = 3 / 4  # air does not count
            return shares

    assert has_skull(Segmenter(), np.zeros((5, 16, 16, 1))) is expected


def test_bad_images(maps, scans):
    with pytest.raises(ValueError, match="one size with one channel"):
        heads(scans[0], scans[1][:, :32], "t1", "t2", maps, PIXEL)
    with pytest.raises(ValueError, match="'t3'"):
        heads(*scans, "t1", "t3", maps, PIXEL)
