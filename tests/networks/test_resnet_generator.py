import keras
import numpy as np
import pytest

import keras_mri_cyclegan as kmc


@pytest.mark.parametrize(
    ("arguments", "shape", "expected"),
    [
        ({}, (32, 32, 1), (32, 32, 1)),
        ({"output_channels": 1}, (16, 24, 3), (16, 24, 1)),
        ({"upsampling": "resize"}, (16, 16, 1), (16, 16, 1)),
        ({"normalization": None, "dropout": 0.5}, (16, 16, 1), (16, 16, 1)),
        ({}, (8, 12, 16, 1), (8, 12, 16, 1)),
    ],
)
def test_shape_and_range(arguments, shape, expected):
    network = kmc.resnet_generator(shape, blocks=2, filters=4, **arguments)
    images = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype("float32")
    translated = network.predict(images, verbose=0)
    assert translated.shape == (2, *expected)
    assert translated.dtype == np.float32
    assert np.abs(translated).max() <= 1
    assert translated.std() > 0


def test_images_are_channels_last_whatever_keras_is_set_to():
    keras.config.set_image_data_format("channels_first")
    try:
        network = kmc.resnet_generator((16, 24, 1), blocks=1, filters=4)
    finally:
        keras.config.set_image_data_format("channels_last")
    assert network.output_shape == (None, 16, 24, 1)


def test_defaults_are_the_papers_network():
    network = kmc.resnet_generator((256, 256, 3))
    kernels = [(49 * 3, 64), (9 * 64, 128), (9 * 128, 256)] + [(9 * 256, 256)] * 18
    kernels += [(9 * 256, 128), (9 * 128, 64)]
    expected = sum(i * o + 2 * o for i, o in kernels) + 49 * 64 * 3 + 3
    assert network.count_params() == expected
    assert round(network.count_params() / 1e6, 1) == 11.4
    assert network.get_layer("residual_8_add").output.shape == (None, 64, 64, 256)


def test_no_border_is_filled_with_zeros():
    """A constant image stays constant up to its rim, which zeros around it would not allow."""
    network = kmc.resnet_generator(
        (32, 32, 1), blocks=2, filters=4, normalization=None, upsampling="resize"
    )
    first = network.get_layer("input").output
    last = network.get_layer("residual_1_add").output
    probe = type(network)(network.input, [first, last])
    first, last = probe.predict(np.full((1, 32, 32, 1), 0.7, "float32"), verbose=0)
    assert np.ptp(first, axis=(1, 2)).max() < 1e-6
    # The two strided convolutions are zero-padded on one side, as in Keras; columns before that
    # rim, which the residual blocks widen by four, are untouched.
    assert np.ptp(last[:, :3, :3], axis=(1, 2)).max() < 1e-6


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((30, 32, 1), {}, r"\(28, 32, 1\) or \(32, 32, 1\) would fit"),
        ((4, 32, 1), {}, "sizes of at least 8"),
        ((32, 32, 1), {"blocks": 0}, "`blocks` must be"),
        ((32, 32, 1), {"dropout": -0.1}, "`dropout` must be"),
        ((32,), {}, "`input_shape` must be"),
    ],
)
def test_bad_arguments(shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        kmc.resnet_generator(shape, **arguments)
