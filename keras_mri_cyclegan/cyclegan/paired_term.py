"""The supervised term, where pairs exist: a loss between a translation and its truth."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.losses import schedules


@dataclasses.dataclass(frozen=True)
class PairedTerm:
    """The supervised loss of a CycleGAN: `loss(truth, translated)` times `weight(step)`."""

    loss: Callable
    weight: Callable

    def __call__(self, truth: Any, translated: Any) -> Any:
        """Return the loss as a scalar, a mean where the function returns more than one number."""
        return ops.mean(self.loss(truth, translated))


def paired_term(loss: Any, weight: Any) -> PairedTerm | None:
    """Return the term that the arguments of `compile` stand for, or `None` where there is none.

    Args:
        loss: The name of a Keras loss, or a function of (truth, translated).
        weight: A number or a schedule; the number 0 is no term at all.

    Raises:
        ValueError: A loss that is not known or cannot be called, or a weight out of its range.
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
    """Check that the third part of a training batch is what a `CycleGAN` was compiled for.

    Args:
        model: A compiled `CycleGAN`.
        pairs: `(a, b)`, images of which one is the truth for the other; `()` where the batch's
            own images are such pairs; `None` where there are none.

    Raises:
        ValueError: Pairs and no weight for them, a weight and no pairs, or something else.
    """
    if pairs is None:
        if model.paired is not None:
            raise ValueError(
                f"The training data have no pairs, and paired_weight={model.paired_weight!r} needs "
                "some. Pass an `UnpairedDataset(a, b, paired=(a_paired, b_paired))`, or a source "
                "of batches (a, b, (a_paired, b_paired)); or compile with paired_weight=0."
            )
        return
    if not isinstance(pairs, (tuple, list)) or len(pairs) not in (0, 2):
        found = f"{len(pairs)} parts" if isinstance(pairs, (tuple, list)) else type(pairs).__name__
        raise ValueError(
            "The third part of a training batch must be pairs of images, (a_paired, b_paired), or "
            f"() where a and b themselves are pairs. Received: {found}. There are no sample "
            "weights here."
        )
    if model.paired is None:
        raise ValueError(
            "The training data have pairs, and with paired_weight=0 they would not be used. "
            "Compile with a `paired_weight`, such as 10, or pass data without pairs."
        )


def unpack_pairs(model: Any, pairs: Any) -> tuple | None:
    """Return the third part of a training batch as a tuple of float32 tensors, if there is one."""
    check_pairs(model, pairs)
    if pairs is None:
        return None
    return tuple(ops.convert_to_tensor(side, "float32") for side in pairs)
