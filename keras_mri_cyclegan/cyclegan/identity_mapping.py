"""Lazy identity mapping: a weak term, a quarter of a step's computation, in every k-th step."""

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
    """Return each generator's identity term times k in every k-th step, and 0 in other steps.

    The mean over the steps equals that of a term in every step, for 1/k of the computation.

    Args:
        generators: The generators.
        scans: For each generator real images of its target domain, `(batch, height, width,
            channels)`.
        distance: Function of (real images, generator's outputs for them) that returns a scalar.
        step: Integer tensor, the number of training steps so far.
        every: Integer above 1, k.
        cond: Replacement of `keras.ops.cond`, which is the default.
    """
    # Read the values outside the branch: in it, JAX must not read a variable that a scope holds.
    weights = [[ops.convert_to_tensor(v.value) for v in g.trainable_variables] for g in generators]
    states = [[ops.copy(v.value) for v in g.non_trainable_variables] for g in generators]

    def terms() -> list:
        found = []
        for network, images, weight, state in zip(generators, scans, weights, states, strict=True):
            # Stateless: another call in each step updates the network's state.
            same, _ = network.stateless_call(weight, state, images, training=True)
            found.append(every * ops.cast(distance(images, same), "float32"))
        return found

    return cond(
        ops.equal(ops.mod(step, every), 0), terms, lambda: [ops.zeros((), "float32")] * len(scans)
    )
