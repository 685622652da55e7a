import keras
import numpy as np
import pytest
from contracts import run_config_contract, to_numpy

from keras_mri_cyclegan.layers import ConstantVector, FeatureModulation

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (2, 3, 4, 5, 3)])
def test_formula(shape):
    layer = FeatureModulation()
    features = RNG.normal(size=shape).astype("float32")
    conditions = RNG.normal(size=(2, 4)).astype("float32")
    np.testing.assert_array_equal(to_numpy(layer([features, conditions])), features)  # untrained
    weights = {name: RNG.normal(size=getattr(layer, name).shape) for name in _NAMES}
    for name, value in weights.items():
        getattr(layer, name).assign(value)
    scale = 1 + conditions @ weights["scale"] + weights["scale_bias"]
    shift = conditions @ weights["shift"] + weights["shift_bias"]
    ones = (1,) * (len(shape) - 2)
    expected = features * scale.reshape(2, *ones, 3) + shift.reshape(2, *ones, 3)
    found = layer([features, conditions])
    np.testing.assert_allclose(to_numpy(found), expected, rtol=1e-5, atol=1e-5)
    assert tuple(found.shape) == layer.compute_output_shape([shape, (2, 4)])


_NAMES = ("scale", "scale_bias", "shift", "shift_bias")


def test_saved_with_its_model(tmp_path):
    image = keras.Input((4, 4, 2))
    told = ConstantVector([0.5, -2.0], name="told")(image)
    model = keras.Model(image, FeatureModulation(name="modulation")([image, told]))
    model.set_weights([RNG.normal(size=weight.shape) for weight in model.weights])
    model.save(tmp_path / "model.keras")
    images = RNG.normal(size=(3, 4, 4, 2)).astype("float32")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(to_numpy(again(images)), to_numpy(model(images)))


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_half_precision(policy):
    features, conditions = np.ones((2, 4, 4, 3), "float32"), np.eye(2, dtype="float32")
    layer = FeatureModulation(dtype=policy)
    layer([features, conditions])
    layer.shift.assign(np.full((2, 3), 0.5))
    found = layer([features, conditions])
    assert keras.backend.standardize_dtype(found.dtype) == policy.removeprefix("mixed_")
    np.testing.assert_allclose(to_numpy(found), 1.5, atol=0.01)


def test_config():
    run_config_contract(ConstantVector, {"values": [1.0, 0.0]})


@pytest.mark.parametrize(
    "shape", [(2, 8, 8, 3), (2, 5), [(2, 8, 8, 3)], [(2, 8, 8, 3), (2, 8, 8, 3)]]
)
def test_modulation_says_what_it_takes(shape):
    with pytest.raises(ValueError, match="list of features"):
        FeatureModulation().build(shape)


@pytest.mark.parametrize("values", [[], [[1.0]], [float("nan")], ["x"]])
def test_bad_vector(values):
    with pytest.raises(ValueError, match="values"):
        ConstantVector(values)


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (2, 5)])
def test_vector_for_each_image(shape):
    layer = ConstantVector([1.0, 2.0])
    found = to_numpy(layer(np.zeros(shape, "float32")))
    np.testing.assert_array_equal(found, [[1.0, 2.0]] * shape[0])
    assert layer.compute_output_shape((None, 8)) == (None, 2)
