import warnings

import keras
import numpy as np
import pytest
from small import compiled, cyclegan, images

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.cyclegan import compile_config

A, B = images(3, seed=1), images(3, seed=2)


def distance(source, translated):
    return keras.ops.mean(keras.ops.abs(source - translated))


class Distance:
    def __call__(self, source, translated):
        return distance(source, translated)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"structure_loss": Distance()}, "structure_loss=<.*Distance"),
        ({"structure_loss": [lambda s, t: distance(s, t)]}, "structure_loss=.*<lambda>"),
        ({"cycle_weight": lambda step: 1.0}, "cycle_weight=<function"),
        (
            {"paired_loss": lambda s, t: distance(s, t), "adversarial_loss": Distance()},
            "adversarial_loss=.*paired_loss=",
        ),
    ],
)
def test_with_code_the_rest_is_saved(tmp_path, arguments, named):
    model = compiled(cyclegan(), **arguments)
    model.optimizer.iterations.assign(7)
    with pytest.warns(UserWarning, match=rf"cannot be saved \({named}.*not be compiled"):
        model.save(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras", safe_mode=True)
    np.testing.assert_array_equal(loaded.translate(A), model.translate(A))
    assert not loaded.compiled
    compiled(loaded, **arguments)
    loaded.load_weights(tmp_path / "x.keras")
    for x, y in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(*map(keras.ops.convert_to_numpy, (x, y)))
    assert int(loaded.optimizer.iterations) == 7


def test_a_function_with_a_name_is_saved_by_its_name(tmp_path):
    model = compiled(cyclegan(), structure_loss=distance)
    with pytest.warns(UserWarning, match="structure_loss=<function distance.*custom_obj") as told:
        model.save(tmp_path / "x.keras")
    assert [w.filename for w in told if "Arguments of `compile`" in str(w.message)] == [__file__]
    with pytest.raises(TypeError, match="Could not locate function 'distance'"):
        keras.models.load_model(tmp_path / "x.keras")
    loaded = keras.models.load_model(tmp_path / "x.keras", custom_objects={"distance": distance})
    assert loaded.structure[0].loss is distance


def test_numbers_of_numpy():
    arguments = {"paired_weight": np.float32(2.0), "structure_weight": [np.float64(1.0), 2]}
    model = compiled(
        cyclegan(),
        structure_loss=[kmc.losses.MindSSC(), distance],
        r1_every=np.int64(3),
        **arguments,
    )
    config = compile_config.to_config(model._compile_arguments)
    found = compile_config.from_config({n: config[n] for n in (*arguments, "r1_every")})
    assert found == {**arguments, "r1_every": 3}


@keras.saving.register_keras_serializable(package="test")
def registered(source, translated):
    return distance(source, translated)


class Schedule:
    def __call__(self, step):
        return 1.0

    def get_config(self):
        return {}


Schedule.__module__ = "__main__"  # of a script or a notebook


def known(arguments):
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        compile_config.to_config({**optimizers(), **arguments})
    return not any("Arguments of `compile`" in str(warning.message) for warning in told)


def optimizers():
    return {
        "generator_optimizer": keras.optimizers.Adam(),
        "discriminator_optimizer": keras.optimizers.Adam(),
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (distance, False),
        ([distance, kmc.losses.NormalizedGradientField()], False),
        (Schedule(), False),
        (registered, True),
        (keras.losses.mean_absolute_error, True),
        (keras.losses.LogCosh(), True),
        (kmc.losses.WarmUp(1.0, steps=2), True),
        ([kmc.losses.NormalizedGradientField(), registered], True),
        ("mae", True),
        (3.0, True),
        (None, True),
    ],
)
def test_what_only_this_program_knows_is_warned_of(value, expected):
    assert known({"value": value}) is expected
    if value is distance:
        with keras.saving.custom_object_scope({"distance": distance}):
            assert known({"value": value})


def test_a_training_with_checkpoints_is_warned_once(tmp_path):
    model = compiled(cyclegan(), structure_loss=distance)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        model.fit(A, B, epochs=3, verbose=0, callbacks=[kmc.callbacks.Checkpoint(tmp_path)])
    assert sum("Arguments of `compile`" in str(warning.message) for warning in told) == 1


@pytest.mark.parametrize(
    ("arguments", "instead"),
    [
        ({"optimizer": "adam"}, "`optimizer`.*`generator_optimizer` and `discriminator_optimizer`"),
        ({"loss": "mse"}, "`loss`.*`adversarial_loss`"),
        ({"metrics": ["mae"]}, "`metrics`.*`evaluate`"),
        ({"weighted_metrics": ["mae"]}, "`weighted_metrics`"),
        ({"loss_weights": [1, 2]}, "`loss_weights`.*`cycle_weight`"),
        ({"learning_rate": 1e-4}, "`learning_rate`.*Adam"),
    ],
)
def test_arguments_of_keras_compile_say_where_they_go(arguments, instead):
    model = cyclegan()
    with pytest.raises(ValueError, match=rf"has no {instead}"):
        model.compile(**arguments)
    with pytest.raises(TypeError, match="unexpected keyword argument 'cycle_wieght'"):
        model.compile(cycle_wieght=3)
    assert not model.compiled
