"""An endless supply of simulated pairs that teaches a conditional generator."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.networks.contrast_code import HEAD_CONTRASTS, contrast_code
from keras_mri_cyclegan.simulation import TISSUES, SimulatedHeads

_ILL = [TISSUES.index(name) for name in ("lesion", "tumour", "oedema")]

# How often each contrast is drawn: what hospitals have most of is seen most.
_SHARES = {
    "t1": 4.0,
    "t1_se": 2.0,
    "t1_gre": 2.0,
    "mprage": 2.0,
    "t2": 8.0,
    "pd": 4.0,
    "flair": 8.0,
}
_SUPPRESSED = 0.15  # share of a contrast's images in which fat is suppressed


class SimulatedPairs(keras.utils.PyDataset):
    """Batches of simulated heads: a degraded image of one contrast, and a clean one of another.

    For each image a head and two different contrasts are drawn. A batch is `([image, conditions],
    target, weight)`, as `fit` takes it for a model of two inputs such as
    `keras_mri_cyclegan.conditional_unet_generator`.

    Batch `i` of epoch `e` depends on `seed`, `e` and `i` only, whatever the number of workers.
    `epoch` moves on in `on_epoch_end`; set it to resume.

    Args:
        heads: `SimulatedHeads` with contrasts of `HEAD_CONTRASTS`; or several of them, with images
            of different sizes, of which each batch has one.
        batch_size: Images in a batch. Or one number for each of `heads`. Defaults to 6.
        steps: Batches in an epoch. Defaults to 100.
        lesion_weight: How much more a pixel of a lesion, tumour or oedema counts than another.
            Defaults to 4.
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
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.heads = [heads] if isinstance(heads, SimulatedHeads) else list(heads)
        for one in self.heads:
            if not isinstance(one, SimulatedHeads):
                raise ValueError(
                    f"`heads` must be `SimulatedHeads`. Received: {type(one).__name__}."
                )
            for name in one.contrasts:
                _checks.one_of("contrasts", name, HEAD_CONTRASTS)
            if len(one.contrasts) < 2:
                raise ValueError("`heads` must have at least two contrasts.")
        sizes = [batch_size] * len(self.heads) if isinstance(batch_size, int) else list(batch_size)
        if len(sizes) != len(self.heads):
            raise ValueError(
                f"`batch_size` must be one number or one for each of the {len(self.heads)} "
                f"`heads`. Received: {batch_size!r}."
            )
        self.batch_sizes = [_checks.positive_int("batch_size", size) for size in sizes]
        self.steps = _checks.positive_int("steps", steps)
        self.lesion_weight = _checks.weight("lesion_weight", lesion_weight)
        self.seed = _checks.positive_int("seed", seed, minimum=0)
        self.epoch = 0

    def __len__(self) -> int:
        return self.steps

    def on_epoch_end(self) -> None:
        """Move on to the next epoch's heads."""
        self.epoch += 1

    def __getitem__(self, index: int) -> tuple:
        """Batch number `index` of this epoch."""
        rng = np.random.default_rng([self.seed, self.epoch, index])
        which = int(rng.integers(len(self.heads)))
        heads = self.heads[which]
        shares = _shares(tuple(heads.contrasts))
        names = list(heads.contrasts)
        images, codes, targets, weights = [], [], [], []
        for _ in range(self.batch_sizes[which]):
            source, target = (names[k] for k in rng.choice(len(names), 2, False, shares))
            head = heads.draw(rng, (source, target))
            images.append(head.degraded[source])
            targets.append(head.clean[target])
            codes.append(contrast_code(source, target))
            ill = head.tissues[..., _ILL].sum(axis=-1)
            weights.append(1 + np.float32(self.lesion_weight) * ill)
        inputs = {"image": np.stack(images), "conditions": np.stack(codes)}
        return inputs, np.stack(targets), np.stack(weights)


def _shares(names: tuple[str, ...]) -> np.ndarray:
    """The probability that each contrast is drawn."""
    shares = np.array(
        [
            _SHARES[name.removesuffix("_fs")]
            * (_SUPPRESSED if name.endswith("_fs") else 1 - _SUPPRESSED)
            for name in names
        ]
    )
    return shares / shares.sum()
