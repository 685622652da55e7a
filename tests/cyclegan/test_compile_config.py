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
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model.save(tmp_path / "x.keras")
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
