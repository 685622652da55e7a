"""Every paired metric against scikit-image, whole and inside a mask, and as a Keras metric."""

import keras
import numpy as np
import pytest
from contracts import run_metric_contract
from keras import ops
from skimage.metrics import (
    normalized_root_mse,
    peak_signal_noise_ratio,
    structural_similarity,
)

from keras_mri_cyclegan.metrics import (
    MAE,
    MSSSIM,
    NRMSE,
    PSNR,
    SSIM,
    mae,
    ms_ssim,
    nrmse,
    psnr,
    ssim,
)
from keras_mri_cyclegan.metrics.multi_scale_structural_similarity import WEIGHTS

SHAPES = [(3, 40, 33, 3), (2, 28, 31, 29, 2)]
NORMALIZATIONS = ["euclidean", "min-max", "mean"]


def pair(shape):
    generator = np.random.default_rng(1)
    a = np.cumsum(generator.uniform(-1, 1, shape), axis=1) / 5 + 0.3
    b = (a + 0.3 * generator.normal(size=shape)).astype("float32")
    mask = generator.uniform(size=(*shape[:-1], 1)) < 0.3
    return a.astype("float32"), b, mask


def each_image(function, a, b, mask):
    return [
        function(*images)
        for images in zip(a.astype("float64"), b.astype("float64"), mask, strict=True)
    ]


def inside(image, mask):
    return image[np.broadcast_to(mask, image.shape)]


def ssim_maps(a, b):
    """SSIM in float64 by scikit-image, and its luminance by the formula: the rest is contrast."""
    kwargs = {"data_range": 2.0, "channel_axis": -1, "full": True}
    full = structural_similarity(a, b, **kwargs)[1]
    crop = (slice(3, -3),) * (a.ndim - 1)
    windows = [
        np.lib.stride_tricks.sliding_window_view(x, (7,) * (a.ndim - 1), tuple(range(a.ndim - 1)))
        for x in (a, b)
    ]
    mean_a, mean_b = (w.mean(axis=tuple(range(a.ndim, w.ndim))) for w in windows)
    luminance = (2 * mean_a * mean_b + 0.02**2) / (mean_a**2 + mean_b**2 + 0.02**2)
    return full[crop], full[crop] / luminance, crop


def reference_ms_ssim(a, b, mask, weights=WEIGHTS[:3]):
    score, mask = 1.0, mask.astype("float64")
    for scale, exponent in enumerate(weights):
        if scale:
            a, b, mask = halved(a), halved(b), halved(mask)
        full, contrast, crop = ssim_maps(a, b)
        values = full if scale == len(weights) - 1 else contrast
        axes = tuple(range(a.ndim - 1))
        mean = (values * mask[crop]).sum(axes) / mask[crop].sum(axes)
        score = score * np.maximum(mean, 0) ** exponent
    return np.mean(score)


def halved(x):
    for axis in range(x.ndim - 1):
        even = x.shape[axis] // 2 * 2
        x = (np.take(x, range(0, even, 2), axis) + np.take(x, range(1, even, 2), axis)) / 2
    return x


