import keras
import numpy as np
import pytest

from keras_mri_cyclegan import losses
from keras_mri_cyclegan.losses import schedules

# Each with the points of its graph, worked out by hand.
GRAPHS = {
    "constant": (losses.ConstantWeight(3), {0: 3, 10**6: 3}),
    "warm-up": (losses.WarmUp(4, steps=8), {0: 0, 2: 1, 8: 4, 9: 4, 10**6: 4}),
    "late warm-up": (losses.WarmUp(4, 8, start=100), {0: 0, 100: 0, 104: 2, 108: 4, 200: 4}),
    "decay": (losses.LinearDecay(4, steps=8), {0: 4, 2: 3, 8: 0, 100: 0}),
    "late decay": (losses.LinearDecay(4, 8, start=10, end=2), {0: 4, 10: 4, 14: 3, 18: 2, 99: 2}),
    "piecewise": (losses.Piecewise([2, 5], [1, 0, 7]), {0: 1, 1: 1, 2: 0, 4: 0, 5: 7, 99: 7}),
    "no boundary": (losses.Piecewise([], [2]), {0: 2, 5: 2}),
}


@pytest.mark.parametrize("name", GRAPHS)
def test_values(name):
    schedule, graph = GRAPHS[name]
    for step, weight in graph.items():
        for one in (step, np.int64(step), keras.ops.convert_to_tensor(step, dtype="int32")):
            found = schedule(one)
            assert keras.backend.standardize_dtype(found.dtype) == "float32"
            assert tuple(found.shape) == ()
            assert float(found) == pytest.approx(weight)


@pytest.mark.parametrize("name", GRAPHS)
def test_inside_a_compiled_step(name):
    schedule, graph = GRAPHS[name]
    function = schedule.__call__
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        function = tf.function(function, jit_compile=True)
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    for step, weight in graph.items():
        assert float(function(keras.ops.convert_to_tensor(step, dtype="int32"))) == weight


@pytest.mark.parametrize("name", GRAPHS)
def test_serialisation(name):
    schedule, graph = GRAPHS[name]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(schedule))
    assert type(again) is type(schedule)
    assert {step: float(again(step)) for step in graph} == graph


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.ConstantWeight(-1), "`weight` must be finite and at least 0"),
        (lambda: losses.WarmUp(1, steps=0), "`steps` must be an integer of at least 1"),
        (lambda: losses.WarmUp(1, steps=5, start=-1), "`start` must be an integer of at least 0"),
        (lambda: losses.LinearDecay(1, 5, end=float("inf")), "`end` must be finite"),
        (lambda: losses.Piecewise([5, 5], [1, 2, 3]), "`boundaries` must rise"),
        (lambda: losses.Piecewise([5, 6], [1, 2]), "`weights` must be one more"),
        (lambda: losses.Piecewise([2.5], [1, 2]), "`boundaries` must be an integer"),
    ],
)
def test_arguments_are_checked(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_get():
    assert float(schedules.get("w", 2)(7)) == 2
    schedule = losses.WarmUp(1, steps=10)
    assert schedules.get("w", schedule) is schedule
    decay = keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0)
    assert float(schedules.get("w", decay)(5)) == pytest.approx(0.5)


@pytest.mark.parametrize("identifier", ["1", None, True, -1, losses.WarmUp])
def test_get_refuses_anything_else(identifier):
    with pytest.raises(ValueError, match="`w` must be"):
        schedules.get("w", identifier)


def test_a_schedule_of_ones_own_must_define_call():
    class Nothing(losses.WeightSchedule):
        pass

    with pytest.raises(TypeError, match="Nothing must define"):
        Nothing()(0)
