"""What `fit` and `evaluate` accept as data, and the check of it before anything is trained."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.data import UnpairedDataset


def training_source(
    model: Any, x: Any, y: Any, batch_size: int | None, options: dict
) -> tuple[Any, dict]:
    """Return a source of `(a, b)` batches for Keras' `fit`, and the options to call it with.

    Args:
        model: The `CycleGAN` that is to be trained.
        x: Images of A, or a source of batches.
        y: Images of B, or `None`.
        batch_size: Images of each domain in a batch, for arrays.
        options: The other arguments of `fit`, by name.

    Raises:
        ValueError: Data that the model cannot take.
    """
    shape_a, shape_b = _shapes(model)
    if y is not None:
        a = _checks.images("x", x, shape_a)
        b = _checks.images("y", y, shape_b)
        shuffle = options.get("shuffle", True)
        x = UnpairedDataset(
            a, b, batch_size=1 if batch_size is None else batch_size, shuffle=shuffle
        )
    elif x is None or isinstance(x, np.ndarray):
        raise ValueError(
            "`fit` needs images of both domains: `fit(a, b)`, or a source of (a, b) batches. "
            f"Received: x={type(x).__name__} and y=None."
        )

    if isinstance(x, UnpairedDataset):
        _checks.images("the dataset's `a`", x.a[:1], shape_a)
        _checks.images("the dataset's `b`", x.b[:1], shape_b)
        # It shuffles by itself, seeded; Keras would shuffle its batches with a global generator.
        return x, {**options, "shuffle": False}

    batch, x = _first_batch(x)
    a, b = _pair(batch)
    a = _checks.images("the first batch of domain A", a, shape_a)
    b = _checks.images("the first batch of domain B", b, shape_b)
    model.warn_range_once("the first batch of domain A", a)
    model.warn_range_once("the first batch of domain B", b)
    if not isinstance(x, keras.utils.PyDataset):
        # Keras cannot shuffle these and says so at every call, since its `shuffle` is on unasked.
        options = {"shuffle": False, **options}
    return x, options


def pairs(model: Any, x: Any, y: Any) -> tuple[Any, Any]:
    """Return what `evaluate` was given if image k of A can be the truth for image k of B.

    Raises:
        ValueError: Arrays that the model cannot take, different numbers of images, or data that
            are unpaired by design.
    """
    if isinstance(x, UnpairedDataset):
        raise ValueError(
            "`evaluate` compares image k of A with image k of B, and an `UnpairedDataset` draws "
            "them independently: its scores would mean nothing. Pass the arrays of pairs, "
            "`evaluate(a, b)`."
        )
    if y is None:
        return x, y
    shape_a, shape_b = _shapes(model)
    a, b = _checks.images("x", x, shape_a), _checks.images("y", y, shape_b)
    if len(a) != len(b):
        raise ValueError(
            "`evaluate` compares image k of A with image k of B, so it needs as many of one as of "
            f"the other. Received: {len(a)} and {len(b)}."
        )
    model.warn_range_once("x", a)
    model.warn_range_once("y", b)
    return a, b


def _shapes(model: Any) -> tuple[tuple, tuple]:
    return model.generator_ab.input_shape[1:], model.generator_ba.input_shape[1:]


def _first_batch(source: Any) -> tuple[Any, Any]:
    """Return a source's first batch, and the source with nothing taken from it."""
    if isinstance(source, keras.utils.PyDataset):
        return source[0], source
    try:
        batch = next(iter(source))
    except StopIteration:
        raise ValueError("The source of training data yielded no batch.") from None
    return batch, _put_back(batch, source) if isinstance(source, Iterator) else source


def _put_back(batch: Any, rest: Iterator) -> Iterator:
    yield batch
    yield from rest


def _pair(batch: Any) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(batch, (tuple, list)) or len(batch) != 2:
        found = (
            f"{len(batch)} of them" if isinstance(batch, (tuple, list)) else type(batch).__name__
        )
        raise ValueError(
            f"A source of training data must yield pairs of batches, (a, b). Received: {found}."
        )
    a, b = (keras.ops.convert_to_numpy(side) for side in batch)
    return a, b
