import keras
import numpy as np
import pytest
from small import images, weights

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.recipes import ConstantThenLinear

pytestmark = pytest.mark.usefixtures("quick_curves")
SHAPE = (32, 32, 1)
RECIPES = {
    name: getattr(kmc.recipes, name) for name in ("paper", "tutorial", "small_data", "large")
}


def sides(shape=SHAPE, count=3):
    return images(count, shape, seed=1), images(count - 1, shape, seed=2)


@pytest.mark.parametrize(
    "name", [pytest.param("small_data", marks=pytest.mark.backend), "paper", "tutorial", "large"]
)
def test_ready_to_fit_save_and_translate(name, tmp_path, shallow_networks):
    check_ready(name, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["paper", "tutorial", "large"])
def test_ready_with_their_own_depth(name, tmp_path):
    check_ready(name, tmp_path)


def check_ready(name, tmp_path):
    a, b = sides(count=2)
    recipe = RECIPES[name](a, b, epochs=1, filters=4)
    model = recipe.model
    assert recipe.epochs == 1
    before = weights(model)
    history = recipe.fit(verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert any((x != y).any() for x, y in zip(before, weights(model), strict=True))
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.translate(a), model.translate(a), atol=1e-5)


def test_takes_apart(small_networks):
    """The model is compiled again with one thing altered, and trains on other data."""
    a, b = sides()
    model, _, _ = kmc.recipes.small_data(a, b, epochs=1, filters=4)
    model.compile(cycle_weight=1.0)
    history = model.fit(b[:1], a[:1], epochs=1, verbose=0)
    assert len(history.epoch) == 1


def test_fit_ends_with_a_verdict(small_networks, capsys):
    line = np.linspace(-1, 1, 5)
    a, _ = kmc.datasets.load_phantom(slices=3, size=32)
    b, _ = kmc.datasets.load_phantom(slices=4, size=32, subjects=[1])
    recipe = kmc.recipes.small_data(
        a, b, epochs=1, filters=4, curves=kmc.unpaired_curves.CurvePair(line, line, 0.0, 0.0, 0.0)
    )
    still = {
        f"{part}_optimizer": keras.optimizers.SGD(0.0) for part in ("generator", "discriminator")
    }
    recipe.model.compile(**still, identity_weight=0.0)
    with pytest.warns(UserWarning, match="no better than a copy"):  # the start is one
        history = recipe.fit(verbose=0)
    assert "val_translation_score" in history.history
    assert not capsys.readouterr().out
    best = kmc.callbacks.BestTranslation(a, b, verbose=0)
    with pytest.raises(ValueError, match="not both"):
        recipe.fit(held=(a, b), callbacks=[best], verbose=0)
    with pytest.warns(UserWarning, match="no better than a copy"):
        recipe.fit(held=(a[:2], b[:2]), callbacks=[keras.callbacks.History()], verbose=0)


def test_the_judge_comes_after_moving_averages(small_networks):
    recipe = kmc.recipes.small_data(*sides(), epochs=1, filters=4)
    swap, history = keras.callbacks.SwapEMAWeights(True), keras.callbacks.History()
    judged = recipe._with_judge([history, swap, history], None, {"epochs": 1})
    assert [type(one).__name__ for one in judged] == [
        "History",
        "SwapEMAWeights",
        "BestTranslation",
        "History",
    ]


def test_curves_that_were_fitted_before(small_networks):
    """They are taken as they are: an untrained generator is its curve."""
    line = np.linspace(-1, 1, 5)
    curves = kmc.unpaired_curves.CurvePair(-line, line, 0.0, 0.0, 0.0)
    a, b = sides()
    model, _, _ = kmc.recipes.small_data(a, b, epochs=1, filters=4, curves=curves)
    np.testing.assert_allclose(model.translate(a), -a, atol=1e-6)
    np.testing.assert_allclose(model.translate(b, "ba"), b, atol=1e-6)


def test_seeds_repeat(small_networks):
    def trained():
        keras.utils.set_random_seed(3)
        model, train, _ = kmc.recipes.small_data(*sides(), epochs=1, filters=4, seed=5)
        return model.fit(train, epochs=1, verbose=0).history["loss"]

    np.testing.assert_allclose(trained(), trained(), rtol=1e-5)


@pytest.mark.parametrize("name", ["paper", "tutorial", "large"])
def test_volumes_and_channels(name):
    shape_a, shape_b = (32, 32, 32, 1), (32, 32, 32, 2)
    a, b = images(1, shape_a), images(1, shape_b)
    model, _, _ = RECIPES[name](a, b, epochs=1, filters=2)
    assert model.generator_ab.output_shape == (None, *shape_b)
    assert model.generator_ba.output_shape == (None, *shape_a)


def test_the_papers_settings():
    a, b = sides()
    model, train, epochs = kmc.recipes.paper(a, b)
    assert (epochs, train.batch_size, model.get_config()["pool_size"]) == (200, 1, 50)
    residual = [layer for layer in model.generator_ab.layers if layer.name.endswith("_add")]
    assert len(residual) == 6
    assert model.generator_ab.count_params() == kmc.resnet_generator(SHAPE, blocks=6).count_params()
    config = model.get_compile_config()
    assert (config["cycle_weight"], config["identity_weight"]) == (10.0, 5.0)
    rate = model.optimizer.generator_optimizer.learning_rate
    assert float(rate) == pytest.approx(2e-4)


def test_nine_blocks_from_256_pixels():
    a = np.zeros((1, 256, 256, 1), "float32")
    model, _, _ = kmc.recipes.paper(a, a, filters=2)
    expected = kmc.resnet_generator((256, 256, 1), blocks=9, filters=2).count_params()
    assert model.generator_ab.count_params() == expected


def test_small_data_begins_with_the_curves():
    a, b = sides()
    model, train, epochs = kmc.recipes.small_data(a, b)
    curve = model.generator_ab.get_layer("curve").values
    expected = np.interp(a, np.linspace(-1, 1, len(curve)), curve)
    np.testing.assert_allclose(model.translate(a), np.clip(expected, -1, 1), atol=1e-5)
    assert 2500 <= epochs * len(train) < 2500 + len(train)


@pytest.mark.parametrize(
    ("shape_a", "shape_b"),
    [((32, 32, 1), (32, 16, 1)), ((32, 32, 2), (32, 32, 2)), ((16, 16, 16, 1),) * 2],
)
def test_small_data_takes_slices_of_one_size(shape_a, shape_b):
    with pytest.raises(ValueError, match=r"one size with one channel.*recipes\.large"):
        kmc.recipes.small_data(images(2, shape_a), images(2, shape_b))


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("arguments", [{"epochs": 0}, {"filters": 0}, {"seed": -1}])
def test_bad_arguments(name, arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        RECIPES[name](*sides(), **arguments)


def test_constant_then_linear():
    schedule = ConstantThenLinear(1e-3, steps=200, constant=0.25)
    steps = np.arange(0, 260, 10)
    expected = 1e-3 * np.clip((200 - steps) / 150, 0, 1)
    found = [float(schedule(step)) for step in steps]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-10)
    again = ConstantThenLinear.from_config(schedule.get_config())
    assert float(again(100)) == float(schedule(100))


@pytest.mark.parametrize(
    "arguments", [{"rate": -1.0}, {"steps": 0}, {"constant": 1.0}, {"constant": -0.1}]
)
def test_constant_then_linear_refuses(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        ConstantThenLinear(**{"rate": 1e-3, "steps": 10, **arguments})
