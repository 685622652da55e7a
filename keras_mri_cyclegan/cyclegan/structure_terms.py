"""Structure terms of the objective, which preserve the anatomy: name, loss and weight of each."""

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from keras_mri_cyclegan.losses import schedules


@dataclasses.dataclass(frozen=True)
class StructureTerm:
    """Structure loss of a CycleGAN: `loss(source, translated)` times `weight(step)`."""

    name: str
    loss: Callable
    weight: Callable


def structure_terms(losses: Any, weights: Any) -> list[StructureTerm]:
    """Return the structure terms from the arguments of `compile`.

    Args:
        losses: `None`, a function of (source, translated), or a list of them.
        weights: A number or a schedule for all losses, or a list with one for each.

    Raises:
        ValueError: A loss is not callable, or the number of weights differs from that of losses.
    """
    losses = [] if losses is None else _listed(losses)
    for loss in losses:
        if not callable(loss) or isinstance(loss, type):
            raise ValueError(
                "`structure_loss` must be a function of (source, translated), such as "
                "`keras_mri_cyclegan.losses.NormalizedGradientField()`, or a list of them. "
                f"Received: {loss!r}."
            )
    weights = _listed(weights) if isinstance(weights, (list, tuple)) else [weights] * len(losses)
    if len(weights) != len(losses):
        raise ValueError(
            "`structure_weight` must be one weight for all structure losses, or one for each. "
            f"Received: {len(weights)} weights for {len(losses)} losses."
        )
    found = [schedules.get("structure_weight", weight) for weight in weights]
    names = _names(losses)
    return [StructureTerm(*term) for term in zip(names, losses, found, strict=True)]


def _listed(value: Any) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _names(losses: list) -> list[str]:
    """Return a name for each loss: its class or function, numbered if it occurs more than once."""
    kinds = [getattr(loss, "__name__", type(loss).__name__) for loss in losses]
    # NormalizedGradientField, MindSSC -> normalized_gradient_field, mind_ssc
    snake = [re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower().strip("_") for kind in kinds]
    return [
        f"{name}_{snake[:k].count(name) + 1}" if snake.count(name) > 1 else name
        for k, name in enumerate(snake)
    ]
