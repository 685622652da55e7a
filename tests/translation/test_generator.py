import keras
import numpy as np
import pytest
from small import cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.translation.generator import (
    ROOM,
    batch_for,
    check_channels,
    pick_generator,
    predictor,
    size_multiple,
    window_size,
)


def unet(shape, depth):
    return kmc.unet_generator(shape, depth=depth, filters=2, name=f"unet_{depth}")


def resnet(shape):
    return kmc.resnet_generator(shape, blocks=1, filters=2)


def strided_shortcuts():
    """Return a network that halves twice, each time in two ways at once."""
    x = image = keras.Input((None, None, 1))
    for _ in range(2):
        convolved = keras.layers.Conv2D(2, 3, strides=2, padding="same")(x)
        x = convolved + keras.layers.Conv2D(2, 1, strides=2, padding="same")(x)
    x = keras.layers.UpSampling2D(4)(x)
    return keras.Model(image, keras.layers.Conv2D(1, 1)(x))


def nested():
    image = keras.Input((None, None, 1))
    return keras.Model(image, unet((None, None, 1), 2)(unet((None, None, 1), 3)(image)))


def flat_strides():
    image = keras.Input((None, None, None, 1))
    x = keras.layers.Conv3D(2, 3, strides=(1, 2, 2), padding="same")(image)
    return keras.Model(image, keras.layers.Conv3DTranspose(1, 3, (1, 2, 2), padding="same")(x))


def pooled():
    image = keras.Input((None, None, 1))
    x = keras.layers.MaxPooling2D(3)(image)
    return keras.Model(image, keras.layers.UpSampling2D(3)(x))


@pytest.mark.parametrize(
    ("network", "multiple"),
    [
        (lambda: unet((None, None, 1), 2), (4, 4)),
        (lambda: unet((None, None, 1), 4), (16, 16)),
        (lambda: unet((None, None, None, 1), 2), (4, 4, 4)),
        (lambda: resnet((None, None, 1)), (4, 4)),
        (lambda: keras.Sequential([keras.Input((None, None, 1)), keras.layers.ReLU()]), (1, 1)),
        (strided_shortcuts, (4, 4)),
        (nested, (8, 8)),  # one after the other: 8 divides what 4 divides
        (flat_strides, (1, 2, 2)),
        (pooled, (3, 3)),
    ],
)
def test_size_multiple_is_what_the_strides_need(network, multiple):
    assert size_multiple(network()) == multiple


@pytest.mark.parametrize("size", [(1, 1), (3, 5), (4, 9), (17, 31), (32, 16)])
@pytest.mark.parametrize(
    "network", [lambda: unet((None, None, 1), 3), lambda: resnet((None, None, 1)), nested]
)
def test_a_network_of_any_size_gives_its_window_back(network, size):
    network = network()
    window = window_size(network, size)
    assert all(wide >= narrow for wide, narrow in zip(window, size, strict=True))
    assert network(np.zeros((1, *window, 1), "float32")).shape[1:-1] == window


def test_the_window_is_no_larger_than_it_has_to_be():
    assert window_size(unet((None, None, 1), 3), (17, 32)) == (24, 32)
    assert window_size(resnet((None, None, 1)), (181, 217)) == (184, 220)
    assert window_size(unet((None, 16, 1), 2), (17, 32)) == (20, 16)
    assert window_size(unet((None,) * 3 + (1,), 2), (50, 9, 50), (16, 16, 14)) == (16, 12, 16)


def test_a_network_that_changes_the_size_is_an_error():
    smaller = kmc.patchgan_discriminator((None, None, 1), layers=1, filters=2)
    with pytest.raises(ValueError, match="does not preserve the size"):
        window_size(smaller, (32, 32))
    valid = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(1, 3)])
    with pytest.raises(ValueError, match=r"returns \(14, 14\)"):
        window_size(valid, (32, 32))


@pytest.mark.backend
def test_the_direction_picks_the_generator():
    model = cyclegan()
    assert pick_generator(model, "ab") is model.generator_ab
    assert pick_generator(model, "ba") is model.generator_ba
    assert pick_generator(model.generator_ba, "ab") is model.generator_ba


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("model.keras", r"load_model"),
        (None, "must be a CycleGAN"),
        (keras.Sequential([keras.layers.ReLU()]), "must take one image"),
        (keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)]), "must take one image"),
    ],
)
def test_what_is_no_generator_is_an_error(model, message):
    with pytest.raises(ValueError, match=message):
        pick_generator(model, "ab")


def test_another_direction_is_an_error():
    with pytest.raises(ValueError, match="`direction` must be one of 'ab', 'ba'"):
        pick_generator(unet((8, 8, 1), 2), "a")


def test_rank_and_channels_have_to_fit():
    check_channels(unet((8, 8, 3), 2), 3, 2, "Slices(neighbours=1)")
    with pytest.raises(ValueError, match="extracts 3-D images, but the network takes 2-D"):
        check_channels(unet((8, 8, 1), 2), 1, 3, "Patches()")
    with pytest.raises(ValueError, match=r"3 channel\(s\), but the network takes 1"):
        check_channels(unet((8, 8, 1), 2), 3, 2, "Slices(neighbours=1)")
    two = kmc.unet_generator((8, 8, 3), depth=2, filters=2, output_channels=2)
    with pytest.raises(ValueError, match="returns 2 channels"):
        check_channels(two, 3, 2, "Slices(neighbours=1)")


def test_of_neighbouring_slices_the_middle_is_the_translation():
    same = keras.Sequential([keras.Input((4, 4, 3)), keras.layers.Activation("linear")])
    batch = np.random.default_rng(0).normal(size=(2, 4, 4, 3)).astype("float32")
    assert np.array_equal(predictor(same)(batch), batch[..., 1:2])


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_and_infinity_are_an_error(value):
    layer = keras.layers.Conv2D(1, 1)
    network = keras.Sequential([keras.Input((4, 4, 1)), layer])
    layer.bias.assign([value])
    with pytest.raises(ValueError, match="returned 32 of 32 values that are NaN"):
        predictor(network)(np.zeros((2, 4, 4, 1), "float32"))


@pytest.mark.backend
def test_the_prediction_is_the_networks_in_inference():
    network = kmc.unet_generator((16, 16, 1), depth=3, filters=2, dropout=0.5)
    batch = np.random.default_rng(0).uniform(-1, 1, (2, 16, 16, 1)).astype("float32")
    expected = keras.ops.convert_to_numpy(network(batch, training=False))
    np.testing.assert_allclose(predictor(network)(batch), expected, atol=1e-5)


def test_batches_are_as_large_as_the_largest_layer_allows():
    # Its largest layer: 4 filters at full size.
    network = kmc.resnet_generator((None, None, 1), blocks=1, filters=4)
    assert batch_for(network, (16, 16)) == 16
    # A border that is reflected comes before convolutions, with as many channels as these take.
    side = int((ROOM / 4 / 4 / 3) ** 0.5) // 4 * 4 - 8
    assert batch_for(network, (side, side)) == 3
    assert batch_for(network, (3 * side, 3 * side)) == 1
    assert batch_for(nested(), (16, 16)) >= 1
