"""Training and evaluation data of `fit` and `evaluate`, checked before the first step.

Messages use the names of the user's arguments, `x` and `y`, and name their domain; a and b are the
two parts of a batch.
"""

import contextlib
import inspect
import itertools
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import once
from keras_mri_cyclegan.callbacks.torch_random import torch_generator_kept
from keras_mri_cyclegan.cyclegan import backends
from keras_mri_cyclegan.cyclegan.paired_term import check_pairs
from keras_mri_cyclegan.data import UnpairedDataset, VolumeImages
from keras_mri_cyclegan.preprocessing.voxel_sizes import compare

SCORED_AT_ONCE = 8
ARRAYS = ("`x` (images of A)", "`y` (images of B)")
VALIDATION = ("`validation_data[0]` (images of A)", "`validation_data[1]` (images of B)")
OF_A_SOURCE = ("the first batch of {}, images of A,", "the first batch of {}, images of B,")


def training_source(
    model: Any, x: Any, y: Any, batch_size: int | None, shuffle: bool
) -> tuple[Any, bool]:
    """Return a source of `(a, b)` batches for Keras' `fit`, and whether Keras must shuffle it.

    Args:
        model: The `CycleGAN` to train.
        x: Images of A, or a source of batches.
        y: Images of B, or `None`.
        batch_size: Images of each domain in a batch, for arrays.
        shuffle: Whether to shuffle, as passed to `fit`.

    Raises:
        ValueError: The model cannot take the data.
    """
    shape_a, shape_b = _shapes(model)
    if y is not None:
        a = x if isinstance(x, VolumeImages) else _checks.images(ARRAYS[0], x, shape_a)
        b = y if isinstance(y, VolumeImages) else _checks.images(ARRAYS[1], y, shape_b)
        _checks.same_domains(ARRAYS, a, b)
        # Only the first image of scans: checking all of them would read every file.
        sides = [side[:1] if isinstance(side, VolumeImages) else side for side in (a, b)]
        _warn_range(dict(zip(ARRAYS, sides, strict=True)))
        x = UnpairedDataset(
            a, b, batch_size=1 if batch_size is None else batch_size, shuffle=shuffle
        )
    elif x is None or hasattr(x, "shape") or isinstance(x, (list, tuple)):
        found = "None" if x is None else "an array"
        if isinstance(x, (list, tuple)):
            found = f"a {type(x).__name__} of {len(x)}"
        raise ValueError(
            "`fit` needs images of both domains: `fit(x, y)` with images of A and images of B "
            "as two arguments, or a source of (a, b) batches as `x`. Received: "
            f"x={found} and y=None."
        )

    if isinstance(x, UnpairedDataset):
        check_pairs(model, x.paired)
        _checks.images("the dataset's `a`", x.a[:1], shape_a)
        _checks.images("the dataset's `b`", x.b[:1], shape_b)
        for name, images, shape in zip("ab", x.paired or (), (shape_a, shape_b), strict=False):
            _checks.images(f"the dataset's paired `{name}`", images[:1], shape)
        # It shuffles with its own seed; Keras would shuffle its batches with a global generator.
        return x, False

    x, (a, b, pairs) = _first_batch(model, x, "`x`")
    check_pairs(model, pairs)
    if pairs is not None:
        _warn_range(_first_pairs(model, pairs, a, b))
    # Keras can shuffle only a PyDataset, and warns for every other source.
    return x, shuffle and isinstance(x, keras.utils.PyDataset)


def endless(source: Any, options: dict) -> tuple[dict, Any]:
    """Make an `UnpairedDataset` yield `steps_per_epoch` batches in every epoch.

    Keras would stop after one pass over the dataset, or start a new pass in the middle of an order.

    Args:
        source: Result of `training_source`.
        options: Further arguments of `fit`.

    Returns:
        The arguments for Keras' `fit`, and the context in which to call it.
    """
    steps = options.get("steps_per_epoch")
    if not steps or not isinstance(source, UnpairedDataset):
        return options, contextlib.nullcontext()
    return {**options, "steps_per_epoch": None}, source.in_epochs_of(steps)


def check_options(options: dict) -> None:
    """Raise a `ValueError` for an argument of Keras' `fit` that a `CycleGAN` does not support."""
    for name in ("validation_split", "class_weight", "sample_weight"):
        value = options.get(name)
        if value is not None and not (name == "validation_split" and value == 0):
            raise ValueError(
                f"`fit` of a CycleGAN has no `{name}`: its images are unpaired and unlabelled. "
                "For validation pass pairs of images, `validation_data=(a, b)`."
            )


