"""Weights of the objective's terms: functions of the training step, or `None` for no term."""

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.losses import schedules


@dataclasses.dataclass(frozen=True)
class TermWeights:
    """Weights of a CycleGAN's terms; `None` for a constant 0, whose term is not computed.

    Attributes:
        adversarial: Weight of the generators' adversarial terms.
        cycle: Weight of the cycle consistency terms.
        identity: Weight of the identity mapping terms.
        identity_every: k: the identity terms are computed in every k-th step and multiplied by k.
        r1: Weight of the discriminators' R1 gradient penalty.
        r1_every: k: the penalty is computed in every k-th step and multiplied by k.
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
    """Return the `TermWeights` from the arguments of `compile`.

    Raises:
        ValueError: A weight is neither a number of at least 0 nor a function of the step, or an
            interval is below 1.
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
    """Raise a `ValueError` if all terms of the generators have weight 0.

    Args:
        model: A `CycleGAN` whose terms are set.
    """
    weights = model.term_weights
    terms = weights.adversarial, weights.cycle, weights.identity, model.structure, model.paired
    if not any(terms):
        raise ValueError(
            "The generators have nothing to learn: all their terms have weight 0. Compile with an "
            "`adversarial_weight`, a `cycle_weight`, an `identity_weight`, a `paired_weight` or a "
            "`structure_loss`."
        )


def plain(weight: Any) -> Any:
    """Return a checked weight in a form that can be saved: a float, or the function itself."""
    return weight if callable(weight) else float(weight)


def identity_weight_for(model: Any, weight: Any) -> Any:
    """Return `weight`, or 0 with a warning if the domains have different numbers of channels."""
    channels = model.generator_ab.input_shape[-1], model.generator_ab.output_shape[-1]
    if channels[0] == channels[1]:
        return weight
    if schedules.get_unless_zero("identity_weight", weight) is not None:
        warnings.warn(
            "Identity mapping needs as many channels in domain A as in domain B. Received: "
            f"{channels[0]} and {channels[1]}. The term is disabled; pass identity_weight=0 to "
            "avoid this warning.",
            stacklevel=3,
        )
    return 0.0
