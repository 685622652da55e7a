"""Context that keeps the state of torch's global random generator."""

import contextlib
from collections.abc import Iterator

import keras


@contextlib.contextmanager
def torch_generator_kept() -> Iterator[None]:
    """Restore the state of torch's global generator, from which an unseeded dropout draws.

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
