"""What every layer, loss, metric, schedule, augmentation and preprocessing step keeps to."""

import copy
import inspect
import json

import keras
import numpy as np
import pytest
from gradients import gradients
from keras import ops

from keras_mri_cyclegan.preprocessing import Preprocessing

POLICIES = {"float32": 1e-5, "mixed_float16": 0.01, "mixed_bfloat16": 0.1}  # and their rounding


def to_numpy(tensor):
    """Return a tensor of any dtype as a float32 array."""
    return ops.convert_to_numpy(ops.cast(tensor, "float32"))


def dtype_of(tensor):
    return keras.backend.standardize_dtype(tensor.dtype)


def in_a_graph(function, jit_compile=True):
    """Return the function as `fit` runs it: in a graph, or by XLA; on torch as it is."""
    backend = keras.backend.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        return tf.function(function, jit_compile=jit_compile)
    if backend == "jax":
        import jax

        return jax.jit(function)
    return function


def run_config_contract(cls, arguments):
    """Check that an object is remade from its config; return it and the one remade.

    `arguments` name every argument of the constructor but those that all Keras objects take.
    """
    named = set(inspect.signature(cls).parameters) - {"name", "dtype", "kwargs"}
    assert set(arguments) >= named, f"{cls.__name__}: a contract has to name every argument."
    original = cls(**arguments)
    config = original.get_config()
    assert set(config) >= set(arguments)
    for name, value in arguments.items():
        value = value.tolist() if isinstance(value, np.ndarray) else value
        if _is_json(value):
            assert _as_json(config[name]) == _as_json(value), name

    for again in (config, _as_json(config)):  # also as a JSON file gives it back, without tuples
        assert _as_json(cls.from_config(copy.deepcopy(again)).get_config()) == _as_json(config)
    entry = _as_json(keras.saving.serialize_keras_object(original))
    assert entry["registered_name"] == f"keras_mri_cyclegan>{cls.__name__}"
    restored = keras.saving.deserialize_keras_object(entry)
    assert type(restored) is cls
    assert _as_json(restored.get_config()) == _as_json(config)
    return original, restored


def _as_json(value):
    """Return what a JSON file holds of a config, but for the shapes that layers were built for."""
    return _without(json.loads(json.dumps(value)), "build_config")


def _without(value, name):
    if isinstance(value, list):
        return [_without(item, name) for item in value]
    if isinstance(value, dict):
        return {key: _without(item, name) for key, item in value.items() if key != name}
    return value


def _is_json(value):
    try:
        json.dumps(value)
    except TypeError:
        return False
    return True


def run_layer_contract(layer_class, arguments, input_shape, path, dtype=None, channels=None):
    """Check all that a layer has to do, whatever it computes.

    Models are saved in the folder `path`. The output has `dtype` under every policy, by default
    the policy's own. With the axis of the `channels` every other size may be unknown.
    """
    of_keras = {"name": "x", "trainable": False, "dtype": keras.DTypePolicy("mixed_bfloat16")}
    run_config_contract(layer_class, {**arguments, **of_keras})
    # Without dtypes, those of wrapped layers neither: they are to follow the policy.
    config = _without(_as_json(layer_class(**arguments).get_config()), "dtype")

    def model_under(policy="float32", shape=(None, *input_shape[1:])):
        keras.config.set_dtype_policy(policy)
        try:
            model = _model(layer_class.from_config(copy.deepcopy(config)), shape)
        finally:
            keras.config.set_dtype_policy("float32")
        model(images)  # the random numbers that follow are not those of a new layer
        return model

    images = ops.convert_to_tensor(
        np.random.default_rng(1).uniform(-1, 1, input_shape).astype("float32")
    )
    shape = [None, *input_shape[1:]]
    if channels is not None:
        shape = [None] * len(input_shape)
        shape[channels] = input_shape[channels]
    model = model_under(shape=shape)
    layer = model.layers[-1]
    model.save(path / "model.keras")
    loaded = keras.models.load_model(path / "model.keras")
    assert type(loaded.layers[-1]) is layer_class
    assert _as_json(loaded.layers[-1].get_config()) == _as_json(layer.get_config())
    expected = _same_draw(model, images)
    np.testing.assert_array_equal(_same_draw(loaded, images), expected)
    # TensorFlow draws other random numbers when XLA compiles.
    is_random = len(layer.variables) > len(layer.weights)
    compiled = _same_draw(in_a_graph(model, jit_compile=not is_random), images)
    np.testing.assert_allclose(compiled, expected, rtol=1e-5, atol=1e-5)

    assert layer.compute_output_shape(input_shape) == expected.shape
    assert layer.compute_output_shape(model.input_shape) == model.output_shape
    for known, actual in zip(model.output_shape, expected.shape, strict=True):
        assert known in (None, actual)

    for policy, tolerance in POLICIES.items():
        output = model_under(policy)(images)
        assert dtype_of(output) == (dtype or keras.DTypePolicy(policy).compute_dtype)
        atol = (1e-5 if dtype == "float32" else tolerance) * max(1, np.abs(expected).max())
        np.testing.assert_allclose(to_numpy(output), expected, atol=atol)
    _check_gradients(layer, images)


def _model(layer, shape):
    """Return a model of one layer, whose weights are all different."""
    inputs = keras.Input(batch_shape=shape)
    model = keras.Model(inputs, layer(inputs))
    rng = np.random.default_rng(0)
    layer.set_weights([rng.uniform(0.2, 0.8, weight.shape) for weight in layer.weights])
    return model


def _same_draw(function, images):
    with keras.StatelessScope():  # random numbers do not go on
        return to_numpy(function(images))


