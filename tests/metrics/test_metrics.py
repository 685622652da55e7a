import keras
import numpy as np
import pytest
from keras import ops
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from keras_mri_cyclegan.metrics import PSNR, SSIM, psnr, ssim

SHAPES = [(3, 40, 33, 1), (2, 32, 24, 3), (2, 12, 16, 9, 2), (1, 7, 7, 1)]


def reference_psnr(y_true, y_pred, data_range):
    return [
        peak_signal_noise_ratio(a, b, data_range=data_range)
        for a, b in zip(y_true.astype("float64"), y_pred.astype("float64"), strict=True)
    ]


def reference_ssim(y_true, y_pred, data_range):
    return [
        structural_similarity(a, b, data_range=data_range, channel_axis=-1)
        for a, b in zip(y_true.astype("float64"), y_pred.astype("float64"), strict=True)
    ]


def noise(shape):
    generator = np.random.default_rng(1)
    a = generator.uniform(-1, 1, shape)
    return a, a + 0.3 * generator.normal(size=shape), 2.0, "float32"


def smooth(shape):
    a, b, _, _ = noise(shape)
    a = np.cumsum(a, axis=1) / 10
    return a, a + 0.1 * b, 2.0, "float32"


def nearly_constant_and_far_from_zero(shape):
    a, b, _, _ = noise(shape)
    return 1000 + 0.01 * a, 1000 + 0.01 * b, 0.1, "float32"


def constant(shape):
    return np.full(shape, 0.7), np.full(shape, 0.4), 2.0, "float32"


def half_precision(shape):
    a, b, _, _ = noise(shape)
    return 300 * a, 300 * b, 600.0, "float16"  # Its squares do not fit into float16


def eight_bit(shape):
    a = np.random.default_rng(1).integers(0, 256, shape)
    return a, 255 - a, 255, "uint8"


CONTENTS = [
    noise,
    smooth,
    nearly_constant_and_far_from_zero,
    constant,
    half_precision,
    eight_bit,
]


@pytest.mark.parametrize("content", CONTENTS, ids=lambda content: content.__name__)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_scikit_image(shape, content):
    a, b, data_range, dtype = content(shape)
    a, b = a.astype(dtype), b.astype(dtype)
    for function, reference in ((psnr, reference_psnr), (ssim, reference_ssim)):
        scores = function(a, b, data_range=data_range)
        assert keras.backend.standardize_dtype(scores.dtype) == "float32"
        expected = reference(a, b, data_range)
        np.testing.assert_allclose(ops.convert_to_numpy(scores), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_identical_images(shape):
    a = noise(shape)[0]
    assert ops.convert_to_numpy(psnr(a, a, data_range=2.0)).tolist() == [np.inf] * shape[0]
    assert ops.convert_to_numpy(ssim(a, a, data_range=2.0)).tolist() == [1.0] * shape[0]


def test_nan_in_one_image_leaves_the_others_alone():
    a, b, _, _ = noise((3, 16, 16, 1))
    b[1, 3, 4, 0] = np.nan
    for function in (psnr, ssim):
        scores = ops.convert_to_numpy(function(a, b, data_range=2.0))
        assert np.isnan(scores).tolist() == [False, True, False]


def test_channels_first_setting_changes_nothing():
    a, b, _, _ = noise((2, 12, 16, 9, 2))
    before = keras.config.image_data_format()
    keras.config.set_image_data_format("channels_first")
    try:
        scores = ops.convert_to_numpy(ssim(a, b, data_range=2.0))
    finally:
        keras.config.set_image_data_format(before)
    np.testing.assert_allclose(scores, reference_ssim(a, b, 2.0), rtol=0, atol=1e-4)


def test_metric_is_infinite_where_all_images_are_identical():
    a, _, _, _ = noise((2, 8, 8, 1))
    metric = PSNR(data_range=2.0)
    metric.update_state(a, a)
    assert float(metric.result()) == np.inf


@pytest.mark.parametrize(("metric", "name"), [(PSNR, "psnr"), (SSIM, "ssim")])
def test_keras_knows_that_higher_is_better(metric, name):
    a, b, _, _ = noise((1, 8, 8, 1))
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(1, 1)])
    model.compile(loss="mse", metrics=[metric(data_range=2.0)])
    model.fit(a, b, verbose=0)
    for second, stops in ((0.9, True), (1.1, False)):
        stopping = keras.callbacks.EarlyStopping(monitor=name, patience=1)
        stopping.set_model(model)
        model.stop_training = False
        stopping.on_train_begin()
        stopping.on_epoch_end(0, {name: 1.0})
        stopping.on_epoch_end(1, {name: second})
        assert model.stop_training is stops


@pytest.mark.parametrize("function", [psnr, ssim])
@pytest.mark.parametrize(
    ("shape", "other", "message"),
    [
        ((2, 16, 16, 1), (2, 16, 17, 1), "the same shape"),
        ((2, 16, 16, 1), (1, 16, 16, 1), "the same shape"),
        ((2, 16, 16, 1), (2, 16, 16, 3), "the same shape"),
        ((2, 16, 16, 1), (2, 16, 16), "the same shape"),
        ((16, 16), (16, 16), "batch axis"),
        ((2, 16, 16), (2, 16, 16), "channel axis"),
    ],
)
def test_wrong_shapes(function, shape, other, message):
    with pytest.raises(ValueError, match=message):
        function(np.zeros(shape, "float32"), np.zeros(other, "float32"), data_range=2.0)


@pytest.mark.parametrize("shape", [(1, 6, 16, 1), (1, 16, 6, 1), (1, 16, 16, 6, 1)])
def test_smaller_than_the_window(shape):
    image = np.zeros(shape, "float32")
    with pytest.raises(ValueError, match="at least 7 pixels"):
        ssim(image, image, data_range=2.0)


@pytest.mark.parametrize("dtype", ["complex64", "bool"])
def test_values_that_are_not_real_numbers(dtype):
    image = np.zeros((1, 16, 16, 1), dtype)
    with pytest.raises(ValueError, match="`y_true` must hold real numbers"):
        psnr(image, image, data_range=2.0)


@pytest.mark.parametrize("data_range", [0, -1.0, float("nan"), float("inf"), "2", None, True])
@pytest.mark.parametrize("metric", [PSNR, SSIM])
def test_wrong_data_range(metric, data_range):
    with pytest.raises(ValueError, match="`data_range` must be"):
        metric(data_range=data_range)


def test_data_range_has_no_default():
    image = np.zeros((1, 16, 16, 1), "float32")
    for function in (psnr, ssim):
        with pytest.raises(TypeError, match="data_range"):
            function(image, image)
    for metric in (PSNR, SSIM):
        with pytest.raises(TypeError, match="data_range"):
            metric()
