"""Unpaired batches: images of two contrasts, drawn independently."""

import contextlib
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan._notices import once
from keras_mri_cyclegan.data._mirrored import notice_mirrored
from keras_mri_cyclegan.data.volume_images import VolumeImages
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.preprocessing.voxel_sizes import compare

PAIRS = 2  # number of the pairs in the random seeds, where A and B have the numbers 0 and 1

Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class UnpairedDataset(keras.utils.PyDataset):
    """Batches `(a, b)` in which the images of `a` and of `b` are drawn independently.

    An epoch has `ceil(max(len(a), len(b)) / batch_size)` batches, all of them full, so that a
    compiled training step has a single shape. The images of each domain are drawn in random order,
    in as many rounds as the epoch needs: every image of the larger domain is drawn at least once,
    and no image of the smaller domain is drawn again before all others of the round. (An image can
    be twice in one batch only at the border of two rounds.)

    Batch `i` of epoch `e` depends only on `seed`, `e` and `i`, whatever the number of workers.
    `on_epoch_end` increases `epoch`; set it to go back, or to resume.

    `fit` calls `on_epoch_end` once before its first epoch, so epoch `k` of `fit` (from 0) is epoch
    `k + 1` of this class. A `CycleGAN` that resumes (`initial_epoch`, `BackupAndRestore`) gets the
    batches of an uninterrupted training.

    With `fit(steps_per_epoch=n)` an epoch is the next n batches of an endless sequence of passes
    over the images: no image is left out, and the order is the same.

    With `paired` a batch has a third part: `(a, b, (a_paired, b_paired))`, with `batch_size` pairs,
    drawn in their own order in the same way. Both images of a pair get the same augmentation. With
    pairs only, `UnpairedDataset(paired=...)`, the batches are `(a, b, ())`, in which image `k` of
    `a` and image `k` of `b` are a pair.

    Args:
        a: Images of the first contrast: floats in `[-1, 1]`, `(images, height, width, channels)`
            or `(images, depth, height, width, channels)`. Or `VolumeImages`, which are prepared
            when a batch needs them.
        b: Images of the second contrast, of the same rank. Their number, size and channels may
            differ from those of `a`. Omit both for pairs only.
        batch_size: Images of each domain in a batch; at most the number of images of the larger
            domain. Defaults to 1, as in the CycleGAN paper.
        shuffle: Whether to draw a new order every epoch. With `False` both domains keep their
            order, and with equal lengths image `k` of `a` is always in a batch with image `k` of
            `b`. Defaults to `True`.
        seed: Integer of at least 0. Defaults to `None`: a random seed of the operating system,
            stored in `seed`, so that the run can be repeated.
        augment: A callable `(image, rng) -> image`, or a sequence of callables, applied in this
            order to each image separately. The result must be float32 and of the same shape. `rng`
            is a `numpy.random.Generator` of that image, domain, batch and epoch; for the two images
            of a pair it draws the same numbers. Defaults to none.
        paired: `(a_paired, b_paired)`, arrays or `VolumeImages` of equal length, size and rank,
            where image `k` of one is the truth for image `k` of the other, pixel by pixel; channels
            may differ. Images may be both here and in `a` and `b`. For a `CycleGAN` compiled with a
            `paired_weight`. Defaults to `None`.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Warns:
        ScanWarning: A `RandomFlip` mirrors `VolumeImages` from front to back or from head to feet;
            the pixels of `a` and `b` differ in size.
        UserWarning: `VolumeImages` of `a` and `b` are cut in different planes; `VolumeImages` of
            `paired` are at different positions, or have no patient in common.
        RangeWarning: Images are not in [-1, 1].

    Raises:
        ValueError: Images have a wrong type or rank, or NaN; the ranks of `a` and `b` differ; the
            batch is larger than the larger domain; an augmentation is not callable; the numbers,
            sizes or ranks of pairs differ.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import RandomFlip, UnpairedDataset
        >>> t1 = np.random.default_rng(0).uniform(-1, 1, (5, 16, 16, 1)).astype("float32")
        >>> t2 = np.random.default_rng(1).uniform(-1, 1, (3, 16, 16, 1)).astype("float32")
        >>> dataset = UnpairedDataset(t1, t2, batch_size=2, seed=0, augment=RandomFlip())
        >>> len(dataset)
        3
        >>> a, b = dataset[2]
        >>> a.shape, b.shape
        ((2, 16, 16, 1), (2, 16, 16, 1))

    References:
        - Zhu et al., "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
          Networks", ICCV 2017, https://arxiv.org/abs/1703.10593
    """

    # Set by `from_volumes`: the preprocessing and the patients of the scans.
    preprocessing: Preprocessing | None = None
    patients_a: tuple[str, ...] = ()
    patients_b: tuple[str, ...] = ()

    @_checks.one_range_warning()
    def __init__(
        self,
        a: Any = None,
        b: Any = None,
        batch_size: int = 1,
        shuffle: bool = True,
        seed: int | None = None,
        augment: Augmentation | Sequence[Augmentation] | None = None,
        paired: Any = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.paired = None if paired is None else _checked_pairs(paired)
        self._pairs_alone = self.paired is not None and a is None and b is None
        if self.paired is not None and self._pairs_alone:
            a, b = self.paired
        if a is None or b is None:
            raise ValueError(
                "Pass both `a` and `b`, or only `paired`. Received: "
                f"a={'None' if a is None else 'images'}, b={'None' if b is None else 'images'}, "
                f"paired={'None' if paired is None else 'images'}."
            )
        self.a: Any = a if isinstance(a, VolumeImages) else _checks.images("a", a)
        self.b: Any = b if isinstance(b, VolumeImages) else _checks.images("b", b)
        if self.a.ndim != self.b.ndim:
            raise ValueError(
                "`a` and `b` must both hold images or both hold volumes. Received: shapes "
                f"{self.a.shape} and {self.b.shape}."
            )
        _checks.same_domains(("a", "b"), self.a, self.b)
        _compare_preprocessing(self.a, self.b)
        sides = [("a", self.a), ("b", self.b)]
        if self.paired is not None and not self._pairs_alone:
            if self.paired[0].ndim != self.a.ndim:
                raise ValueError(
                    "`paired` must hold images if `a` and `b` hold images, or volumes if they hold "
                    f"volumes. Received: shapes {self.paired[0].shape} and {self.a.shape}."
                )
            sides += [(f"paired[{k}]", images) for k, images in enumerate(self.paired)]
        # Only the first image of scans: checking all would read every scan once more.
        for name, images in sides:
            _checks.warn_range(name, images[:1] if isinstance(images, VolumeImages) else images)
        self.batch_size = _checks.positive_int("batch_size", batch_size)
        longer = self._longest()
        if self.batch_size > longer:
            raise ValueError(
                "`batch_size` must be at most the number of images of the larger domain, "
                f"{longer}, or a batch would repeat an image. Received: {batch_size}."
            )
        self.shuffle = _checks.one_of("shuffle", shuffle, (True, False))
        self.seed_was_given = seed is not None
        if seed is None:
            seed = int(np.random.SeedSequence().generate_state(1)[0])
        self.seed = _checks.positive_int("seed", seed, minimum=0)
        self.augment = callables(augment)
        with once():
            for _, images in sides:
                if isinstance(images, VolumeImages):
                    notice_mirrored(self.augment, images.preprocessing.cutter)
        self.epoch = 0
        self.steps_per_epoch: int | None = None  # `None`: an epoch is a pass over the images
        self._skipped = (0, 0)  # epoch, and number of batches to skip in it
        self._orders: dict[tuple, np.ndarray] = {}

    @property
    def epoch(self) -> int:
        """Current epoch, from 0."""
        return self._epoch

    @epoch.setter
    def epoch(self, value: int) -> None:
        self._epoch = _checks.positive_int("epoch", value, minimum=0)

    def on_epoch_end(self) -> None:
        """Advance to the next epoch, with a new order of both domains."""
        self.epoch += 1

    def skip(self, batches: int) -> None:
        """Return zeros for the first batches of the current epoch, without reading their images.

        For a training that resumes in the middle of an epoch. Other batches and other epochs are
        not changed.

        Args:
            batches: Number of batches to skip; 0 to skip none.

        Raises:
            ValueError: `batches` is not an integer of at least 0.
        """
        self._skipped = (self.epoch, _checks.positive_int("batches", batches, minimum=0))

    @contextlib.contextmanager
    def in_epochs_of(self, steps: int) -> Iterator[None]:
        """Context in which an epoch is the next `steps` batches of an endless sequence of passes.

        Args:
            steps: Number of batches in an epoch.

        Raises:
            ValueError: `steps` is not an integer of at least 1.
        """
        self.steps_per_epoch = _checks.positive_int("steps_per_epoch", steps)
        # `fit` increases the epoch before its first epoch; without this, it would skip batches.
        self.epoch = max(self.epoch - 1, 0)
        try:
            yield
        finally:
            self.steps_per_epoch = None

    def __len__(self) -> int:
        return self.steps_per_epoch or self._batches_in_pass()

    def __getitem__(self, index: int) -> tuple:
        """Return batch `index` of the current epoch.

        Args:
            index: Integer in `[0, len(dataset))`, or negative to count from the end.

        Returns:
            float32 arrays `(batch_size, [depth,] height, width, channels)` of `a` and of `b`; with
            `paired` also a tuple of two such arrays, or an empty one where `a` and `b` are pairs.

        Raises:
            IndexError: There is no such batch.
            ValueError: An augmentation changed an image's shape or dtype.
        """
        return self._batch(self.epoch, index)

    def to_tf_dataset(self) -> Any:
        """Return the same batches, in the same order, as a `tf.data.Dataset`.

        Each pass over it is one epoch: it uses the current `epoch`, and increases it as it starts.

        Returns:
            A prefetching `tf.data.Dataset` of known cardinality and shapes.

        Raises:
            ImportError: TensorFlow is not installed.
        """
        tf = require("tensorflow", extra="tensorflow")

        def one_pass() -> Iterator[tuple]:
            # Increased here, not after the last batch: prefetching reaches the last batch at an
            # unknown time, or never if the pass is stopped.
            epoch = self.epoch
            self.epoch = epoch + 1
            for index in range(len(self)):
                yield self._batch(epoch, index)

        def specs(*sides: Any) -> tuple:
            return tuple(
                tf.TensorSpec((self.batch_size, *images.shape[1:]), tf.float32) for images in sides
            )

        signature = specs(self.a, self.b)
        if self.paired is not None:
            signature += (() if self._pairs_alone else specs(*self.paired),)
        dataset = tf.data.Dataset.from_generator(one_pass, output_signature=signature)
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(self)))
        return dataset.prefetch(tf.data.AUTOTUNE)

    def __repr__(self) -> str:
        paired = "" if self.paired is None else f"paired={len(self.paired[0])}, "
        return (
            f"UnpairedDataset(a={self.a.shape}, b={self.b.shape}, {paired}"
            f"batch_size={self.batch_size}, batches={len(self)}, shuffle={self.shuffle}, "
            f"seed={self.seed}, epoch={self.epoch})"
        )

    def _batches_in_pass(self) -> int:
        return math.ceil(self._longest() / self.batch_size)

    def _longest(self) -> int:
        return max(len(self.a), len(self.b), len(self.paired[0]) if self.paired else 0)

    def _batch(self, epoch: int, index: int) -> tuple:
        # Depends only on the seed and the arguments, so any thread or process returns the same.
        batches = len(self)
        if not -batches <= index < batches:
            raise IndexError(f"Batch {index} of a dataset of {batches} batches.")
        index = index % batches
        if (skipped := self._skipped)[0] == epoch and index < skipped[1]:
            return self._zeros()
        if self.steps_per_epoch:
            begun = max(epoch - 1, 0) * self.steps_per_epoch  # `fit` begins with 1
            passes, index = divmod(begun + index, self._batches_in_pass())
            epoch = min(epoch, 1) + passes
        if self._pairs_alone:
            return (*self._pairs(epoch, index), ())
        a, b = self._side(epoch, index, side=0), self._side(epoch, index, side=1)
        return (a, b) if self.paired is None else (a, b, self._pairs(epoch, index))

    def _zeros(self) -> tuple:
        def zeros(*sides: Any) -> tuple:
            shapes = [(self.batch_size, *images.shape[1:]) for images in sides]
            return tuple(np.zeros(shape, "float32") for shape in shapes)

        batch = zeros(self.a, self.b)
        if self.paired is None:
            return batch
        return (*batch, () if self._pairs_alone else zeros(*self.paired))

    def _side(self, epoch: int, index: int, side: int) -> np.ndarray:
        images, order = (self.a, self.b)[side], self._order(epoch, side)
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        batch = images[chosen]  # a copy: an augmentation may write into it
        for position in range(self.batch_size if self.augment else 0):
            rng = np.random.default_rng([self.seed, epoch, side, index, position])
            batch[position] = self._augmented(batch[position], [rng] * len(self.augment))
        return batch

    def _pairs(self, epoch: int, index: int) -> tuple[np.ndarray, np.ndarray]:
        order = self._order(epoch, PAIRS)
        chosen = order[index * self.batch_size : (index + 1) * self.batch_size]
        batch_a, batch_b = (images[chosen] for images in self.paired or ())
        for batch in (batch_a, batch_b):
            for position in range(self.batch_size if self.augment else 0):
                # One generator per function: a function that draws more numbers for more channels
                # must not change the numbers of the next function.
                rngs = [
                    np.random.default_rng([self.seed, epoch, PAIRS, index, position, k])
                    for k in range(len(self.augment))
                ]
                batch[position] = self._augmented(batch[position], rngs)
        return batch_a, batch_b

    def _order(self, epoch: int, side: int) -> np.ndarray:
        """Return the indices of a side's images in the order of an epoch."""
        images = self.paired[0] if side == PAIRS and self.paired else (self.a, self.b)[side]
        size, shuffle = len(images), bool(self.shuffle)
        made_from = (epoch, side, size, self.seed, shuffle)
        order = self._orders.get(made_from)
        if order is None:
            rounds = math.ceil(self._batches_in_pass() * self.batch_size / size)
            order = np.tile(np.arange(size), (rounds, 1))
            if shuffle:
                rng = np.random.default_rng([self.seed, epoch, side])
                order = rng.permuted(order, axis=1)  # shuffles each round separately
            order = order.ravel()
            # Kept for the epoch, since drawing an order takes longer than reading an image. The
            # dictionary is replaced as a whole, so that threads need no lock.
            kept = {key: value for key, value in self._orders.items() if key[0] == epoch}
            self._orders = {**kept, made_from: order}
        return order

    def _augmented(self, image: np.ndarray, rngs: list[np.random.Generator]) -> np.ndarray:
        for function, rng in zip(self.augment, rngs, strict=True):
            result = function(image, rng)
            if (
                not isinstance(result, np.ndarray)
                or result.shape != image.shape
                or result.dtype != np.float32
            ):
                name = getattr(function, "__name__", type(function).__name__)
                dtype = getattr(result, "dtype", type(result).__name__)
                raise ValueError(
                    f"The augmentation `{name}` must return a float32 array of shape "
                    f"{image.shape}, as its input. Received: {dtype}, shape "
                    f"{np.shape(result)}."
                )
            image = result
        return image


