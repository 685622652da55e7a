import pickle

import numpy as np
import pytest

from keras_mri_cyclegan.data import (
    RandomAffine,
    RandomElastic,
    RandomFlip,
    RandomNoise,
    RandomTranslation,
    UnpairedDataset,
    VolumeImages,
)
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing, Reorient, Slices
from keras_mri_cyclegan.volumes import Volume

SHIFT = np.float32(0.25)
AUGMENT = [RandomFlip(), RandomTranslation(0.2), RandomAffine(fill=-1.0), RandomElastic()]


def random_images(count, seed, shape=(12, 10, 1)):
    return np.random.default_rng(seed).uniform(-0.7, 0.7, (count, *shape)).astype("float32")


def pairs(count=5, seed=2):
    """Pairs of which each image differs from its partner by `SHIFT` everywhere."""
    a = random_images(count, seed)
    return a, a + SHIFT


def which(batch, images):
    """Return the numbers of the images of a batch."""
    return [int(np.flatnonzero((images == image).all((1, 2, 3))).item()) for image in batch]


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_pairs_stay_pairs_and_all_of_them_come(alone, shuffle):
    truth = pairs(7)
    sides = {} if alone else {"a": random_images(4, 0), "b": random_images(3, 1)}
    dataset = UnpairedDataset(**sides, paired=truth, batch_size=2, shuffle=shuffle, seed=0)
    assert len(dataset) == 4  # ceil(7 / 2): the pairs are the longest
    orders = []
    for epoch in range(3):
        dataset.epoch = epoch
        order = []
        for a, b, paired in (dataset[i] for i in range(4)):
            if alone:
                assert paired == ()
                paired = (a, b)
            else:
                which(a, sides["a"]), which(b, sides["b"])
            assert [side.shape for side in paired] == [(2, 12, 10, 1)] * 2
            assert {side.dtype for side in paired} == {np.dtype("float32")}
            numbers = [which(side, images) for side, images in zip(paired, truth, strict=True)]
            assert numbers[0] == numbers[1]
            order += numbers[0]
        assert sorted(order[:7]) == list(range(7))
        orders.append(tuple(order))
    assert len(set(orders)) == (3 if shuffle else 1)


def test_pairs_do_not_follow_the_order_of_the_sides():
    a, b = random_images(6, 0), random_images(6, 1)
    dataset = UnpairedDataset(a, b, seed=0, paired=(a, b))
    batches = [dataset[i] for i in range(6)]
    met = [(which(x, a), which(y, b), which(p[0], a), which(p[1], b)) for x, y, p in batches]
    assert all(first == second for _, _, first, second in met)
    assert [side for side, *_ in met] != [pair for *_, pair, _ in met] != [y for _, y, *_ in met]


