"""The weights of the objective's terms, each a function of the training step or `None` for none."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.losses import schedules


@dataclasses.dataclass(frozen=True)
class TermWeights:
    """What `compile` said of a CycleGAN's terms; `None` where a constant 0 skips the work.

    Attributes:
        adversarial: Weight of the generators' adversarial terms.
        cycle: Weight of the cycle terms.
        identity: Weight of the identity terms.
        identity_every: In which steps those are computed, every k-th, k times as strong.
        r1: Weight of the discriminators' gradient penalty.
        r1_every: In which steps that penalty is computed, every k-th, k times as strong.
    """

    adversarial: Callable | None
    cycle: Callable | None
    identity: Callable | None
    identity_every: int
    r1: Callable | None
    r1_every: int


def term_weights(
    adversarial: Any, cycle: Any, identity: Any, identity_every: Any, r1: Any, r1_every: Any
) -> TermWeights:
    """Return the `TermWeights` that the arguments of `compile` stand for.

    Raises:
        ValueError: A weight that is neither a number of at least 0 nor a function of the step, or
            an interval below 1.
    """
    return TermWeights(
        adversarial=schedules.get_unless_zero("adversarial_weight", adversarial),
        cycle=schedules.get_unless_zero("cycle_weight", cycle),
        identity=schedules.get_unless_zero("identity_weight", identity),
        identity_every=_checks.positive_int("identity_every", identity_every),
        r1=schedules.get_unless_zero("r1_weight", r1),
        r1_every=_checks.positive_int("r1_every", r1_every),
    )


def check_generators_learn(model: Any) -> None:
    """Raise a `ValueError` where no term would reach the generators.

    Args:
        model: A `CycleGAN` whose terms are set.
    """
    weights = model.term_weights
    terms = weights.adversarial, weights.cycle, weights.identity, model.structure, model.paired
    if not any(terms):
        raise ValueError(
            "The generators have nothing to learn: every weight of theirs is 0. Compile with an "
            "`adversarial_weight`, a `cycle_weight`, an `identity_weight`, a `paired_weight` or a "
            "`structure_loss`."
        )


def plain(weight: Any) -> Any:
    """Return a checked weight as a float, or as the function that it is: what can be saved."""
    return weight if callable(weight) else float(weight)


def identity_weight_for(model: Any, weight: Any) -> Any:
    """Return `weight`, or 0 with a warning where an image cannot be its own translation."""
    channels = model.generator_ab.input_shape[-1], model.generator_ab.output_shape[-1]
    if channels[0] == channels[1]:
        return weight
    if schedules.get_unless_zero("identity_weight", weight) is not None:
        warnings.warn(
            "Identity mapping needs as many channels in domain A as in domain B, found "
            f"{channels[0]} and {channels[1]}: it is off. Pass identity_weight=0 to say so "
            "yourself.",
            stacklevel=3,
        )
    return 0.0