def _check_gradients(layer, images, step=1e-2):
    """The gradients against central differences, summed in float64, along a random direction."""
    rng = np.random.default_rng(2)
    inputs = keras.Variable(images, trainable=False)
    variables = [inputs, *(w for w in layer.weights if len(w.shape))]  # numbers count and switch
    values = [ops.convert_to_numpy(variable) for variable in variables]
    cotangent = rng.normal(size=layer.compute_output_shape(images.shape)).astype("float32")

    def weighted_sum():
        return ops.sum(ops.multiply(layer(inputs.value), cotangent))

    found = gradients(weighted_sum, variables)
    for index, gradient in enumerate(found):
        assert np.isfinite(gradient).all()
        direction = rng.normal(size=gradient.shape)
        direction *= step / np.linalg.norm(direction)
        sums = []
        for sign in (1, -1):
            moved = list(values)
            moved[index] = values[index] + sign * direction
            pairs = zip(variables, [ops.cast(v, "float32") for v in moved], strict=True)
            with keras.StatelessScope(state_mapping=pairs):
                sums.append((to_numpy(layer(inputs.value)).astype("float64") * cotangent).sum())
        slope = (sums[0] - sums[1]) / 2
        assert (gradient * direction).sum() == pytest.approx(slope, rel=1e-2, abs=step * 1e-2)


def run_loss_contract(loss_class, arguments, source, translated):
    """Check a loss of two batches of float32 images, whatever it compares."""
    loss, restored = run_config_contract(loss_class, arguments)
    expected = float(loss(source, translated))
    assert float(restored(source, translated)) == expected
    compiled = in_a_graph(loss)(*map(ops.convert_to_tensor, (source, translated)))
    assert float(compiled) == pytest.approx(expected, rel=1e-4, abs=1e-6)

    halves = [image.astype("float16") for image in (source, translated)]
    result = loss(*halves)
    assert dtype_of(result) == "float32"
    assert float(result) == pytest.approx(float(loss(*(x.astype("float32") for x in halves))))


def run_schedule_contract(schedule_class, arguments, graph):
    """Check a function of the training step against the points of its graph, `{step: value}`."""
    schedule, restored = run_config_contract(schedule_class, arguments)
    compiled = in_a_graph(schedule.__call__)
    for step, value in graph.items():
        tensor = ops.convert_to_tensor(step, dtype="int32")
        for found in (schedule(step), schedule(np.int64(step)), schedule(tensor), restored(step)):
            assert dtype_of(found) == "float32"
            assert tuple(found.shape) == ()
            assert float(found) == pytest.approx(value)
        assert float(compiled(tensor)) == pytest.approx(value)


def run_metric_contract(metric_class, arguments, y_true, y_pred):
    """Check that a metric is saved with all that its result depends on; return it."""
    metric, restored = run_config_contract(metric_class, {**arguments, "name": "score"})
    for one in (metric, restored):
        one.update_state(y_true, y_pred)
    assert float(restored.result()) == float(metric.result())
    return metric


def run_step_contract(step_class, arguments, volume, path):
    """Check a preprocessing step, whatever it does to a scan; `path` is a folder for files."""
    step, restored = run_config_contract(step_class, arguments)
    preprocessing = Preprocessing([step])
    preprocessing.save(path / "p.json")
    (loaded,) = Preprocessing.load(path / "p.json").steps
    assert type(loaded) is step_class
    assert vars(loaded) == vars(restored) == vars(step)

    one = step.for_domain("b")
    before = np.array(volume.array)
    state = one.fit([one.summarize(volume)]) if one.has_state else {}
    one.check_state(json.loads(json.dumps(state, allow_nan=False)))
    changed, record = one.apply(volume, state if one.needs_fit else {})
    np.testing.assert_array_equal(volume.array, before)  # left alone
    assert changed.path == volume.path
    again, _ = loaded.for_domain("b").apply(volume, state if one.needs_fit else {})
    np.testing.assert_array_equal(again.array, changed.array)
    back = one.invert(changed, json.loads(json.dumps(record, allow_nan=False)))
    assert back.shape == volume.shape
    np.testing.assert_allclose(back.affine, volume.affine, atol=1e-12)


def run_cutter_contract(cutter_class, arguments, volume, path):
    """Check a cutter: what is cut is joined again, and it is saved with a preprocessing."""
    cutter, restored = run_config_contract(cutter_class, arguments)
    Preprocessing(cutter=cutter).save(path / "p.json")
    loaded = Preprocessing.load(path / "p.json").cutter
    assert type(loaded) is cutter_class
    assert vars(loaded) == vars(restored) == vars(cutter)
    images = cutter.cut(volume)
    assert images.dtype == np.float32
    middle = images.shape[-1] // 2  # the neighbours are on both sides
    back = cutter.join(images[..., middle : middle + 1], like=volume)
    np.testing.assert_array_equal(back.array, volume.array)
    np.testing.assert_array_equal(back.affine, volume.affine)


def run_augmentation_contract(augmentation_class, arguments, image, dtype="float32"):
    """Check an augmentation of single images; `dtype` is that of the results."""
    augmentation, restored = run_config_contract(augmentation_class, arguments)
    before = image.copy()
    results = []
    for seed in range(20):
        changed = augmentation(image, np.random.default_rng(seed))
        np.testing.assert_array_equal(image, before)
        assert changed.shape == image.shape
        assert changed.dtype == dtype
        assert np.abs(changed).max() <= 1
        for one in (augmentation, restored):
            np.testing.assert_array_equal(one(image, np.random.default_rng(seed)), changed)
        results.append(changed.tobytes())
    assert image.size == 1 or len(set(results)) > 1  # drawn from the generator
