import re

import keras
import numpy as np
import pytest

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.networks import parts


@pytest.mark.parametrize(
    ("arguments", "shape", "expected"),
    [
        ({"filters": 4}, (64, 64, 1), (64, 64, 1)),
        ({"filters": 4, "depth": 3}, (24, 40, 1), (24, 40, 1)),
        ({"filters": 4, "depth": 3, "output_channels": 1}, (16, 16, 3), (16, 16, 1)),
        ({"filters": 4, "depth": 2, "upsampling": "resize"}, (16, 16, 2), (16, 16, 2)),
        ({"filters": 4, "depth": 2, "normalization": None}, (16, 16, 1), (16, 16, 1)),
        ({"filters": 4, "depth": 2, "normalization": "batch"}, (16, 16, 1), (16, 16, 1)),
        ({"filters": 2, "depth": 3}, (8, 16, 16, 1), (8, 16, 16, 1)),
        ({"filters": 4, "depth": 2, "full_resolution": True}, (16, 16, 3), (16, 16, 3)),
        ({"filters": 2, "depth": 2, "full_resolution": True}, (8, 8, 8, 1), (8, 8, 8, 1)),
        ({"filters": 2, "depth": 2, "upsampling": "resize"}, (8, 8, 8, 1), (8, 8, 8, 1)),
    ],
)
def test_shape_and_range(arguments, shape, expected):
    network = kmc.unet_generator(shape, **arguments)
    images = np.random.default_rng(0).uniform(-1, 1, (2, *shape)).astype("float32")
    translated = network.predict(images, verbose=0)
    assert translated.shape == (2, *expected)
    assert translated.dtype == np.float32
    assert np.abs(translated).max() <= 1
    assert translated.std() > 0


@pytest.fixture
def zeros(monkeypatch):
    """Let kernels begin with zeros, where shapes are looked at: random numbers take seconds."""
    monkeypatch.setattr(parts, "initializer", lambda: "zeros")


def test_defaults_are_the_unet_256_of_pix2pix(zeros):
    network = kmc.unet_generator((256, 256, 1))
    assert len([layer for layer in network.layers if layer.name.endswith("_skip")]) == 7
    assert network.get_layer("down_7").output.shape == (None, 1, 1, 512)
    assert network.count_params() == independent_parameter_count()
    assert round(network.count_params() / 1e6, 1) == 54.4


def independent_parameter_count(kernel=16):
    """Count by hand: kernel weights, a bias where nothing normalises, else gamma and beta."""
    down = [(1, 64), (64, 128), (128, 256), (256, 512)] + [(512, 512)] * 4
    up = [(512, 512)] + [(1024, 512)] * 3 + [(1024, 256), (512, 128), (256, 64)]
    total = sum(kernel * i * o for i, o in down + up) + kernel * 128 * 1
    biases = 64 + 512 + 1
    gammas_and_betas = 2 * sum(o for _, o in down[1:-1] + up)
    return total + biases + gammas_and_betas


@pytest.mark.parametrize(
    ("shape", "depth"),
    [
        ((512, 512, 1), 8),
        ((256, 256, 1), 8),
        ((224, 192, 1), 5),
        ((128, 128, 1), 7),
        ((96, 160, 1), 5),
        ((64, 128, 1), 6),
        ((4, 8, 1), 2),
        ((None, None, 1), 8),
    ],
)
def test_default_depth_is_as_deep_as_the_sizes_allow(zeros, shape, depth):
    network = kmc.unet_generator(shape, filters=1)
    assert len([w for w in network.layers if re.fullmatch(r"down_\d", w.name)]) == depth


@pytest.mark.parametrize(
    ("shape", "halvings", "bottleneck"),
    [
        ((20, 256, 256, 1), (2, 8, 8), (5, 1, 1)),
        ((24, 256, 256, 1), (3, 8, 8), (3, 1, 1)),
        ((28, 320, 320, 1), (2, 6, 6), (7, 5, 5)),
        ((3, 64, 64, 1), (0, 6, 6), (3, 1, 1)),
        ((256, 20, 256, 1), (8, 2, 8), (1, 5, 1)),
        ((48, 256, 1), (4, 8), (3, 1)),
        ((16, 448, 1), (4, 6), (1, 7)),
        ((16, 192, 1), (4, 6), (1, 3)),
        ((None, 20, 256, 1), (8, 2, 8), (None, 5, 1)),
        ((32, 256, 256, 1), (5, 5, 5), (1, 8, 8)),  # one depth for all is deep enough
    ],
)
@pytest.mark.parametrize("upsampling", ["transpose", "resize"])
def test_default_depth_of_axes_that_differ(zeros, shape, halvings, bottleneck, upsampling):
    network = kmc.unet_generator(shape, filters=1, upsampling=upsampling)
    down = [layer for layer in network.layers if re.fullmatch(r"down_\d", layer.name)]
    assert len(down) == max(halvings)
    assert tuple(np.log2(np.prod([layer.strides for layer in down], 0)).astype(int)) == halvings
    assert down[-1].output.shape[1:-1] == bottleneck
    assert network.output_shape == (None, *shape)
    for layer in down:
        assert layer.kernel_size == tuple(
            2 + stride if stride == 2 else 3 for stride in layer.strides
        )


