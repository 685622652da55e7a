"""Looking at a model without changing how its training goes on."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def torch_generator_kept() -> Iterator[None]:
    """Leave torch's generator, from which an unseeded dropout draws, as it was.

    On torch `predict` reads its array through a `DataLoader`, which draws a seed from it.
    """
    if keras.backend.backend() != "torch":
        yield
        return
    import torch

    state = torch.get_rng_state()
    try:
        yield
    finally:
        torch.set_rng_state(state)
