import keras
import numpy as np
import pytest
from scipy.stats import wasserstein_distance
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from small import cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.evaluation import IntensityCurve

SIZE = 32
FAST = ("psnr", "ssim", "nrmse", "mae")


@pytest.fixture(scope="module")
def pairs():
    return kmc.datasets.load_phantom(slices=5, size=SIZE)


@pytest.fixture(scope="module")
def made(pairs):
    rng = np.random.default_rng(0)
    noisy = (images + rng.normal(0, 0.1, images.shape) for images in pairs[::-1])
    return dict(zip(("ab", "ba"), (images.astype("float32") for images in noisy), strict=True))


def reference(truth, images):
    """Each measure of each image, in float64 and by other libraries."""
    truth, images = truth.astype("float64"), images.astype("float64")
    each = list(zip(truth, images, strict=True))
    return {
        "psnr": [peak_signal_noise_ratio(*pair, data_range=2.0) for pair in each],
        "ssim": [structural_similarity(*pair, data_range=2.0, channel_axis=-1) for pair in each],
        "nrmse": [np.sqrt(np.mean((x - y) ** 2)) / 2 for x, y in each],
        "mae": [np.abs(x - y).mean() for x, y in each],
        "histogram_distance": [wasserstein_distance(x.ravel(), y.ravel()) for x, y in each],
    }


def test_numbers_are_those_of_other_libraries(pairs, made):
    a, b = pairs
    table = kmc.evaluate(made, a, b, batch_size=2)
    for direction, source, truth in (("ab", a, b), ("ba", b, a)):
        rows = {
            "model": made[direction],
            "copy the input": source,
            "best intensity curve": IntensityCurve().fit(source, truth)(source),
        }
        for row, images in rows.items():
            for metric, expected in reference(truth, images).items():
                score = table.score(metric, row, direction)
                tolerance = 2e-3 if metric == "histogram_distance" else 1e-4  # a bin
                np.testing.assert_allclose(score.values, expected, rtol=0, atol=tolerance)
                np.testing.assert_allclose(score.mean, np.mean(expected), rtol=0, atol=tolerance)
                assert score.low < score.mean < score.high
                assert score.counted.all()


def test_displacement_needs_no_truth_and_the_true_pairs_have_one(pairs, made):
    a, b = pairs
    moved = {"ab": np.roll(b, 2, axis=2)}
    table = kmc.evaluate(moved, a, b, metrics=("displacement", "psnr"))
    np.testing.assert_array_equal(
        table.score("displacement").values, kmc.metrics.displacement(a, moved["ab"])
    )
    np.testing.assert_array_equal(
        table.score("displacement", "the truth").values, kmc.metrics.displacement(a, b)
    )
    assert table.score("displacement").mean > table.score("displacement", "the truth").mean + 1
    with pytest.raises(ValueError, match="no 'psnr' of 'the truth'"):
        table.score("psnr", "the truth")


def test_inside_a_mask(pairs, made):
    a, b = pairs
    mask = b > -0.9
    measures = ("psnr", "mae", "histogram_distance")
    table = kmc.evaluate(made, a, b, mask=mask, metrics=measures, batch_size=2)
    expected = [np.abs(x - y)[m].mean() for x, y, m in zip(b, made["ab"], mask, strict=True)]
    np.testing.assert_allclose(table.score("mae", region="mask").values, expected, atol=1e-6)
    expected = [
        wasserstein_distance(x[m], y[m]) for x, y, m in zip(b, made["ab"], mask, strict=True)
    ]
    found = table.score("histogram_distance", region="mask").values
    np.testing.assert_allclose(found, expected, atol=3e-3)
    whole = kmc.evaluate(made, a, b, metrics=("mae",))
    np.testing.assert_allclose(table.score("mae").values, whole.score("mae").values, atol=1e-6)


def test_model_generators_function_and_arrays_agree(pairs):
    a, b = (images[:, ::2, ::2] for images in pairs)
    model = cyclegan()
    arrays = {way: model.translate(x, direction=way) for way, x in (("ab", a), ("ba", b))}
    ways = {
        "arrays": arrays,
        "cyclegan": model,
        "generators": {"ab": model.generator_ab, "ba": model.generator_ba},
        "functions": {way: lambda x, way=way: model.translate(x, way) for way in ("ab", "ba")},
    }
    table = kmc.evaluate(ways, a, b, metrics=("psnr", "mae"))
    for metric in ("psnr", "mae"):
        for direction in ("ab", "ba"):
            expected = table.score(metric, "arrays", direction).values
            for row in ways:
                found = table.score(metric, row, direction).values
                np.testing.assert_allclose(found, expected, atol=1e-5)
    alone = kmc.evaluate(model, a, b, metrics=("psnr",))
    model.compile()
    scores = model.evaluate(a, b, return_dict=True, verbose=0)
    for direction in ("ab", "ba"):
        mean = alone.score("psnr", direction=direction).mean
        np.testing.assert_allclose(mean, scores[f"psnr_{direction}"], atol=1e-4)