def validation_source(model: Any, data: Any) -> Any:
    """Check validation data before the first epoch, and return them.

    Raises:
        ValueError: `evaluate` cannot score the data.
    """
    if isinstance(data, (tuple, list)):
        if len(data) != 2:
            raise ValueError(
                "`validation_data` must be (a, b), images of A and of B that are pairs, or a "
                f"source of batches of pairs. Received: {len(data)} parts. Sample weights are not "
                "supported."
            )
        return pairs(model, data[0], data[1], names=VALIDATION)
    return data if data is None else pairs(model, data, None, names=("`validation_data`", ""))[0]


def compare_with_validation(source: Any, data: Any) -> None:
    """Warn of validation data that share patients with training, or differ in preprocessing.

    Args:
        source: Result of `training_source`.
        data: The argument `validation_data` of `fit`.
    """
    if not isinstance(source, UnpairedDataset) or not isinstance(data, (tuple, list)):
        return
    trained = [images for images in (source.a, source.b) if isinstance(images, VolumeImages)]
    scored = [images for images in data if isinstance(images, VolumeImages)]
    common = _patients(trained) & _patients(scored)
    if common:
        _checks.warn(
            f"`validation_data` has {len(common)} patients of the training, such as "
            f"{min(common)!r}; its scores will be better than those of new patients. Split the "
            "scans by patient, as `keras_mri_cyclegan.data.from_volumes(..., validation=0.2)` does."
        )
    for one, other in itertools.product(trained, scored):
        chains = [images.preprocessing for images in (one, other)]
        if chains[0] is chains[1]:
            continue
        found = [
            {"plane": getattr(chain.cutter, "plane", None), "steps": chain.get_config()["steps"]}
            for chain in chains
        ]
        differ = [name for name, value in found[0].items() if value != found[1][name]]
        if differ:
            _checks.warn(
                "`validation_data` must have the same preprocessing as the training data. "
                f"Received: another preprocessing, with other {' and '.join(differ)}. Prepare both "
                "with the preprocessing that was fitted on the training data."
            )
            return
        with once():
            compare([*one.sizes, *other.sizes], chains[0].cutter)


def _patients(sides: list[VolumeImages]) -> set[str]:
    return {name for images in sides for name in images.comparable_patients if name is not None}


def scored_at_once(data: Any) -> int | None:
    """Return the batch size for arrays in `evaluate`, or `None` for a source of batches."""
    is_array = isinstance(data, tuple) and isinstance(data[0], np.ndarray)
    return SCORED_AT_ONCE if is_array else None


def with_resumed_order(callbacks: Any, source: Any) -> Any:
    """Return the callbacks, with one that continues the order of the data of a resumed training."""
    if not isinstance(source, UnpairedDataset) or isinstance(
        callbacks, keras.callbacks.CallbackList
    ):
        return callbacks
    given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks] * bool(callbacks)
    return [_ResumedOrder(source), *given]


class _ResumedOrder(keras.callbacks.Callback):
    """Callback that sets a dataset's epoch to the first epoch of a resumed training.

    `initial_epoch` and `BackupAndRestore` choose that epoch. Keras has already advanced the dataset
    by one epoch.
    """

    def __init__(self, dataset: UnpairedDataset):
        super().__init__()
        self.dataset = dataset
        self.begun = False

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if epoch > 0 and not self.begun:
            self.dataset.epoch = epoch + 1
        self.begun = True


def pairs(
    model: Any,
    x: Any,
    y: Any,
    names: tuple[str, str] = ARRAYS,
) -> tuple[Any, Any]:
    """Check that image k of A can be the truth for image k of B, and return the data.

    Args:
        model: The `CycleGAN` to evaluate.
        x: Images of A, or a source of batches.
        y: Images of B, or `None`.
        names: Names of `x` and `y` in messages.

    Raises:
        ValueError: The model cannot take the arrays, the numbers of images differ, or the data are
            unpaired by design.
    """
    if isinstance(x, UnpairedDataset) and x.paired is not None:
        raise ValueError(
            "`evaluate` scores every pair once, but the full batches of an `UnpairedDataset` "
            "repeat some pairs. Pass the arrays of its pairs, `evaluate(*dataset.paired)`."
        )
    if isinstance(x, UnpairedDataset):
        raise ValueError(
            "`evaluate` compares image k of A with image k of B, and an `UnpairedDataset` draws "
            "them independently: the scores would be meaningless. Pass the arrays of pairs, "
            "`evaluate(x, y)`: slices at the same position, such as those that "
            "`Preprocessing.prepare` and `cutter.cut` return for two scans on one grid."
        )
    if y is None:
        x, (a, b, _) = _first_batch(model, x, names[0].partition(" ")[0])
        _check_as_many(a, b)
        return x, y
    _checks.same_domains(names, x, y)
    _checks.compare_pairs(names, x, y)
    shape_a, shape_b = _shapes(model)
    a, b = _checks.images(names[0], x, shape_a), _checks.images(names[1], y, shape_b)
    _check_as_many(a, b)
    _warn_range(dict(zip(names, (a, b), strict=True)))
    return a, b


