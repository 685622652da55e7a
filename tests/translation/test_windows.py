import itertools

import numpy as np
import pytest

from keras_mri_cyclegan.translation.windows import count_batches, translate_windows

SIZES = [  # of an image, of a window: smaller, equal, larger, mixed, in three dimensions
    ((5, 7), (8, 8)),
    ((8, 8), (8, 8)),
    ((9, 21), (8, 8)),
    ((6, 31), (9, 7)),
    ((1, 1), (4, 4)),
    ((11, 5, 13), (4, 8, 6)),
]


def random_images(*shape):
    return np.random.default_rng(0).uniform(-1, 1, shape).astype("float32")


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.5, 0.9])
@pytest.mark.parametrize(("size", "window"), SIZES)
def test_windows_that_agree_give_the_image_back(size, window, overlap):
    images = random_images(3, *size, 1)
    result = translate_windows(images, np.copy, window, overlap, batch_size=4)
    assert result.dtype == "float32"
    np.testing.assert_allclose(result, images, rtol=0, atol=1e-6)


def test_a_single_window_gives_the_image_back_bit_for_bit():
    images = random_images(3, 5, 8, 2)
    assert np.array_equal(translate_windows(images, np.copy, (9, 8)), images)


def test_an_image_is_centred_in_its_window_and_surrounded_by_background():
    seen = []
    images = np.ones((1, 2, 3, 1), "float32")
    translate_windows(images, lambda batch: seen.append(batch.copy()) or batch, (4, 6))
    expected = np.full((4, 6), -1.0)
    expected[1:3, 1:4] = 1
    assert np.array_equal(seen[0][0, ..., 0], expected)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 100])
def test_every_batch_has_the_same_shape_and_none_is_too_large(batch_size):
    shapes = []

    def predict(batch):
        shapes.append(batch.shape)
        return batch

    images = random_images(3, 9, 12, 1)
    result = translate_windows(images, predict, (8, 8), 0.5, batch_size)
    assert len(set(shapes)) == 1
    assert shapes[0][0] <= batch_size
    assert len(shapes) == count_batches(images.shape, (8, 8), 0.5, batch_size)
    np.testing.assert_allclose(result, images, rtol=0, atol=1e-6)


def test_the_progress_bar_is_told_of_every_batch():
    calls = []
    translate_windows(
        random_images(5, 8, 8, 1),
        np.copy,
        (8, 8),
        batch_size=2,
        after_batch=lambda: calls.append(1),
    )
    assert len(calls) == count_batches((5, 8, 8, 1), (8, 8), 0.5, 2) == 3


@pytest.mark.parametrize(("size", "window"), SIZES)
def test_blending_is_the_mean_weighted_by_hann_windows(size, window):
    """A network whose output depends on where in the window a pixel is, against float64."""
    ramp = random_images(*window, 1)
    images = np.zeros((1, *size, 1), "float32")
    result = translate_windows(images, lambda batch: ramp[None] + 0 * batch, window, 0.5)

    fades = [np.sin(np.pi * (np.arange(n) + 0.5) / n) ** 2 for n in window]
    fade = np.ones(())
    for axis in fades:
        fade = fade[..., None] * axis
    total, weight = np.zeros(size), np.zeros(size)
    starts = []
    for n, w in zip(size, window, strict=True):
        # At equal distances, none of them more than half a window (an integer of pixels).
        count = 1 + int(np.ceil(max(n - w, 0) / max(w // 2, 1)))
        starts.append([round(x) for x in np.linspace(0, n - w, count)] if n > w else [(n - w) / 2])
    for corner in itertools.product(*starts):
        corner = [-int(-first) if first < 0 else first for first in corner]
        for pixel in itertools.product(*map(range, window)):
            at = tuple(int(c + p) for c, p in zip(corner, pixel, strict=True))
            if all(0 <= a < n for a, n in zip(at, size, strict=True)):
                total[at] += fade[pixel] * ramp[pixel][0]
                weight[at] += fade[pixel]
    np.testing.assert_allclose(result[0, ..., 0], total / weight, atol=1e-6)


def test_there_is_no_seam():
    """Each window is a ramp from -1 to 1: set side by side, they would jump by 2."""
    ramp = np.linspace(-1, 1, 32, dtype="float32")[None, None, :, None]
    images = np.zeros((1, 4, 100, 1), "float32")
    result = translate_windows(images, lambda batch: ramp + 0 * batch, (4, 32), 0.5)
    assert np.abs(np.diff(result[0, 0, :, 0])).max() < 0.15


def test_images_do_not_mix():
    images = np.arange(7, dtype="float32").reshape(7, 1, 1, 1) * np.ones((1, 9, 9, 1), "float32")
    result = translate_windows(images, lambda batch: 2 * batch, (8, 8), 0.5, batch_size=3)
    np.testing.assert_allclose(result, 2 * images, rtol=1e-6)


def test_the_output_may_have_fewer_channels():
    images = random_images(2, 9, 9, 3)
    result = translate_windows(images, lambda batch: batch[..., 1:2], (8, 8))
    np.testing.assert_allclose(result, images[..., 1:2], rtol=0, atol=1e-6)


def test_no_image_is_an_error():
    with pytest.raises(ValueError, match="holds no image"):
        translate_windows(np.zeros((0, 8, 8, 1), "float32"), np.copy, (8, 8))
