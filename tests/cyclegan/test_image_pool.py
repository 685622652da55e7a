import keras
import numpy as np
import pytest

from keras_mri_cyclegan.cyclegan.image_pool import ImagePool


def numbered(first, count, shape=(4, 4, 1)):
    """Return images that hold their own number in every pixel."""
    numbers = np.arange(first, first + count, dtype="float32")
    return np.broadcast_to(numbers.reshape(-1, *[1] * len(shape)), (count, *shape)).copy()


def numbers(images):
    images = keras.ops.convert_to_numpy(images)
    flat = images.reshape(len(images), -1)
    assert (flat == flat[:, :1]).all(), "an image was mixed with another"
    return flat[:, 0].astype(int).tolist()


def test_first_images_are_kept_and_handed_on():
    pool = ImagePool(size=5, seed=0)
    assert numbers(pool(numbered(1, 3))) == [1, 2, 3]
    assert numbers(pool(numbered(4, 2))) == [4, 5]
    assert sorted(numbers(pool.images)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("shape", [(4, 4, 1), (2, 3, 4, 2)])
def test_a_full_pool_exchanges_or_hands_on(shape):
    pool = ImagePool(size=3, seed=0)
    pool(numbered(1, 3, shape))
    exchanged = 0
    for number in range(4, 64):
        before = numbers(pool.images)
        (found,) = numbers(pool(numbered(number, 1, shape)))
        if found == number:
            assert numbers(pool.images) == before
        else:
            exchanged += 1
            slot = before.index(found)
            assert numbers(pool.images) == [*before[:slot], number, *before[slot + 1 :]]
    assert 14 < exchanged < 46  # 30 expected, with a standard deviation of 4


def test_every_slot_is_exchanged():
    pool = ImagePool(size=4, seed=0)
    pool(numbered(1, 4))
    pool(numbered(100, 200))
    assert min(numbers(pool.images)) >= 100


def test_a_batch_larger_than_the_pool_loses_no_image_twice():
    pool = ImagePool(size=2, seed=3)
    found = numbers(pool(numbered(1, 50)))
    kept = numbers(pool.images)
    # Every image is handed on at most once but for the two that filled the pool, which are handed
    # on at once and may come again.
    assert len(set(found)) >= 48
    assert set(found) | set(kept) == set(range(1, 51))


def test_the_pool_passes_no_gradient():
    from gradients import gradients

    pool = ImagePool(size=2, seed=0)
    pool.build((None, 4, 4, 1))
    images = keras.Variable(numbered(1, 1))
    (gradient,) = gradients(
        lambda: keras.ops.sum(pool(images.value)) + keras.ops.sum(images.value), [images]
    )
    np.testing.assert_array_equal(gradient, np.ones((1, 4, 4, 1)))


def test_the_seed_repeats_the_choices():
    def run(seed):
        pool = ImagePool(size=3, seed=seed)
        return [numbers(pool(numbered(first, 20))) for first in range(1, 80, 20)]

    assert run(5) == run(5)
    assert run(5) != run(6)


def test_state_is_saved_with_its_random_numbers(tmp_path):
    def model():
        image = keras.Input((4, 4, 1))
        return keras.Model(image, ImagePool(size=3, seed=1, name="pool")(image))

    first, second = model(), model()
    for start in range(1, 21, 2):
        first(numbered(start, 2))
    first.save_weights(tmp_path / "pool.weights.h5")
    second.load_weights(tmp_path / "pool.weights.h5")
    for start in range(21, 61, 2):
        batch = numbered(start, 2)
        assert numbers(first(batch)) == numbers(second(batch))


def test_half_precision_policy_keeps_float32():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        pool = ImagePool(size=2, seed=0)
        image = np.full((1, 4, 4, 1), 0.123456789, "float32")
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(pool(image)), image)
    finally:
        keras.config.set_dtype_policy("float32")


def test_config():
    pool = ImagePool.from_config(ImagePool(size=7, seed=2, name="past").get_config())
    assert (pool.size, pool.seed, pool.name) == (7, 2, "past")
