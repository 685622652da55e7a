import keras
import numpy as np
import pytest
from keras import ops
from small import images

import keras_mri_cyclegan as kmc

AIR = -1.0


def seen(layer, batch):
    return ops.convert_to_numpy(layer(batch))


def shifted(image, down, right):
    """Shift by whole pixels, air moving in: slicing alone, no matrices."""
    height, width = image.shape[:2]
    out = np.full_like(image, AIR)
    out[max(down, 0) : height + min(down, 0), max(right, 0) : width + min(right, 0)] = image[
        max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)
    ]
    return out


def test_every_result_is_a_shift_of_the_image_and_every_shift_occurs():
    image = images(1, (8, 12, 2))[0]
    expected = {
        shifted(view, down, right).tobytes(): (down, right, flip)
        for flip, view in enumerate((image, image[:, ::-1]))
        for down in range(-2, 3)
        for right in range(-3, 4)
    }
    layer = kmc.layers.DifferentiableAugmentation(shift=0.25, seed=0)
    found = seen(layer, np.repeat(image[None], 2000, axis=0))
    # Adding and taking off the air's -1 may round in the last digit.
    keys = np.array([np.frombuffer(key, "float32") for key in expected])
    values = list(expected.values())
    counts = dict.fromkeys(values, 0)
    for row in found.reshape(len(found), -1):
        distances = np.abs(keys - row).max(axis=1)
        assert distances.min() < 1e-6
        counts[values[int(distances.argmin())]] += 1
    assert len(counts) == 2 * 5 * 7
    # 2,000 draws over 70 equally likely cells: mean 28.6, five standard deviations are 27.
    assert min(counts.values()) > 3
    assert max(counts.values()) < 56


def test_volumes_move_along_every_axis():
    layer = kmc.layers.DifferentiableAugmentation(shift=0.3, flip=False, seed=0)
    volume = np.full((400, 4, 4, 4, 1), AIR, "float32")
    volume[:, 2, 2, 2] = 1.0
    places = np.argwhere(seen(layer, volume)[..., 0] > 0)
    assert len(places) == 400
    assert all(set(places[:, axis]) == {1, 2, 3} for axis in (1, 2, 3))


def test_without_anything_to_do_it_is_the_identity():
    batch = images(3)
    layer = kmc.layers.DifferentiableAugmentation(shift=0.0, flip=False)
    np.testing.assert_allclose(seen(layer, batch), batch, atol=1e-6)


def test_cutout_is_a_box_of_air():
    layer = kmc.layers.DifferentiableAugmentation(shift=0.0, flip=False, cutout=0.25, seed=0)
    holes = seen(layer, np.full((50, 16, 20, 1), 0.5, "float32"))[..., 0] == AIR
    assert set(holes.sum(axis=(1, 2))) == {4 * 5}
    assert set(holes.any(axis=2).sum(axis=1)) == {4}
    assert len({hole.tobytes() for hole in holes}) > 30


@pytest.mark.parametrize("shape", [(8, 8, 2), (4, 6, 8, 1)], ids=str)
def test_intensity_is_a_factor_of_the_signal(shape):
    batch = images(300, shape)
    batch[:, 0] = AIR
    layer = kmc.layers.DifferentiableAugmentation(shift=0.0, flip=False, intensity=0.2, seed=0)
    found = seen(layer, batch)
    np.testing.assert_allclose(found[:, 0], AIR, atol=1e-6)
    signal = (batch - AIR)[:, 1:].reshape(300, -1)
    factors = (found - AIR)[:, 1:].reshape(300, -1).sum(axis=1) / signal.sum(axis=1)
    expected = AIR + factors.reshape(300, *[1] * len(shape)) * (batch - AIR)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # Uniform in [0.8, 1.2]: mean 1, standard deviation 0.4 / √12.
    assert 0.8 <= factors.min() < 0.81
    assert 1.19 < factors.max() <= 1.2
    assert abs(factors.mean() - 1) < 0.02
    assert factors.std() == pytest.approx(0.4 / 12**0.5, rel=0.1)


@pytest.mark.parametrize(
    "arguments",
    [{"shift": 1.0}, {"shift": -0.1}, {"flip": "width"}, {"cutout": 1.5}, {"intensity": -0.1}],
)
def test_bad_arguments(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        kmc.layers.DifferentiableAugmentation(**arguments)


def test_open_sizes_are_refused():
    with pytest.raises(ValueError, match="known size"):
        kmc.layers.DifferentiableAugmentation()(keras.Input((None, 8, 1)))