def test_slices_are_halved_where_the_plane_is_as_small_as_they_are(zeros):
    network = kmc.unet_generator((20, 256, 256, 1), filters=1)
    strides = [layer.strides for layer in network.layers if re.fullmatch(r"down_\d", layer.name)]
    assert [depth for depth, _, _ in strides] == [1, 1, 1, 2, 2, 1, 1, 1]
    assert all(plane == (2, 2) for plane in (one[1:] for one in strides))


@pytest.mark.parametrize("upsampling", ["transpose", "resize"])
def test_a_thin_volume_goes_through_and_has_gradients(upsampling):
    network = kmc.unet_generator((5, 32, 32, 1), filters=1, upsampling=upsampling, dropout=0)
    images = np.random.default_rng(0).uniform(-1, 1, (1, 5, 32, 32, 1)).astype("float32")
    assert network.predict(images, verbose=0).shape == images.shape
    network.compile("sgd", "mse")
    assert np.isfinite(network.train_on_batch(images, images))


@pytest.mark.parametrize("shape", [(100, 256, 1), (16, 250, 250, 1), (None, 100, 256, 1)])
def test_sizes_that_leave_too_many_pixels_are_an_error(shape):
    with pytest.raises(ValueError, match=r"`input_shape` must have sizes divisible .* would fit"):
        kmc.unet_generator(shape, filters=1)


def test_volume_of_64_needs_no_further_argument(zeros):
    network = kmc.unet_generator((64, 64, 64, 1), filters=1)
    assert network.output_shape == (None, 64, 64, 64, 1)


def test_skips_carry_detail_past_the_bottleneck():
    """A change in one pixel changes the translation there most, through the first skip."""
    network = kmc.unet_generator((32, 32, 1), filters=4, normalization=None, dropout=0)
    images = np.zeros((1, 32, 32, 1), "float32")
    touched = images.copy()
    touched[0, 9, 20, 0] = 1
    change = np.abs(network.predict(touched, verbose=0) - network.predict(images, verbose=0))
    row, column = np.unravel_index(change[0, :, :, 0].argmax(), (32, 32))
    assert abs(row - 9) <= 3
    assert abs(column - 20) <= 3


def test_full_resolution_sees_single_pixels():
    """A change in one pixel reaches its own place by a way of 3 x 3 convolutions alone."""
    network = kmc.unet_generator(
        (16, 16, 1), depth=2, filters=4, normalization=None, full_resolution=True
    )
    for layer in ("down_0", "up_full"):  # cut every way but that at the image's own size
        part = network.get_layer(layer)
        part.set_weights([0 * weight for weight in part.get_weights()])
    images = np.zeros((1, 16, 16, 1), "float32")
    touched = images.copy()
    touched[0, 8, 8, 0] = 1
    change = np.abs(network.predict(touched, verbose=0) - network.predict(images, verbose=0))
    rows = np.flatnonzero(change[0, :, :, 0].sum(axis=1))
    assert (rows.min(), rows.max()) == (5, 11)