def check(scores, expected):
    assert keras.backend.standardize_dtype(scores.dtype) == "float32"
    np.testing.assert_allclose(ops.convert_to_numpy(scores), expected, rtol=0, atol=1e-4)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_inside_a_mask(shape):
    a, b, mask = pair(shape)

    def reference_psnr(x, y, m):
        return peak_signal_noise_ratio(inside(x, m), inside(y, m), data_range=2.0)

    def reference_ssim(x, y, m):
        full, _, crop = ssim_maps(x, y)
        return inside(full, m[crop]).mean()

    def reference_mae(x, y, m):
        return np.abs(inside(x, m) - inside(y, m)).mean()

    check(psnr(a, b, data_range=2.0, mask=mask), each_image(reference_psnr, a, b, mask))
    check(ssim(a, b, data_range=2.0, mask=mask), each_image(reference_ssim, a, b, mask))
    check(mae(a, b, data_range=2.0, mask=mask), each_image(reference_mae, a, b, mask))
    for normalization in NORMALIZATIONS:

        def reference(x, y, m, normalization=normalization):
            return normalized_root_mse(inside(x, m), inside(y, m), normalization=normalization)

        check(
            nrmse(a, b, normalization=normalization, mask=mask),
            each_image(reference, a, b, mask),
        )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_whole_images(shape):
    a, b, _ = pair(shape)
    everywhere = np.ones((*shape[:-1], 1), bool)
    check(mae(a, b), np.abs(a.astype("float64") - b).mean(axis=tuple(range(1, a.ndim))))
    for normalization in NORMALIZATIONS:
        expected = [
            normalized_root_mse(x.astype("float64"), y, normalization=normalization)
            for x, y in zip(a, b, strict=True)
        ]
        check(nrmse(a, b, normalization=normalization), expected)
    decibels = ops.convert_to_numpy(psnr(a, b, data_range=2.0))
    check(nrmse(a, b, normalization="data_range", data_range=2.0), 10 ** (-decibels / 20))
    for function in (psnr, ssim, mae, nrmse):
        whole = function(a, b, data_range=2.0)
        check(function(a, b, data_range=2.0, mask=everywhere), ops.convert_to_numpy(whole))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_multi_scale_similarity(shape):
    a, b, mask = pair(shape)
    everywhere = np.ones_like(mask)
    weights = WEIGHTS[:3]
    check(
        ms_ssim(a, b, data_range=2.0, weights=weights),
        each_image(reference_ms_ssim, a, b, everywhere),
    )
    check(
        ms_ssim(a, b, data_range=2.0, weights=weights, mask=mask),
        each_image(reference_ms_ssim, a, b, mask),
    )


def test_multi_scale_similarity_at_five_scales_and_at_one():
    a, b, mask = pair((2, 112, 117, 1))

    def reference(x, y, m):
        return reference_ms_ssim(x, y, m, WEIGHTS)

    check(ms_ssim(a, b, data_range=2.0), each_image(reference, a, b, np.ones_like(mask)))
    check(
        ms_ssim(a, b, data_range=2.0, weights=[1.0]),
        ops.convert_to_numpy(ssim(a, b, data_range=2.0)),
    )
    check(ms_ssim(a, a, data_range=2.0), [1.0, 1.0])
    check(ms_ssim(a - a.mean(), a.mean() - a, data_range=2.0), [0.0, 0.0])  # no negative powers


@pytest.mark.parametrize("size", [111, 13, 6])
def test_too_small_for_the_scales(size):
    image = np.zeros((1, 120, size, 1), "float32")
    with pytest.raises(ValueError, match="at least 112 pixels") as caught:
        ms_ssim(image, image, data_range=2.0)
    way_out = {111: "Use at most 4", 13: "Use at most 1", 6: "Pad or enlarge"}[size]
    assert way_out in str(caught.value)


@pytest.mark.parametrize("weights", [(), 0.5, (0.5, 0), (0.5, np.nan), "abc", None, [[1.0]]])
def test_wrong_weights(weights):
    for call in (MSSSIM, lambda **kwargs: ms_ssim(None, None, **kwargs)):
        with pytest.raises(ValueError, match="`weights` must hold"):
            call(data_range=2.0, weights=weights)


FUNCTIONS = [psnr, ssim, mae, nrmse, lambda *a, **k: ms_ssim(*a, **k, weights=(0.5, 0.5))]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_gives_nan(function):
    a, b, mask = pair((3, 16, 16, 2))
    mask[1] = False
    scores = ops.convert_to_numpy(function(a, b, data_range=2.0, mask=mask))
    assert np.isnan(scores).tolist() == [False, True, False]
    b[2, 8, 8, 0] = np.nan
    scores = ops.convert_to_numpy(function(a, b, data_range=2.0))
    assert np.isnan(scores).tolist() == [False, False, True]


