import numpy as np
import pytest
from label_heads import ball_volume

from keras_mri_cyclegan.data import SimulatedPairs
from keras_mri_cyclegan.networks import HEAD_CONTRASTS, contrast_code
from keras_mri_cyclegan.simulation import (
    TISSUES,
    LabelHead,
    Pathology,
    SimulatedHeads,
    draw_head_maps,
)


@pytest.fixture(scope="module")
def heads():
    maps = draw_head_maps([LabelHead(ball_volume(), "synthseg")], 4, size=32, pixel=7)
    return SimulatedHeads(maps, HEAD_CONTRASTS, pathology=Pathology(lesions=1))


def same(one, other):
    (a, b, c), (d, e, f) = one, other
    pairs = ((a["image"], d["image"]), (a["conditions"], d["conditions"]), (b, e), (c, f))
    return all(np.array_equal(x, y) for x, y in pairs)


def test_batches(heads):
    pairs = SimulatedPairs(heads, batch_size=3, steps=5, lesion_weight=2)
    assert len(pairs) == 5
    inputs, target, weight = pairs[0]
    assert inputs["image"].shape == target.shape == (3, 32, 32, 1)
    assert inputs["conditions"].shape == (3, 16)
    assert weight.shape == (3, 32, 32)
    assert weight.min() == 1
    assert 1 < weight.max() <= 3 + 1e-5
    assert (inputs["image"] != target).any()


def test_depends_on_seed_epoch_and_index_only(heads):
    one, two = SimulatedPairs(heads, seed=1), SimulatedPairs(heads, seed=1)
    two[3]
    assert same(one[2], two[2])
    assert not same(one[2], one[1])
    assert not same(one[2], SimulatedPairs(heads, seed=2)[2])
    first = one[2]
    one.on_epoch_end()
    assert not same(one[2], first)
    one.epoch = 0
    assert same(one[2], first)


@pytest.fixture
def drawn(monkeypatch):
    """What is drawn, with the contrasts: `(source, target), head` for each image."""
    heads, draw = [], SimulatedHeads.draw

    def spy(self, rng, contrasts):
        heads.append((contrasts, draw(self, rng, contrasts)))
        return heads[-1][1]

    monkeypatch.setattr(SimulatedHeads, "draw", spy)
    return heads


def test_degraded_source_clean_target_and_the_conditions_of_both(heads, drawn):
    pairs = SimulatedPairs(heads, batch_size=8, unknown=0)
    for index in range(4):
        drawn.clear()
        inputs, target, weight = pairs[index]
        for k, ((source, wanted), head) in enumerate(drawn):
            np.testing.assert_array_equal(inputs["conditions"][k], contrast_code(source, wanted))
            np.testing.assert_array_equal(inputs["image"][k], head.degraded[source])
            np.testing.assert_array_equal(target[k], head.clean[wanted])
            lesion = head.tissues[..., TISSUES.index("lesion")]
            assert (weight[k] >= 1 + 4 * lesion - 1e-5).all()


def test_a_random_source_is_not_named_and_never_a_target(heads, drawn):
    with_random = SimulatedHeads(heads.maps, ("t1", "t2", "random"))
    inputs, _, _ = SimulatedPairs(with_random, batch_size=40, unknown=0)[0]
    sources = np.array([source for (source, _), _ in drawn])
    assert 0 < (sources == "random").sum() < 40
    assert "random" not in {target for (_, target), _ in drawn}
    named = inputs["conditions"][:, :8].any(axis=1)
    np.testing.assert_array_equal(named, sources != "random")
    inputs, _, _ = SimulatedPairs(heads, batch_size=4, unknown=1)[0]
    assert not inputs["conditions"][:, :8].any()


def test_tissues_are_shares_with_air(heads, drawn):
    _, targets, weights = SimulatedPairs(heads, batch_size=9, tissues=True)[0]
    assert set(targets) == set(weights) == {"translation", "tissues"}
    assert targets["tissues"].shape == (9, 32, 32, len(TISSUES) + 1)
    np.testing.assert_allclose(targets["tissues"].sum(axis=-1), 1, atol=0.01)
    for k, (_, head) in enumerate(drawn):
        np.testing.assert_array_equal(targets["tissues"][k, ..., :-1], head.tissues)
        if head.stripped:  # what the image does not show is air
            assert (targets["tissues"][k][~head.brain, -1] == 1).all()
    assert {head.stripped for _, head in drawn} == {True, False}


def test_sizes_take_turns(heads):
    larger = SimulatedHeads(heads.maps, HEAD_CONTRASTS, size=48, pixel=4.5)
    pairs = SimulatedPairs([heads, larger], (4, 2))
    shapes = {pairs[k][1].shape for k in range(12)}
    assert shapes == {(4, 32, 32, 1), (2, 48, 48, 1)}


def test_bad_arguments(heads):
    with pytest.raises(ValueError, match="`heads` must be `SimulatedHeads`"):
        SimulatedPairs([1])
    with pytest.raises(ValueError, match="one for each"):
        SimulatedPairs(heads, (1, 2))
    larger = SimulatedHeads(heads.maps, HEAD_CONTRASTS, size=48)
    with pytest.raises(ValueError, match="Change their order"):
        SimulatedPairs([heads, heads, larger])
    for wrong in ([], 5):
        with pytest.raises(ValueError, match="or a list of them"):
            SimulatedPairs(wrong)
    with pytest.raises(ValueError, match="batch_size"):
        SimulatedPairs(heads, 6.5)
    with pytest.raises(ValueError, match="unknown"):
        SimulatedPairs(heads, unknown=1.5)
    with pytest.raises(ValueError, match="at least two"):
        SimulatedPairs(SimulatedHeads(heads.maps, ("t1",)))
    with pytest.raises(ValueError, match="contrasts"):
        SimulatedPairs(SimulatedHeads(heads.maps, {"a": "t1", "b": "t2"}))
