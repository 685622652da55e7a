"""The identity mapping in some steps alone: it is a quarter of a step's work, and a mild term."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def lazy_identity(
    generators: list[keras.Model],
    scans: list,
    distance: Callable,
    step: Any,
    every: int,
    cond: Callable = ops.cond,
) -> list:
    """Return the identity term of each generator in every k-th step, k times, and 0 in the others.

    Its mean over the steps is that of a term in each, for a k-th of the work.

    Args:
        generators: The generators.
        scans: For each those of the domain that it translates *to*, `(batch, height, width,
            channels)`.
        distance: Function of (scans, what became of them), a scalar.
        step: Integer tensor, the number of steps done so far.
        every: Integer above 1, k.
        cond: As `keras.ops.cond`, which is the default.
    """
    # Values from outside: within a branch JAX must not read a variable that a scope holds.
    weights = [[ops.convert_to_tensor(v.value) for v in g.trainable_variables] for g in generators]
    states = [[ops.copy(v.value) for v in g.non_trainable_variables] for g in generators]

    def terms() -> list:
        found = []
        for network, images, weight, state in zip(generators, scans, weights, states, strict=True):
            # A call that leaves no trace in the network, whose state has its own in each step.
            same, _ = network.stateless_call(weight, state, images, training=True)
            found.append(every * ops.cast(distance(images, same), "float32"))
        return found

    return cond(
        ops.equal(ops.mod(step, every), 0), terms, lambda: [ops.zeros((), "float32")] * len(scans)
    )