@pytest.mark.parametrize("function", [psnr, mae, nrmse])
def test_nan_outside_the_mask_does_not_matter(function):
    a, b, mask = pair((2, 16, 16, 1))
    expected = ops.convert_to_numpy(function(a, b, data_range=2.0, mask=mask))
    a[~mask] = np.nan
    check(function(a, b, data_range=2.0, mask=mask), expected)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_wrong_masks(function):
    a, b, mask = pair((2, 16, 16, 2))
    for wrong in (mask[..., 0], mask[:1], np.repeat(mask, 2, -1), mask[:, :8]):
        with pytest.raises(ValueError, match="`mask` must have shape"):
            function(a, b, data_range=2.0, mask=wrong)
    with pytest.raises(ValueError, match="`mask` must be boolean"):
        function(a, b, data_range=2.0, mask=mask.astype("float32"))


def test_wrong_normalization():
    a, b, _ = pair((1, 8, 8, 1))
    with pytest.raises(ValueError, match="`normalization` must be one of"):
        nrmse(a, b, normalization="max")
    for call in (NRMSE, lambda **kwargs: nrmse(a, b, **kwargs)):
        with pytest.raises(ValueError, match="`data_range` must be given"):
            call(normalization="data_range")
    with pytest.raises(ValueError, match="`data_range` must be a finite"):
        MAE(data_range=0)


METRICS = [
    (PSNR, psnr, {"data_range": 2.0}, "up"),
    (SSIM, ssim, {"data_range": 2.0}, "up"),
    (MSSSIM, ms_ssim, {"data_range": 2.0, "weights": (0.5, 0.5)}, "up"),
    (NRMSE, nrmse, {"data_range": 2.0, "normalization": "data_range"}, "down"),
    (NRMSE, nrmse, {"data_range": None, "normalization": "min-max"}, "down"),
    (MAE, mae, {"data_range": 2.0}, "down"),
]


@pytest.mark.parametrize(("metric", "function", "options", "_"), METRICS)
def test_metric_with_a_mask(metric, function, options, _):
    a, b, mask = pair((4, 16, 16, 1))
    scores = ops.convert_to_numpy(function(a, b, mask=mask, **options))
    instance = metric(**options)
    instance.update_state(a[:2], b[:2], mask=mask[:2])
    instance.update_state(a[2:], b[2:], mask=mask[2:])
    assert float(instance.result()) == pytest.approx(scores.mean(), abs=1e-4)
    instance.reset_state()
    instance.update_state(a, b, sample_weight=np.array([1.0, 0, 0, 3]), mask=mask)
    assert float(instance.result()) == pytest.approx((scores[0] + 3 * scores[3]) / 4, abs=1e-4)
    assert float(instance(a[:2], b[:2])) != pytest.approx(scores[:2].mean(), abs=1e-6)  # no mask


@pytest.mark.parametrize(("metric", "_", "options", "direction"), METRICS)
def test_contract(metric, _, options, direction):
    assert run_metric_contract(metric, options, *pair((2, 16, 16, 1))[:2])._direction == direction


@pytest.mark.parametrize(
    "shape",
    [(3, 16, 18, 1), pytest.param((3, 14, 16, 15, 1), marks=pytest.mark.slow)],
    ids=str,
)
def test_compiled_evaluation(shape):
    """The last batch is smaller: a mean over batches would give another number."""
    a, b, _ = pair(shape)
    cases = list(enumerate(METRICS))
    model = keras.Sequential(
        [keras.Input((*[None] * (len(shape) - 2), 1)), keras.layers.Identity()]
    )
    model.compile(
        loss="mse",
        metrics=[metric(**options, name=str(k)) for k, (metric, _, options, _) in cases],
        jit_compile=keras.backend.backend() != "torch",
    )
    logs = model.evaluate(a, b, batch_size=2, verbose=0, return_dict=True)
    for k, (_, function, options, _) in cases:
        expected = ops.convert_to_numpy(function(b, a, **options)).mean()
        assert logs[str(k)] == pytest.approx(expected, abs=1e-4)
