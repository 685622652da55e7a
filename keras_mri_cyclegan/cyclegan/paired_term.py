"""Supervised term for pairs: a loss between a translation and its truth."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.losses import schedules


@dataclasses.dataclass(frozen=True)
class PairedTerm:
    """Supervised loss of a CycleGAN: `loss(truth, translated)` times `weight(step)`."""

    loss: Callable
    weight: Callable

    def __call__(self, truth: Any, translated: Any) -> Any:
        """Return the loss as a scalar, the mean of all numbers that the function returns."""
        return ops.mean(self.loss(truth, translated))


def paired_term(loss: Any, weight: Any) -> PairedTerm | None:
    """Return the supervised term from the arguments of `compile`, or `None` for weight 0.

    Args:
        loss: The name of a Keras loss, or a function of (truth, translated).
        weight: A number or a schedule; with the number 0 there is no term.

    Raises:
        ValueError: The loss is unknown or not callable, or the weight is out of its range.
    """
    found = schedules.get_unless_zero("paired_weight", weight)
    function = loss
    if isinstance(loss, str):
        try:
            function = keras.losses.get(loss)
        except ValueError:
            function = None
    if not callable(function) or isinstance(function, type):
        raise ValueError(
            "`paired_loss` must be the name of a Keras loss such as 'mae', a Keras loss such as "
            "`keras.losses.LogCosh()`, or a function of (truth, translated). "
            f"Received: {loss!r}."
        )
    return None if found is None else PairedTerm(function, found)


def check_pairs(model: Any, pairs: Any) -> None:
    """Check that the third part of a training batch fits the `paired_weight` of `compile`.

    Args:
        model: A compiled `CycleGAN`.
        pairs: `(a, b)`, images of which each is the truth for the other's translation; `()` if
            the batch's own images are pairs; `None` without pairs.

    Raises:
        ValueError: There are pairs but no weight, or a weight but no pairs; or `pairs` is of
            another type.
    """
    if pairs is None:
        if model.paired is not None:
            raise ValueError(
                f"The training data have no pairs, and paired_weight={model.paired_weight!r} needs "
                "pairs. Pass an `UnpairedDataset(a, b, paired=(a_paired, b_paired))`, or a source "
                "of batches (a, b, (a_paired, b_paired)); or compile with paired_weight=0."
            )
        return
    if not isinstance(pairs, (tuple, list)) or len(pairs) not in (0, 2):
        found = f"{len(pairs)} parts" if isinstance(pairs, (tuple, list)) else type(pairs).__name__
        raise ValueError(
            "The third part of a training batch must be pairs of images, (a_paired, b_paired), or "
            f"() if a and b themselves are pairs. Received: {found}. Sample weights are not "
            "supported."
        )
    if model.paired is None:
        raise ValueError(
            "The training data have pairs, and with paired_weight=0 the pairs would not be used. "
            "Compile with a `paired_weight`, such as 10, or pass data without pairs."
        )


def unpack_pairs(model: Any, pairs: Any) -> tuple | None:
    """Return the third part of a training batch as a tuple of float32 tensors, or `None`."""
    check_pairs(model, pairs)
    if pairs is None:
        return None
    return tuple(ops.convert_to_tensor(side, "float32") for side in pairs)
