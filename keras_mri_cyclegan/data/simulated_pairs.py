"""Simulated pairs of contrasts, without end, to train a conditional generator."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.networks.contrast_code import HEAD_CONTRASTS, contrast_code
from keras_mri_cyclegan.simulation import TISSUES, SimulatedHeads

_ILL = [TISSUES.index(name) for name in ("lesion", "tumour", "oedema")]

# Relative frequency of each contrast, following its frequency in hospitals.
_SHARES = {
    "t1": 4.0,
    "t1_se": 2.0,
    "t1_gre": 2.0,
    "mprage": 2.0,
    "t2": 8.0,
    "pd": 4.0,
    "flair": 8.0,
    "random": 6.0,  # as a source only
}
_SUPPRESSED = 0.15  # share of a contrast's images in which fat is suppressed


class SimulatedPairs(keras.utils.PyDataset):
    """Batches of simulated heads: a degraded image of one contrast, and a clean one of another.

    For each image a head and two different contrasts are drawn. A batch is `(inputs, target,
    weight)`, as `fit` takes it for `keras_mri_cyclegan.conditional_unet_generator`: the inputs are
    a dictionary of `image` and `conditions`. With `tissues` the targets and weights are
    dictionaries too, of `translation` and `tissues`.

    Batch `i` of epoch `e` depends only on `seed`, `e` and `i`, whatever the number of workers.
    `on_epoch_end` increases `epoch`; set it to resume. As `validation_data` the dataset would have
    other heads in each epoch: pass one of its batches instead.

    Args:
        heads: `SimulatedHeads` with contrasts of `HEAD_CONTRASTS`, and optionally `"random"`, which
            is a source only; or a list of `SimulatedHeads`, with images of different sizes, whose
            batches alternate; the first two then must have different sizes.
        batch_size: Images in a batch, one integer or one for each of `heads`. Defaults to 6.
        steps: Batches in an epoch. Defaults to 100.
        lesion_weight: Additional weight of the pixels of a lesion, tumour or oedema, relative to
            the weight 1 of all pixels. Defaults to 4.
        unknown: Probability that the conditions do not name the source. A random source is never
            named. Defaults to 0.2.
        tissues: Whether the targets hold the tissues, `(batch, height, width, tissues + 1)` in the
            order of `TISSUES`, the last of them air. Defaults to `False`.
        seed: Integer of at least 0. Defaults to 0.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Raises:
        ValueError: An argument out of its range.
    """

    def __init__(
        self,
        heads: SimulatedHeads | Sequence[SimulatedHeads],
        batch_size: int | Sequence[int] = 6,
        steps: int = 100,
        lesion_weight: float = 4.0,
        unknown: float = 0.2,
        tissues: bool = False,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        several = isinstance(heads, (list, tuple)) and len(heads) > 0
        self.heads: list[Any] = [*heads] if several else [heads]  # type: ignore[misc]
        for one in self.heads:
            if not isinstance(one, SimulatedHeads):
                raise ValueError(
                    "`heads` must be `SimulatedHeads`, or a list of them. Received: "
                    f"{heads if one is heads else one!r}."
                )
            named = [name for name in one.contrasts if name != "random"]
            for name in named:
                _checks.one_of("contrasts", name, HEAD_CONTRASTS)
            if len(named) < 2:
                raise ValueError(
                    "`heads` must have at least two contrasts that are not random. Received: "
                    f"{tuple(one.contrasts)}."
                )
        shapes = [one.size for one in self.heads]
        if len(set(shapes)) > 1 and shapes[0] == shapes[1]:
            # Keras on TensorFlow infers the shapes of all batches from the first two.
            raise ValueError(
                "The first two of `heads` must have images of two sizes, if sizes differ at all. "
                f"Received: {shapes}. Change their order."
            )
        sizes: Any = batch_size
        if not isinstance(batch_size, (list, tuple)):
            sizes = [batch_size] * len(self.heads)
        if len(sizes) != len(self.heads):
            raise ValueError(
                f"`batch_size` must be one number or one for each of the {len(self.heads)} "
                f"`heads`. Received: {batch_size!r}."
            )
        self.batch_sizes = [_checks.positive_int("batch_size", size) for size in sizes]
        self.steps = _checks.positive_int("steps", steps)
        self.lesion_weight = _checks.weight("lesion_weight", lesion_weight)
        self.unknown = _checks.weight("unknown", unknown)
        if self.unknown > 1:
            raise ValueError(f"`unknown` must be at most 1, a probability. Received: {unknown!r}.")
        self.tissues = _checks.one_of("tissues", tissues, (True, False))
        self.seed = _checks.positive_int("seed", seed, minimum=0)
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        """Advance to the next epoch, with other heads."""
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple:
        """Return batch `index` of this epoch."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        which = index % len(self.heads)
        heads = self.heads[which]
        images, codes, targets, weights, tissues = [], [], [], [], []
        for _ in range(self.batch_sizes[which]):
            source, target = _two(tuple(heads.contrasts), rng)
            head = heads.draw(rng, (source, target))
            images.append(head.degraded[source])
            targets.append(head.clean[target])
            told = source != "random" and rng.random() >= self.unknown
            codes.append(contrast_code(source if told else None, target))
            ill = head.tissues[..., _ILL].sum(axis=-1)
            weights.append(1 + np.float32(self.lesion_weight) * ill)
            if self.tissues:
                air = np.clip(1 - head.tissues.sum(axis=-1, keepdims=True), 0, 1)
                tissues.append(np.concatenate([head.tissues, air], axis=-1))
        inputs = {"image": np.stack(images), "conditions": np.stack(codes)}
        wanted, weight = np.stack(targets), np.stack(weights)
        if not self.tissues:
            return inputs, wanted, weight
        both = {"translation": wanted, "tissues": np.stack(tissues)}
        return inputs, both, dict.fromkeys(both, weight)


def _two(names: tuple[str, ...], rng: np.random.Generator) -> tuple[str, str]:
    """Return two contrasts: a source, and another one, not random, as the target."""
    shares = _shares(names)
    source = int(rng.choice(len(names), p=shares))
    shares[[k for k, name in enumerate(names) if k == source or name == "random"]] = 0
    return names[source], names[int(rng.choice(len(names), p=shares / shares.sum()))]


def _shares(names: tuple[str, ...]) -> np.ndarray:
    """Return the probability of each contrast."""
    shares = np.array(
        [
            _SHARES[name.removesuffix("_fs")]
            * (_SUPPRESSED if name.endswith("_fs") else 1 - _SUPPRESSED)
            for name in names
        ]
    )
    return shares / shares.sum()
