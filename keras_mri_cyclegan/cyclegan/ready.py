"""What must hold whenever a step is taken: the weights of `compile`, and no process left alone."""

from typing import Any

from keras_mri_cyclegan.cyclegan import backends


def check_trainable(model: Any) -> None:
    """Raise a `ValueError` if other weights are to be trained than the model was compiled for.

    The optimizers know each weight by its place among those of `compile`.

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
        "optimizers still have the weights of then. Compile the model again, which begins with "
        "new optimizers."
    )


def check_alone(model: Any) -> None:
    """Raise a `ValueError` where several processes would each train a model of its own.

    Args:
        model: A `CycleGAN`. A `train_step` of the user's own may exchange gradients.
    """
    own_step = type(model).train_step.__module__.startswith("keras_mri_cyclegan.")
    count = backends.processes_that_exchange_nothing()
    if own_step and count > 1:
        raise ValueError(
            f"`fit` of a CycleGAN exchanges no gradients between processes, and {count} are up: "
            "each would train a model of its own, and they would drift apart. Train in one "
            f"process. {backends.SEVERAL_DEVICES}"
        )
