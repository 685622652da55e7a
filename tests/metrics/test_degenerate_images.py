"""One image without a number, such as a slice of air, decides no mean: over all aggregates."""

import warnings

import keras
import numpy as np
import pytest
from keras import ops
from small import compiled, images, networks

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan import metrics
from keras_mri_cyclegan.callbacks.unpaired_score import UnpairedScore
from keras_mri_cyclegan.evaluation.bootstrap import bootstrap_interval
from keras_mri_cyclegan.metrics._image_metric import ImageMetric

SIZE = 112  # what the largest window needs
AIR = 2  # the place of the degenerate image


def exported(condition):
    return [value for name in metrics.__all__ if condition(value := getattr(metrics, name))]


CLASSES = exported(lambda value: isinstance(value, type) and issubclass(value, ImageMetric))
SETS = {metrics.fid, metrics.kid, metrics.histogram_distance}
MEANS = [(each, {"data_range": 2.0}) for each in CLASSES]
MEANS += [(metrics.NRMSE, {"normalization": kind}) for kind in ("min-max", "mean", "euclidean")]


def pairs():
    a, b = images(4, (SIZE, SIZE, 1), seed=1), images(4, (SIZE, SIZE, 1), seed=2)
    return a, (0.7 * a + 0.3 * b).astype("float32")


def degenerate():
    """Return pairs, masks and what is degenerate in them."""
    everywhere = np.ones((4, SIZE, SIZE, 1), bool)
    nowhere = everywhere.copy()
    nowhere[AIR] = False
    for name, truth, made, mask in (
        ("air in both", -1, -1, None),
        ("air, and something in its translation", -1, None, None),
        ("zeros in both", 0, 0, None),
        ("zeros in the truth", 0, None, None),
        ("air in both, masked", -1, -1, everywhere),
        ("empty mask", None, None, nowhere),
    ):
        a, b = pairs()
        a[AIR] = a[AIR] if truth is None else truth
        b[AIR] = b[AIR] if made is None else made
        yield pytest.param(a, b, mask, id=name)


@pytest.mark.parametrize(("a", "b", "mask"), list(degenerate()))
@pytest.mark.parametrize(("kind", "arguments"), MEANS)
def test_a_mean_is_over_the_images_that_have_a_number(kind, arguments, a, b, mask):
    metric = kind(**arguments)
    for batch in (slice(0, 1), slice(1, 4)):
        metric.update_state(a[batch], b[batch], mask=None if mask is None else mask[batch])
    scores = ops.convert_to_numpy(metric.function(a, b, mask=mask, **metric.options))
    finite = np.isfinite(scores)
    assert finite.sum() >= 3
    np.testing.assert_allclose(float(metric.result()), scores[finite].mean(), rtol=1e-5)
    assert int(metric.left_out) == (~finite).sum()
    metric.reset_state()
    assert int(metric.left_out) == 0


@pytest.mark.parametrize(("kind", "arguments"), MEANS)
def test_images_with_nan_make_a_mean_nan(kind, arguments):
    a, b = pairs()
    b[1, 3, 3] = np.nan
    metric = kind(**arguments)
    metric.update_state(a, b)
    assert np.isnan(float(metric.result()))
    metric.reset_state()
    metric.update_state(a, b, sample_weight=np.array([1.0, 0, 1, 1], "float32"))
    assert np.isfinite(float(metric.result()))


@pytest.mark.parametrize(("kind", "arguments"), MEANS)
def test_where_no_image_has_a_number_the_mean_has_none(kind, arguments):
    a, b = pairs()
    metric = kind(**arguments)
    metric.update_state(a, b, mask=np.zeros(a.shape, bool))
    assert np.isnan(float(metric.result()))


def test_every_distance_of_sets_is_finite_with_an_image_of_air():
    a, b = pairs()
    a[AIR] = b[AIR] = -1

    def features(x):
        return np.stack([x.mean((1, 2, 3)), x.std((1, 2, 3))], axis=1)

    functions = {f for f in exported(callable) if f in SETS}
    assert functions == SETS
    for function in functions:
        more = () if function is metrics.histogram_distance else (features,)
        assert np.isfinite(function(a, b, *more)), function


def test_the_score_without_pairs_is_finite_with_an_image_of_air():
    a, b = kmc.datasets.load_phantom(slices=4, size=32)
    a[1] = b[1] = -1
    for made in ("copy", "blank"):
        score = UnpairedScore(a, b)(
            lambda direction, made=made: lambda x: x if made == "copy" else np.full_like(x, -1)
        )
        assert np.isfinite(list(score.values())).all()


def test_the_table_is_finite_with_an_image_of_air():
    a, b = kmc.datasets.load_phantom(slices=4, size=SIZE)
    a[1] = b[1] = -1
    with pytest.warns(UserWarning, match="left out"):
        table = kmc.evaluate(np.where(b > -1, 0.9 * b, b), a, b)
    assert len({key[-1] for key in table.scores}) == 7
    for score in table.scores.values():
        assert np.isfinite([score.mean, score.low, score.high]).all()


def test_an_interval_of_infinite_numbers_is_refused():
    with pytest.raises(ValueError, match="1 of 3 that are NaN or infinite"):
        bootstrap_interval([1.0, np.inf, 2.0])


@keras.saving.register_keras_serializable(package="test")
class HalfOfTheHead(keras.layers.Layer):
    """Leaves air exactly as it is, as the curve of the recipe does."""

    def call(self, x):
        return ops.where(x <= -1, x, 0.5 * x)


def air_keeping_model():
    made = networks((16, 16, 1))
    for name in ("generator_ab", "generator_ba"):
        image = keras.Input((16, 16, 1))
        made[name] = keras.Model(image, HalfOfTheHead()(keras.layers.Conv2D(1, 1)(image)))
        made[name].set_weights([np.ones((1, 1, 1, 1)), np.zeros(1)])
    return compiled(kmc.CycleGAN(**made), rate=0.0)


def test_evaluate_and_validation_with_a_slice_of_air():
    a, b = images(4, seed=1), images(4, seed=2)
    a[AIR] = b[AIR] = -1
    model = air_keeping_model()
    kept = [k for k in range(4) if k != AIR]
    expected = model.evaluate(a[kept], b[kept], return_dict=True, verbose=0)
    with pytest.warns(UserWarning, match=r"left out.* 1 of `psnr_ab`, 1 of `psnr_ba`") as caught:
        scores = model.evaluate(a, b, return_dict=True, verbose=0)
    assert [w.filename for w in caught if "left out" in str(w.message)] == [__file__]
    for way in ("ab", "ba"):
        assert scores[f"psnr_{way}"] == pytest.approx(expected[f"psnr_{way}"], rel=1e-4)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        history = model.fit(a, b, epochs=2, validation_data=(a, b), verbose=0).history
    told = [w for w in told if "left out" in str(w.message)]
    assert [w.filename for w in told] == [__file__]  # once, and where `fit` was called
    np.testing.assert_allclose(history["val_psnr_ab"], expected["psnr_ab"], rtol=1e-4)
