"""The steps on torch, where Keras calls `step(data) -> logs`."""

from typing import Any

import torch

from keras_mri_cyclegan.cyclegan.objective import objective


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Update every network once and return the terms' running means."""
    real_a, real_b = model.unpack(data)
    model.zero_grad()
    loss, terms = objective(model, real_a, real_b)
    model.optimizer.scale_loss(loss).backward()
    variables = model.trainable_variables
    with torch.no_grad():
        model.optimizer.apply([v.value.grad for v in variables], variables)
        return model.progress.update_terms(loss, terms, real_a)


def test_step(model: Any, data: Any) -> dict[str, Any]:
    """Score the translations of a batch of pairs and return the running means."""
    with torch.no_grad():
        return model.score(*model.unpack(data))
