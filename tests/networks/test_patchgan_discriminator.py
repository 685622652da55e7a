import keras
import numpy as np
import pytest
from gradients import gradients

import keras_mri_cyclegan as kmc


@pytest.mark.parametrize(("layers", "expected"), [(1, 16), (2, 34), (3, 70), (4, 142)])
def test_receptive_field_by_gradient(layers, expected):
    """The pixels that one logit depends on are those that get a gradient from it."""
    size = 200
    network = kmc.patchgan_discriminator(
        (size, size, 1), layers=layers, filters=1, normalization=None
    )
    # Positive weights, so that no path cancels another.
    network.set_weights([np.full(w.shape, 0.1) for w in network.get_weights()])
    image = keras.Variable(np.zeros((1, size, size, 1), "float32"))
    middle = network.output_shape[1] // 2
    (gradient,) = gradients(lambda: network(image.value)[0, middle, middle, 0], [image])
    rows = np.flatnonzero(np.abs(gradient[0, :, :, 0]).sum(axis=1))
    columns = np.flatnonzero(np.abs(gradient[0, :, :, 0]).sum(axis=0))
    assert np.ptp(rows) + 1 == len(rows) == expected
    assert np.ptp(columns) + 1 == len(columns) == expected


@pytest.mark.parametrize(
    ("shape", "arguments", "expected"),
    [
        ((256, 256, 1), {}, (30, 30, 1)),
        ((256, 256, 1), {"layers": 1}, (126, 126, 1)),
        ((256, 256, 1), {"layers": 2}, (62, 62, 1)),
        ((256, 256, 1), {"layers": 4}, (14, 14, 1)),
        ((181, 217, 2), {}, (20, 25, 1)),
        ((24, 24, 1), {}, (1, 1, 1)),
        ((12, 16, 20, 1), {"layers": 2}, (1, 2, 3, 1)),
        ((16, 16, 1), {"layers": 1, "spectral_normalization": True}, (6, 6, 1)),
        ((8, 8, 8, 1), {"layers": 1, "spectral_normalization": True}, (2, 2, 2, 1)),
        ((16, 16, 1), {"layers": 1, "normalization": "batch"}, (6, 6, 1)),
    ],
)
def test_logits(shape, arguments, expected):
    network = kmc.patchgan_discriminator(shape, **{"filters": 2, **arguments})
    images = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype("float32")
    logits = network.predict(images, verbose=0)
    assert logits.shape == (2, *expected)
    assert logits.dtype == np.float32


def test_parameters_of_the_papers_network():
    network = kmc.patchgan_discriminator((256, 256, 1))
    kernels = 16 * (1 * 64 + 64 * 128 + 128 * 256 + 256 * 512 + 512 * 1)
    assert network.count_params() == kernels + 64 + 1 + 2 * (128 + 256 + 512)


def test_size_may_be_left_open():
    network = kmc.patchgan_discriminator((None, None, 1), filters=2)
    for size in (70, 96):
        logits = network.predict(np.zeros((1, size, size, 1), "float32"), verbose=0)
        closed = kmc.patchgan_discriminator((size, size, 1), filters=2)
        assert logits.shape[1:] == closed.output_shape[1:]


def test_spectral_normalisation_bounds_every_kernel():
    network = kmc.patchgan_discriminator(
        (32, 32, 1), layers=2, filters=4, normalization=None, spectral_normalization=True
    )
    network.set_weights([w * 50 for w in network.get_weights()])
    images = np.random.default_rng(0).uniform(-1, 1, (2, 32, 32, 1)).astype("float32")
    for _ in range(50):
        network(images, training=True)
    wrapped = [w for w in network.layers if isinstance(w, kmc.layers.SpectralNormalization)]
    assert len(wrapped) == 4
    for layer in wrapped:
        kernel = keras.ops.convert_to_numpy(layer.normalized_weights()[1])
        largest = np.linalg.svd(kernel.reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
        assert largest == pytest.approx(1, abs=0.02)


def test_padding_same_of_the_keras_example():
    """`get_discriminator` of the Keras example: 32 x 32 logits of an image of 256 x 256."""
    network = kmc.patchgan_discriminator((256, 256, 1), filters=2, padding="same")
    assert network.output_shape == (None, 32, 32, 1)
    assert not any(isinstance(layer, keras.layers.ZeroPadding2D) for layer in network.layers)


def test_no_bias_but_the_last_and_another_slope():
    network = kmc.patchgan_discriminator((64, 64, 1), filters=2, use_bias=False, negative_slope=0.3)
    assert [w.path for w in network.weights if w.name == "bias"] == ["patch/bias"]
    leaky = [w for w in network.layers if isinstance(w, keras.layers.LeakyReLU)]
    assert [layer.negative_slope for layer in leaky] == [0.3] * 4


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((23, 64, 1), {}, "sizes of at least 24.*or choose fewer `layers`"),
        ((64, 64), {}, "`input_shape` must be"),
        ((64, 64, 1), {"layers": 0}, "`layers` must be"),
        ((64, 64, 1), {"normalization": "spectral"}, "`normalization` must be one of"),
        ((64, 64, 1), {"spectral_normalization": "yes"}, "`spectral_normalization` must be one of"),
        ((64, 64, 1), {"negative_slope": -0.1}, "`negative_slope` must be"),
        ((64, 64, 1), {"use_bias": "no"}, "`use_bias` must be one of True, False"),
        ((64, 64, 1), {"padding": "valid"}, "`padding` must be one of 'border', 'same'"),
    ],
)
def test_bad_arguments(shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        kmc.patchgan_discriminator(shape, **arguments)