def _check_as_many(a: np.ndarray, b: np.ndarray) -> None:
    if len(a) != len(b):
        raise ValueError(
            "`evaluate` compares image k of A with image k of B, so it needs as many images of A "
            f"as of B. Received: {len(a)} and {len(b)}."
        )


def _warn_range(images: dict[str, np.ndarray]) -> None:
    for name, array in images.items():
        _checks.warn_range(name, array)


def _shapes(model: Any) -> tuple[tuple, tuple]:
    return model.generator_ab.input_shape[1:], model.generator_ba.input_shape[1:]


def _first_batch(model: Any, source: Any, name: str) -> tuple[Any, tuple]:
    """Return the complete source, and the checked parts of its first batch."""
    if inspect.isroutine(source) or isinstance(source, type):
        raise ValueError(
            f"{name} must be a source of (a, b) batches. Received: the {type(source).__name__} "
            f"`{source.__name__}` itself. Call it: `{source.__name__}()`."
        )
    if isinstance(source, keras.utils.PyDataset):
        batch = source[0]
    else:
        try:
            again = not isinstance(source, Iterator)
            # A `DataLoader` draws its order from this generator, and will do so again.
            with torch_generator_kept() if again else contextlib.nullcontext():
                batch = next(iter(source))
        except StopIteration:
            raise ValueError(f"{name}, a source of data, yielded no batch.") from None
        except TypeError as error:
            raise ValueError(
                f"{name} must be a source of (a, b) batches: a `keras.utils.PyDataset`, a "
                "`tf.data.Dataset`, a torch `DataLoader` or a generator. Received: a "
                f"{type(source).__name__} ({error})."
            ) from error
    if isinstance(source, Iterator):
        source = _put_back(batch, source)
    a, b, rest = _parts(batch, name)
    seen = {
        called.format(name): _checks.images(called.format(name), side, shape)
        for called, side, shape in zip(OF_A_SOURCE, (a, b), _shapes(model), strict=True)
    }
    _warn_range(seen)
    return source, (*seen.values(), rest)


def _put_back(batch: Any, rest: Iterator) -> Iterator:
    """Yield a batch and the rest as tuples, the type that Keras requires of a batch."""
    for each in itertools.chain([batch], rest):
        yield tuple(each) if isinstance(each, list) else each


def _first_pairs(model: Any, pairs: Any, a: np.ndarray, b: np.ndarray) -> dict[str, np.ndarray]:
    """Return the checked pairs of the first batch, by their names in messages."""
    if not isinstance(pairs, backends.NESTED):
        raise ValueError(
            "The pairs of a batch must be a tuple, (a_paired, b_paired) or (). Received: a "
            f"{type(pairs).__name__}, the type that torch's `default_collate` returns. Pass the "
            "`DataLoader` a `collate_fn` that ends with `return a, b, tuple(pairs)`."
        )
    checked = {}
    for domain, images, shape in zip("AB", pairs or (a, b), _shapes(model), strict=True):
        name = f"the pairs of the first batch of `x`, images of {domain},"
        checked[name] = _checks.images(name, keras.ops.convert_to_numpy(images), shape)
    counts = [len(array) for array in checked.values()]
    if counts[0] != counts[1]:
        raise ValueError(
            "The pairs of a batch must be equally many images of A and of B, image k of A the "
            f"truth for image k of B. Received: {counts[0]} and {counts[1]}."
        )
    return checked


def _parts(batch: Any, name: str) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return the images of A and of B of a batch, and its pairs or `None`."""
    if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3):
        found = f"{len(batch)} parts" if isinstance(batch, (tuple, list)) else type(batch).__name__
        raise ValueError(
            f"{name}, a source of data, must yield batches (a, b), images of A and images of B. "
            f"Received: {found}."
        )
    a, b = (keras.ops.convert_to_numpy(_checks.plain(side)) for side in batch[:2])
    return a, b, batch[2] if len(batch) == 3 else None