def test_one_direction(pairs):
    a, b = pairs
    network = keras.Sequential([keras.Input((SIZE, SIZE, 1)), keras.layers.Activation("tanh")])
    for model in (network, lambda x: np.tanh(x), np.tanh(a)):
        table = kmc.evaluate(model, a, b, metrics=("mae",), baselines=())
        assert list(table.scores) == [("ab", "model", "whole", "mae")]
        expected = np.abs(np.tanh(a) - b).mean()
        np.testing.assert_allclose(table.score("mae").mean, expected, atol=1e-6)
    table = kmc.evaluate(network, a, b, metrics=("mae",), baselines=(), directions="ba")
    np.testing.assert_allclose(
        table.score("mae", direction="ba").mean, np.abs(np.tanh(b) - a).mean(), atol=1e-6
    )
    with pytest.raises(ValueError, match="one direction"):
        kmc.evaluate(network, a, b, directions=("ab", "ba"))


def test_baselines_alone(pairs):
    table = kmc.evaluate(None, *pairs, metrics=("mae",), baselines=("curve",))
    assert {key[:2] for key in table.scores} == {
        ("ab", "best intensity curve"),
        ("ba", "best intensity curve"),
    }


def test_curve_of_another_patient(pairs):
    a, b = pairs
    others = kmc.datasets.load_phantom(slices=5, size=SIZE, subjects=[7])
    table = kmc.evaluate(None, a, b, metrics=("mae",), curve_pairs=others)
    for direction, source, truth in (("ab", a, b), ("ba", b, a)):
        fitted_on = others if direction == "ab" else others[::-1]
        expected = np.abs(IntensityCurve().fit(*fitted_on)(source) - truth).mean()
        found = table.score("mae", "best intensity curve", direction).mean
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_groups_widen_the_intervals(pairs, made):
    a, b = pairs
    a, b = np.repeat(a, 3, axis=0), np.repeat(b, 3, axis=0)
    translated = np.repeat(made["ab"], 3, axis=0)
    patients = np.repeat(["p", "q", "r", "s", "t"], 3)
    alone = kmc.evaluate(translated, a, b, metrics=("mae",))
    grouped = kmc.evaluate(translated, a, b, metrics=("mae",), groups=patients)
    first, second = (each.score("mae", "copy the input") for each in (alone, grouped))
    assert first.mean == second.mean
    assert second.high - second.low > 1.4 * (first.high - first.low)
    assert any("5" in note and "groups" in note for note in grouped.notes)
    assert any("pass `groups`" in note for note in alone.notes)


def test_volumes():
    a, b = (np.moveaxis(x, 0, 0)[None] for x in kmc.datasets.load_phantom(slices=10, size=16))
    table = kmc.evaluate(b + 0.1, a, b, mask=b > -0.9)
    np.testing.assert_allclose(table.score("mae", region="mask").values, [0.1], atol=1e-6)
    np.testing.assert_allclose(table.score("psnr").mean, 20 * np.log10(2 / 0.1), atol=1e-3)
    assert np.isnan(table.score("psnr").low)  # one image
    assert table.score("displacement").mean < 0.5


def test_difference_of_two_rows(pairs, made):
    table = kmc.evaluate(made, *pairs, metrics=("psnr",))
    gain = table.difference("psnr", minus="copy the input")
    model, copy = table.score("psnr"), table.score("psnr", "copy the input")
    np.testing.assert_allclose(gain.values, model.values - copy.values)
    np.testing.assert_allclose(gain.mean, model.mean - copy.mean)
    assert gain.low < gain.mean < gain.high
    assert np.isnan(table.difference("psnr", minus="model").values).sum() == 0


def test_own_measures(pairs):
    a, b = pairs

    def worst(y_true, y_pred, *, data_range, mask):
        return keras.ops.max(keras.ops.abs(y_true - y_pred), axis=(1, 2, 3)) / data_range

    table = kmc.evaluate(-a, a, b, metrics={"PSNR": "psnr", "worst": worst}, batch_size=2)
    expected = np.abs(a + b).max(axis=(1, 2, 3)) / 2
    np.testing.assert_allclose(table.score("worst").values, expected, atol=1e-6)
    plain = kmc.evaluate(-a, a, b, metrics=["psnr"])
    np.testing.assert_allclose(table.score("PSNR").mean, plain.score("psnr").mean, atol=1e-4)
    with pytest.raises(ValueError, match="one number for each image"):
        kmc.evaluate(-a, a, b, metrics={"mean": lambda x, y, **_: np.float32(0)})


def test_measures_that_the_images_do_not_permit(pairs):
    a, b = pairs
    table = kmc.evaluate(-a, a, b)
    assert "ms_ssim" not in {key[3] for key in table.scores}
    assert any("MS-SSIM" in note and "32 x 32" in note for note in table.notes)
    with pytest.raises(ValueError, match=r"'ms_ssim'.* 112 pixels"):
        kmc.evaluate(-a, a, b, metrics=("ms_ssim",))
    two = np.repeat(a, 2, axis=-1)
    table = kmc.evaluate(b, two, b)
    assert {key[1] for key in table.scores} == {"model"}
    assert "displacement" not in {key[3] for key in table.scores}
    with pytest.raises(ValueError, match="`baselines` need"):
        kmc.evaluate(b, two, b, baselines=("copy",))


def test_ms_ssim_of_large_images():
    a, b = kmc.datasets.load_phantom(slices=2, size=112)
    table = kmc.evaluate(-a, a, b, metrics=("ms_ssim",), baselines=())
    expected = keras.ops.convert_to_numpy(kmc.metrics.ms_ssim(b, -a, data_range=2.0))
    np.testing.assert_allclose(table.score("ms_ssim").values, expected, atol=1e-6)
