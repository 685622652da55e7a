import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import keras
import numpy as np
import pytest

from keras_mri_cyclegan.data import RandomFlip, RandomTranslation, UnpairedDataset


def numbered(count, *shape):
    """Images that hold their own number, `k / 1000`, so that a batch tells which they are."""
    values = np.arange(count, dtype="float32").reshape(-1, *[1] * (len(shape) or 3)) / 1000
    return np.broadcast_to(values, (count, *(shape or (2, 3, 1)))).copy()


def numbers(batch):
    return np.rint(batch.reshape(len(batch), -1)[:, 0] * 1000).astype(int).tolist()


def epoch_numbers(dataset):
    batches = [dataset[i] for i in range(len(dataset))]
    return tuple(np.concatenate([numbers(batch[side]) for batch in batches]) for side in (0, 1))


LENGTHS = [
    (5, 5, 1),
    (5, 3, 1),
    (3, 5, 2),
    (7, 7, 3),
    (43, 46, 4),
    (2, 11, 5),
    (1, 4, 4),
    (1, 1, 1),
]


@pytest.mark.parametrize(("len_a", "len_b", "batch_size"), LENGTHS)
@pytest.mark.parametrize("shuffle", [True, False])
def test_batches_are_full_and_cover_each_side_evenly(len_a, len_b, batch_size, shuffle):
    dataset = UnpairedDataset(numbered(len_a), numbered(len_b), batch_size, shuffle, seed=1)
    assert len(dataset) == dataset.num_batches == -(-max(len_a, len_b) // batch_size)
    for _ in range(3):
        for a, b in dataset:
            assert a.shape == b.shape == (batch_size, 2, 3, 1)
            assert a.dtype == b.dtype == np.float32
        for order, count in zip(epoch_numbers(dataset), (len_a, len_b), strict=True):
            for start in range(0, len(order), count):  # round by round
                of_round = order[start : start + count]
                assert len(set(of_round)) == len(of_round)
                if len(of_round) == count:
                    assert set(of_round) == set(range(count))
            if count == max(len_a, len_b):
                assert set(order) == set(range(count))
            if not shuffle:
                np.testing.assert_array_equal(order, np.arange(len(order)) % count)
        dataset.on_epoch_end()


def test_sides_may_differ_in_size_and_channels():
    a, b = UnpairedDataset(numbered(4, 2, 3, 1), numbered(3, 5, 6, 2), batch_size=2)[1]
    assert (a.shape, b.shape) == ((2, 2, 3, 1), (2, 5, 6, 2))
    a, b = UnpairedDataset(numbered(2, 2, 3, 4, 1), numbered(3, 2, 3, 4, 1))[0]
    assert a.shape == b.shape == (1, 2, 3, 4, 1)


def test_sides_are_shuffled_independently():
    n, epochs = 20, 200
    dataset = UnpairedDataset(numbered(n), numbered(n), seed=5)
    equal, met, orders = 0, np.zeros((n, n)), set()
    for epoch in range(epochs):
        dataset.epoch = epoch
        a, b = epoch_numbers(dataset)
        equal += np.mean(a == b) / epochs
        met[a, b] += 1
        orders |= {tuple(a), tuple(b)}
    assert len(orders) == 2 * epochs  # no order comes twice
    # Two independent permutations agree in 1 place of n on average, with variance 1 in places.
    assert abs(equal - 1 / n) < 4 / n / np.sqrt(epochs)
    # Each pair meets `epochs / n` times on average: Pearson's statistic, (n - 1)^2 degrees.
    statistic = ((met - epochs / n) ** 2 / (epochs / n)).sum()
    freedom = (n - 1) ** 2
    assert abs(statistic - freedom) < 5 * np.sqrt(2 * freedom)


def test_rounds_within_an_epoch_are_shuffled_independently():
    order, _ = epoch_numbers(UnpairedDataset(numbered(8), numbered(64), seed=0))
    assert len({tuple(of_round) for of_round in order.reshape(8, 8)}) == 8


def test_same_seed_same_epochs():
    def two_epochs(seed):
        dataset = UnpairedDataset(numbered(9), numbered(7), 2, seed=seed)
        first = np.concatenate(epoch_numbers(dataset))
        dataset.on_epoch_end()
        return first, np.concatenate(epoch_numbers(dataset))

    first, second = two_epochs(3)
    np.testing.assert_array_equal([first, second], two_epochs(3))
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, two_epochs(4)[0])


def test_a_drawn_seed_repeats_the_run():
    drawn = UnpairedDataset(numbered(9), numbered(9))
    assert drawn.seed != UnpairedDataset(numbered(9), numbered(9)).seed
    repeated = UnpairedDataset(numbered(9), numbered(9), seed=drawn.seed)
    np.testing.assert_array_equal(epoch_numbers(drawn), epoch_numbers(repeated))


AUGMENT = [RandomFlip(), RandomTranslation(0.3)]


def random_images(count, seed):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 6, 8, 1)).astype("float32")