def test_dropout_is_active_in_training_alone():
    network = kmc.unet_generator((16, 16, 1), filters=8, depth=2, dropout=0.5)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 1)).astype("float32")
    first, second = (keras.ops.convert_to_numpy(network(image, training=True)) for _ in range(2))
    assert np.abs(first - second).max() > 0
    first, second = (keras.ops.convert_to_numpy(network(image, training=False)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert not any(
        "dropout" in w.name for w in kmc.unet_generator((32, 32, 1), filters=1, dropout=0).layers
    )


def test_widths_of_ones_own():
    network = kmc.unet_generator((32, 32, 1), filters=(3, 5, 4), normalization=None)
    kernels = {w.path: w.shape for w in network.weights if w.name == "kernel"}
    assert kernels == {
        "down_0/kernel": (4, 4, 1, 3),
        "down_1/kernel": (4, 4, 3, 5),
        "down_2/kernel": (4, 4, 5, 4),
        "up_1/kernel": (4, 4, 5, 4),
        "up_0/kernel": (4, 4, 3, 10),
        "output/kernel": (4, 4, 1, 6),
    }


def test_variant_of_the_tutorials(zeros):
    """`unet_generator(3, norm_type="instancenorm")`, whose weights were counted in Keras 2."""
    network = kmc.unet_generator(
        (256, 256, 3), normalize_bottleneck=True, negative_slope=0.3, use_bias=False
    )
    assert network.count_params() == 54_414_979
    assert [w.path for w in network.weights if w.name == "bias"] == ["output/bias"]
    assert network.get_layer("down_7_norm").epsilon == 1e-5
    assert network.get_layer("down_3_act").negative_slope == 0.3


def test_number_of_dropout_blocks():
    for blocks, expected in (
        (0, []),
        (1, ["up_3_dropout"]),
        (9, [f"up_{k}_dropout" for k in (3, 2, 1, 0)]),
    ):
        network = kmc.unet_generator((32, 32, 1), filters=1, dropout_blocks=blocks)
        names = [w.name for w in network.layers if isinstance(w, keras.layers.Dropout)]
        assert names == expected


def test_normalization_like_a_given_layer():
    """Same arguments, but each its own layer with weights and initial numbers of its own."""
    pattern = kmc.layers.InstanceNormalization(
        epsilon=1e-3, gamma_initializer=keras.initializers.RandomNormal(0.0, 0.02)
    )
    network = kmc.unet_generator((32, 32, 1), filters=(4, 4, 4), normalization=pattern)
    layers = [w for w in network.layers if isinstance(w, kmc.layers.InstanceNormalization)]
    assert [layer.name for layer in layers] == ["down_1_norm", "up_1_norm", "up_0_norm"]
    assert all(layer.epsilon == 1e-3 and layer is not pattern for layer in layers)
    gammas = [keras.ops.convert_to_numpy(layer.gamma) for layer in layers]
    assert all(0 < np.abs(gamma).max() < 0.2 for gamma in gammas)
    assert len({gamma.tobytes() for gamma in gammas}) == 3
    assert not pattern.built


def test_saved_network_gives_the_same_translation(tmp_path):
    network = kmc.unet_generator((16, 16, 1), depth=3, filters=4)
    image = np.random.default_rng(0).uniform(-1, 1, (1, 16, 16, 1)).astype("float32")
    network.save(tmp_path / "generator.keras")
    loaded = keras.models.load_model(tmp_path / "generator.keras")
    np.testing.assert_array_equal(
        loaded.predict(image, verbose=0), network.predict(image, verbose=0)
    )


@pytest.mark.parametrize(
    ("shape", "arguments", "message"),
    [
        ((256,), {}, r"`input_shape` must be \(height, width, channels\)"),
        (256, {}, "`input_shape` must be"),
        ((256, 256), {}, "`input_shape` must be"),
        ((256, 256, None), {}, "`input_shape` must be an integer"),
        ((100, 128, 1), {"depth": 3}, r"\(96, 128, 1\) or \(104, 128, 1\) would fit"),
        ((181, 217, 1), {}, r"\(128, 128, 1\) or \(256, 256, 1\) would fit"),
        ((100, 100, 1), {}, r"\(64, 64, 1\) or \(128, 128, 1\) would fit"),
        ((4, 8, 1), {"depth": 4}, r"\(16, 16, 1\) would fit"),
        ((64, 64, 1), {"depth": 1}, "`depth` must be an integer of at least 2"),
        ((64, 64, 1), {"depth": 2.0}, "`depth` must be an integer"),
        ((64, 64, 1), {"filters": 0}, "`filters` must be"),
        ((64, 64, 1), {"filters": (2, 0)}, "`filters` must be"),
        ((64, 64, 1), {"filters": (2, 4), "depth": 3}, "one entry for each of the 3 levels"),
        ((64, 64, 1), {"dropout_blocks": -1}, "`dropout_blocks` must be"),
        ((64, 64, 1), {"normalize_bottleneck": 1.5}, "`normalize_bottleneck` must be one of"),
        ((64, 64, 1), {"negative_slope": "steep"}, "`negative_slope` must be"),
        ((64, 64, 1), {"use_bias": None}, "`use_bias` must be one of"),
        ((64, 64, 1), {"output_channels": 0}, "`output_channels` must be"),
        ((64, 64, 1), {"dropout": 1.0}, "`dropout` must be"),
        (
            (64, 64, 1),
            {"upsampling": "bilinear"},
            "`upsampling` must be one of 'transpose', 'resize'",
        ),
        ((64, 64, 1), {"full_resolution": "yes"}, "`full_resolution` must be one of True, False"),
        ((64, 64, 1), {"normalization": "layer"}, "`normalization` must be one of"),
    ],
)
def test_bad_arguments(shape, arguments, message):
    with pytest.raises(ValueError, match=message):
        kmc.unet_generator(shape, **arguments)