def _checked_pairs(paired: Any) -> tuple[Any, Any]:
    """Return `paired` after a check that image k of one can be the truth for image k of other."""
    if not isinstance(paired, (tuple, list)) or len(paired) != 2:
        found = f"{len(paired)} parts" if isinstance(paired, (tuple, list)) else type(paired)
        raise ValueError(
            "`paired` must be two arrays (or `VolumeImages`), (a_paired, b_paired). "
            f"Received: {found}."
        )
    _checks.same_domains(("paired[0]", "paired[1]"), *paired)
    _checks.compare_pairs(("paired[0]", "paired[1]"), *paired)
    a, b = (
        images if isinstance(images, VolumeImages) else _checks.images(f"paired[{k}]", images)
        for k, images in enumerate(paired)
    )
    if len(a) != len(b) or a.shape[1:-1] != b.shape[1:-1]:
        raise ValueError(
            "`paired` must hold as many images of A as of B, of the same height and width (and "
            "depth): image k of one is the truth for image k of the other, pixel by pixel. "
            f"Received: shapes {a.shape} and {b.shape}."
        )
    if isinstance(a, VolumeImages) and isinstance(b, VolumeImages) and a.counts != b.counts:
        scan = next(k for k, (m, n) in enumerate(zip(a.counts, b.counts, strict=False)) if m != n)
        raise ValueError(
            "The scans of `paired` must give as many images in A as in B, scan by scan. Received: "
            f"{a.counts[scan]} and {b.counts[scan]} of scan {scan}. Prepare both so that no image "
            "is dropped (`Slices(minimum_foreground=0)`)."
        )
    return a, b


def _compare_preprocessing(a: Any, b: Any) -> None:
    """Warn if the preprocessings of A and of B differ in plane or pixel size."""
    if not (isinstance(a, VolumeImages) and isinstance(b, VolumeImages)):
        return
    if a.preprocessing is b.preprocessing:
        return  # one preprocessing compares the scans of both domains itself
    cutters = a.preprocessing.cutter, b.preprocessing.cutter
    planes = [getattr(cutter, "plane", None) for cutter in cutters]
    if planes[0] != planes[1]:
        _checks.warn(
            f"`a` and `b` must be cut alike. Received: `{cutters[0]!r}` and `{cutters[1]!r}`. "
            "Prepare the scans of both with one preprocessing."
        )
        return
    with once():
        compare([*a.sizes, *b.sizes], cutters[0])


def callables(augment: Any) -> tuple[Augmentation, ...]:
    """Return the argument `augment` as a tuple of callables."""
    if augment is None:
        return ()
    functions = tuple(augment) if isinstance(augment, (list, tuple)) else (augment,)
    for function in functions:
        if not callable(function):
            raise ValueError(
                "`augment` must be a callable `(image, rng) -> image` or a list of them. "
                f"Received: {function!r}."
            )
    return functions