def test_a_batch_depends_on_seed_epoch_and_index_alone():
    make = partial(UnpairedDataset, random_images(6, 0), random_images(5, 1), 2)
    make = partial(make, seed=2, augment=AUGMENT)
    reference = make()
    for _ in range(7):
        reference.on_epoch_end()
    expected = [reference[i] for i in range(3)]
    resumed = make()
    resumed.epoch = 7
    for i in (2, 0, 1, 2):
        np.testing.assert_array_equal(resumed[i], expected[i])
    copied = pickle.loads(pickle.dumps(resumed))  # as a worker process gets it
    np.testing.assert_array_equal(copied[1], expected[1])
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(resumed.__getitem__, [0, 1, 2] * 20))
    for i, batch in enumerate(found):
        np.testing.assert_array_equal(batch, expected[i % 3])


class BatchMean(keras.Model):
    """Logs the running mean of the batches of side `b`, without learning anything."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.dense.build((None, 1, 1, 1))
        self.built = True

    def call(self, x):
        return self.dense(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(y) + 0 * keras.ops.mean(y_pred)


def batches_seen_by_fit(initial_epoch, epochs, workers):
    dataset = UnpairedDataset(numbered(6, 1, 1, 1), numbered(6, 1, 1, 1), seed=3, workers=workers)
    dataset.epoch = initial_epoch
    logged = []
    log = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: logged.append(float(logs["loss"]))
    )
    model = BatchMean()
    model.compile("sgd")
    model.fit(dataset, epochs=epochs, initial_epoch=initial_epoch, shuffle=False, callbacks=[log])
    sums = np.reshape(logged, (-1, 6)) * np.arange(1, 7)
    return np.rint(np.diff(sums, axis=1, prepend=0) * 1000).astype(int)


@pytest.mark.parametrize("workers", [1, 2])
def test_fit_takes_epoch_after_epoch_and_resumes(workers):
    seen = batches_seen_by_fit(initial_epoch=0, epochs=3, workers=workers)
    for epoch, of_epoch in enumerate(seen):
        dataset = UnpairedDataset(numbered(6, 1, 1, 1), numbered(6, 1, 1, 1), seed=3)
        dataset.epoch = epoch + 1  # `fit` ends an epoch before its first
        np.testing.assert_array_equal(of_epoch, epoch_numbers(dataset)[1])
    resumed = batches_seen_by_fit(initial_epoch=2, epochs=3, workers=workers)
    np.testing.assert_array_equal(resumed, seen[2:])


def test_shuffling_and_augmentation_leave_the_images_alone():
    images = random_images(4, 0)
    before = images.copy()

    def blacken(image, rng):
        image[:] = -1
        return image

    dataset = UnpairedDataset(images, images, 2, augment=blacken)
    assert all((side == -1).all() for batch in dataset for side in batch)
    np.testing.assert_array_equal(images, before)


def test_each_image_is_augmented_on_its_own():
    def noise(image, rng):
        return rng.standard_normal(image.shape, dtype="float32")

    dataset = UnpairedDataset(random_images(4, 0), random_images(4, 1), 2, seed=0, augment=noise)
    drawn = []
    for epoch in range(3):
        dataset.epoch = epoch
        drawn += [image.tobytes() for batch in dataset for side in batch for image in side]
    assert len(drawn) == len(set(drawn)) == 3 * 2 * 4


def test_augmentations_follow_their_order():
    def add(image, rng):
        return image + np.float32(1)

    def double(image, rng):
        return image * np.float32(2)

    a, _ = UnpairedDataset(numbered(1), numbered(1), augment=(add, double))[0]
    assert (a == 2).all()


def crop(image, rng):
    return image[1:]


@pytest.mark.parametrize(
    ("function", "named", "found"),
    [
        (crop, "crop", r"shape \(1, 3, 1\)"),
        (lambda image, rng: image.astype("float64"), "lambda", "float64"),
        (lambda image, rng: None, "lambda", "NoneType"),
    ],
)
def test_an_augmentation_that_changes_shape_or_dtype(function, named, found):
    dataset = UnpairedDataset(numbered(2), numbered(2), augment=[RandomFlip(), function])
    with pytest.raises(ValueError, match=rf"`.*{named}.*`.*Received: .*{found}"):
        dataset[0]


@pytest.mark.parametrize("index", [3, 100, -4])
def test_no_such_batch(index):
    with pytest.raises(IndexError, match=f"{index}.*3 batches"):
        UnpairedDataset(numbered(3), numbered(2))[index]


def test_negative_index_counts_from_the_end():
    dataset = UnpairedDataset(random_images(3, 0), random_images(2, 1), seed=0, augment=AUGMENT)
    np.testing.assert_array_equal(dataset[-1], dataset[2])


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"a": np.zeros((2, 4, 4, 1), "uint8")}, "`a` must hold floating"),
        ({"b": np.zeros((4, 4, 1), "float32")}, "`b` must have shape"),
        ({"b": np.full((2, 4, 4, 1), np.nan, "float32")}, "`b` holds 32 values that are NaN"),
        ({"b": np.zeros((2, 4, 4, 4, 1), "float32")}, "`a` and `b` must both"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"batch_size": 4}, "`batch_size` must be at most .* 3, or .*repeat.*Received: 4"),
        ({"shuffle": "yes"}, "`shuffle`"),
        ({"seed": -1}, "`seed`"),
        ({"seed": 1.5}, "`seed`"),
        ({"augment": "flip"}, "`augment`.*Received: 'flip'"),
        ({"augment": [RandomFlip(), 3]}, "`augment`.*Received: 3"),
    ],
)
def test_bad_arguments(kwargs, message):
    good = {"a": numbered(3, 4, 4, 1), "b": numbered(2, 4, 4, 1)}
    with pytest.raises(ValueError, match=message):
        UnpairedDataset(**{**good, **kwargs})


@pytest.mark.parametrize("epoch", [-1, 1.0, None])
def test_bad_epoch(epoch):
    dataset = UnpairedDataset(numbered(3), numbered(2))
    with pytest.raises(ValueError, match="`epoch`"):
        dataset.epoch = epoch


def test_range_is_warned_of_once():
    with pytest.warns(UserWarning, match=r"expect \[-1, 1\]") as caught:
        UnpairedDataset(numbered(2) * 255e3, numbered(2) * 255e3)
    assert [str(warning.message)[:3] for warning in caught] == ["`a`"]
    assert caught[0].filename == __file__


def test_repr():
    dataset = UnpairedDataset(numbered(5), numbered(3), 2, seed=8)
    dataset.epoch = 4
    expected = (
        "UnpairedDataset(a=(5, 2, 3, 1), b=(3, 2, 3, 1), batch_size=2, batches=3, shuffle=True, "
        "seed=8, epoch=4)"
    )
    assert repr(dataset) == expected


def test_tf_dataset_gives_the_same_epochs():
    pytest.importorskip("tensorflow")
    make = partial(UnpairedDataset, random_images(5, 0), random_images(3, 1), 2)
    make = partial(make, seed=4, augment=AUGMENT)
    dataset, expected = make(), make()
    tf_dataset = dataset.to_tf_dataset()
    assert int(tf_dataset.cardinality()) == 3
    assert [spec.shape.as_list() for spec in tf_dataset.element_spec] == [[2, 6, 8, 1]] * 2
    for epoch in range(3):
        assert dataset.epoch == epoch
        batches = list(tf_dataset.as_numpy_iterator())
        assert len(batches) == 3
        for i, batch in enumerate(batches):
            np.testing.assert_array_equal(batch, expected[i])
        expected.on_epoch_end()
    assert dataset.epoch == 3


def test_tf_dataset_moves_on_by_one_when_a_pass_is_given_up():
    pytest.importorskip("tensorflow")
    dataset = UnpairedDataset(numbered(5), numbered(3))
    next(iter(dataset.to_tf_dataset()))
    assert dataset.epoch == 1


def test_tf_dataset_without_tensorflow(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"keras-mri-cyclegan\[tensorflow\]"):
        UnpairedDataset(numbered(3), numbered(2)).to_tf_dataset()


# === Going on in the middle of an epoch ===


def test_skipped_batches_read_nothing_and_change_no_other():
    a, b = random_images(6, 0), random_images(4, 1)
    calls = []

    def counted(image, rng):
        calls.append(1)
        return image + np.float32(rng.uniform(0, 0.1))

    whole = UnpairedDataset(a, b, batch_size=2, seed=3, augment=counted)
    expected = [whole[k] for k in range(3)]
    calls.clear()
    dataset = UnpairedDataset(a, b, batch_size=2, seed=3, augment=counted)
    dataset.skip(2)
    skipped, last = [dataset[0], dataset[1]], dataset[2]
    assert len(calls) == 4
    for batch in skipped:
        assert [side.shape for side in batch] == [side.shape for side in expected[0]]
        assert all(side.dtype == np.float32 and not side.any() for side in batch)
    for x, y in zip(last, expected[2], strict=True):
        np.testing.assert_array_equal(x, y)
    dataset.on_epoch_end()
    assert dataset[0][0].any()
    dataset.epoch = 0
    dataset.skip(0)
    np.testing.assert_array_equal(dataset[0][0], expected[0][0])
    with pytest.raises(ValueError, match="batches"):
        dataset.skip(-1)


def test_skipped_batches_of_pairs_have_their_form():
    a, b = random_images(4, 0), random_images(4, 1)
    for arguments in ({"a": a, "b": b}, {}):
        dataset = UnpairedDataset(**arguments, paired=(a, b), batch_size=2, seed=3)
        expected = dataset[0]
        dataset.skip(1)
        shapes = keras.tree.map_structure(lambda x: x.shape, dataset[0])
        assert shapes == keras.tree.map_structure(lambda x: x.shape, expected)