def test_the_sides_are_what_they_are_without_pairs():
    a, b = random_images(5, 0), random_images(4, 1)
    arguments = {"batch_size": 2, "seed": 3, "augment": AUGMENT}
    with_pairs = UnpairedDataset(a, b, **arguments, paired=pairs(3))
    without = UnpairedDataset(a, b, **arguments)
    for i in range(len(without)):
        assert len(without[i]) == 2
        for one, other in zip(with_pairs[i][:2], without[i], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("alone", [False, True])
def test_both_images_of_a_pair_go_through_the_same_change(alone):
    # Interpolation is linear: where nothing comes in from outside, the difference stays.
    sides = {} if alone else {"a": random_images(3, 0), "b": random_images(3, 1)}
    seen, changed = 0, 0
    truth = pairs(6)
    for seed in range(4):
        dataset = UnpairedDataset(**sides, paired=truth, batch_size=3, seed=seed, augment=AUGMENT)
        for i in range(len(dataset)):
            a, b, paired = dataset[i]
            one, other = paired or (a, b)
            differences = other - one
            # Outside the image the fill, -1, in both of a pair; between the two a mixture.
            assert (differences > -1e-6).all()
            assert (differences < SHIFT + 1e-6).all()
            assert (np.abs(differences - SHIFT) < 1e-5).mean() > 0.3
            seen += len(one)
            changed += sum(
                not any(np.array_equal(image, original) for original in truth[0]) for image in one
            )
    assert changed == seen


def test_changes_differ_from_pair_to_pair_and_epoch_to_epoch():
    image = random_images(1, 0)
    dataset = UnpairedDataset(
        paired=(np.repeat(image, 4, 0), np.repeat(image, 4, 0)), seed=0, augment=RandomAffine()
    )
    made = set()
    for epoch in range(2):
        dataset.epoch = epoch
        for i in range(4):
            a, b, _ = dataset[i]
            np.testing.assert_array_equal(a, b)
            made.add(a.tobytes())
    assert len(made) == 8


def test_other_channels_do_not_put_the_changes_out_of_step():
    one = random_images(6, 0)
    three = np.concatenate([one] * 3, axis=-1)
    flip_after_noise = [RandomNoise(1e-6), RandomFlip(), RandomTranslation(0.3)]
    dataset = UnpairedDataset(paired=(one, three), seed=0, augment=flip_after_noise)
    for epoch in range(3):
        dataset.epoch = epoch
        for i in range(6):
            a, b, _ = dataset[i]
            np.testing.assert_allclose(b, np.concatenate([a] * 3, -1), atol=1e-4)


def test_batches_depend_on_seed_and_epoch_alone():
    def make():
        sides = random_images(5, 0), random_images(3, 1)
        return UnpairedDataset(*sides, batch_size=2, seed=9, augment=AUGMENT, paired=pairs(4))

    def flat(batch):
        return np.concatenate([np.ravel(side) for side in (*batch[:2], *batch[2])])

    one, other = make(), pickle.loads(pickle.dumps(make()))
    for dataset in (one, other):
        dataset.epoch = 2
    np.testing.assert_array_equal(flat(one[1]), flat(other[1]))
    np.testing.assert_array_equal(flat(one[-1]), flat(other[2]))
    other.on_epoch_end()
    assert not np.array_equal(flat(one[1])[-120:], flat(other[1])[-120:])


def test_volume_images_as_pairs():
    rng = np.random.default_rng(0)
    preprocessing = Preprocessing([Reorient(), MinMax()], Slices(size=(16, 16)))

    def images(slices, sign):
        scans = [
            Volume(sign * rng.uniform(10, 99, (14, 16, count)).astype("float32"), np.eye(4))
            for count in slices
        ]
        return VolumeImages(scans, preprocessing, verbose=0)

    a, b = images([4, 3], 1), images([4, 3], 1)
    dataset = UnpairedDataset(paired=(a, b), batch_size=3, seed=0, shuffle=False)
    x, y, _ = dataset[2]
    np.testing.assert_array_equal(x, a[[6, 0, 1]])
    np.testing.assert_array_equal(y, b[[6, 0, 1]])
    with pytest.raises(ValueError, match=r"scan by scan\. Received: 4 and 3 of scan 0"):
        UnpairedDataset(paired=(a, images([3, 4], 1)))


@pytest.mark.parametrize("alone", [False, True])
def test_tf_dataset_gives_the_same_epochs(alone):
    pytest.importorskip("tensorflow")
    sides = {} if alone else {"a": random_images(5, 0), "b": random_images(3, 1, (8, 6, 2))}

    def make():
        return UnpairedDataset(**sides, batch_size=2, seed=4, augment=RandomFlip(), paired=pairs())

    dataset, expected = make(), make()
    tf_dataset = dataset.to_tf_dataset()
    assert int(tf_dataset.cardinality()) == 3
    for _ in range(2):
        batches = list(tf_dataset.as_numpy_iterator())
        assert len(batches) == 3
        for i, batch in enumerate(batches):
            assert len(batch) == 3
            assert len(batch[2]) == (0 if alone else 2)
            for one, other in zip(
                (*batch[:2], *batch[2]), (*expected[i][:2], *expected[i][2]), strict=True
            ):
                np.testing.assert_array_equal(one, other)
        expected.on_epoch_end()


def test_repr_says_how_many_pairs():
    dataset = UnpairedDataset(random_images(5, 0), random_images(3, 1), seed=8, paired=pairs(2))
    assert "b=(3, 12, 10, 1), paired=2, batch_size=1, batches=5" in repr(dataset)


GOOD = random_images(3, 0)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"paired": (GOOD, GOOD[:2])}, r"as many images.*\(3, 12, 10, 1\) and \(2, 12, 10, 1\)"),
        ({"paired": (GOOD, GOOD[:, :8])}, r"same height.*\(3, 12, 10, 1\) and \(3, 8, 10, 1\)"),
        ({"paired": (GOOD, GOOD[:, None])}, "same height"),
        ({"paired": (GOOD[:, None], GOOD[:, None])}, "`paired` must hold images if"),
        ({"paired": (GOOD, GOOD[0])}, r"`paired\[1\]` must have shape"),
        ({"paired": (GOOD, GOOD.astype("uint8"))}, r"`paired\[1\]` must hold floating"),
        ({"paired": (GOOD, GOOD * np.nan)}, r"`paired\[1\]` holds 360 values that are NaN"),
        ({"paired": GOOD}, "`paired` must be two arrays.*ndarray"),
        ({"paired": (GOOD,)}, "`paired` must be two arrays.*1 parts"),
        ({"b": None}, "Pass both `a` and `b`.*b=None, paired=None"),
        ({"a": None, "b": None}, "Pass both `a` and `b`.*a=None, b=None, paired=None"),
        ({"a": None, "paired": (GOOD, GOOD)}, "Pass both.*a=None, b=images, paired=images"),
        ({"paired": (GOOD, GOOD), "batch_size": 5}, "`batch_size` must be at most .* 4"),
    ],
)
def test_bad_arguments(kwargs, message):
    with pytest.raises(ValueError, match=message):
        UnpairedDataset(**{"a": random_images(4, 0), "b": random_images(2, 1), **kwargs})


def test_range_of_pairs_is_warned_of():
    with pytest.warns(UserWarning, match=r"expect \[-1, 1\]") as caught:
        UnpairedDataset(GOOD, GOOD, paired=(GOOD, GOOD * 99))
    assert [str(warning.message)[:11] for warning in caught] == ["`paired[1]`"]
