"""Checks before a training step: unchanged trainable weights, and a single process."""

from typing import Any

from keras_mri_cyclegan.cyclegan import backends


def check_trainable(model: Any) -> None:
    """Raise a `ValueError` if the trainable weights have changed since `compile`.

    The optimizers identify each weight by its index among the trainable weights at `compile`.

    Args:
        model: A compiled `CycleGAN`.
    """
    expected = model.compiled_for
    if tuple(map(id, model.trainable_variables)) == expected:
        return
    changed = []
    for name, network in model.networks.items():
        now = set(map(id, network.trainable_variables))
        then = set(map(id, network.variables)) & set(expected)
        if frozen := len(then - now):
            changed.append(f"{frozen} weights of `{name}` frozen")
        if thawed := len(now - then):
            changed.append(f"{thawed} weights of `{name}` thawed")
    raise ValueError(
        f"`trainable` was changed after `compile`: {', '.join(changed) or 'other weights'}. The "
        "optimizers still hold the trainable weights at `compile`. Compile the model again, which "
        "starts with new optimizers."
    )


def check_alone(model: Any) -> None:
    """Raise a `ValueError` if several processes would train separate models.

    Args:
        model: A `CycleGAN`. A subclass with its own `train_step` may exchange gradients, and is not
            checked.
    """
    own_step = type(model).train_step.__module__.startswith("keras_mri_cyclegan.")
    count = backends.processes_that_exchange_nothing()
    if own_step and count > 1:
        raise ValueError(
            f"`fit` of a CycleGAN exchanges no gradients between processes, and {count} are up: "
            "each would train a separate model, and the models would diverge. Train in one "
            f"process. {backends.SEVERAL_DEVICES}"
        )
