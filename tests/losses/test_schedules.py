import keras
import pytest
from contracts import run_schedule_contract

from keras_mri_cyclegan import losses
from keras_mri_cyclegan.losses import schedules

# Each with the points of its graph, worked out by hand.
GRAPHS = [
    (losses.ConstantWeight, {"weight": 3}, {0: 3, 10**6: 3}),
    (losses.WarmUp, {"weight": 4, "steps": 8, "start": 0}, {0: 0, 2: 1, 8: 4, 9: 4, 10**6: 4}),
    (
        losses.WarmUp,
        {"weight": 4, "steps": 8, "start": 100},
        {0: 0, 100: 0, 104: 2, 108: 4, 200: 4},
    ),
    (
        losses.LinearDecay,
        {"weight": 4, "steps": 8, "start": 0, "end": 0},
        {0: 4, 2: 3, 8: 0, 100: 0},
    ),
    (
        losses.LinearDecay,
        {"weight": 4, "steps": 8, "start": 10, "end": 2},
        {0: 4, 10: 4, 14: 3, 18: 2, 99: 2},
    ),
    (
        losses.Piecewise,
        {"boundaries": [2, 5], "weights": [1, 0, 7]},
        {0: 1, 1: 1, 2: 0, 4: 0, 5: 7, 99: 7},
    ),
    (losses.Piecewise, {"boundaries": [], "weights": [2]}, {0: 2, 5: 2}),
]


@pytest.mark.parametrize(("schedule", "arguments", "graph"), GRAPHS)
def test_contract(schedule, arguments, graph):
    run_schedule_contract(schedule, arguments, graph)


def test_defaults():
    assert losses.WarmUp(4, steps=8).start == 0
    assert (losses.LinearDecay(4, steps=8).start, losses.LinearDecay(4, steps=8).end) == (0, 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: losses.ConstantWeight(-1), "`weight` must be finite and at least 0"),
        (lambda: losses.WarmUp(1, steps=0), "`steps` must be an integer of at least 1"),
        (lambda: losses.WarmUp(1, steps=5, start=-1), "`start` must be an integer of at least 0"),
        (lambda: losses.LinearDecay(1, 5, end=float("inf")), "`end` must be finite"),
        (lambda: losses.Piecewise([5, 5], [1, 2, 3]), "`boundaries` must be ascending"),
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
