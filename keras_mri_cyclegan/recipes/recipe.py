"""What every recipe returns."""

from typing import Any, NamedTuple

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.data import UnpairedDataset


class Recipe(NamedTuple):
    """A compiled model, the batches that it learns from, and for how long.

    `model, train, epochs = recipe` takes it apart; each part is an ordinary one, and any can be
    replaced by your own.

    Attributes:
        model: The `CycleGAN`, compiled. `model.compile` again to change a setting.
        train: The `UnpairedDataset`.
        epochs: Passes over the longer side that the learning rates are made for.
    """

    model: CycleGAN
    train: UnpairedDataset
    epochs: int

    def fit(self, **arguments: Any) -> Any:
        """Train: `model.fit(train, epochs=epochs, **arguments)`.

        Args:
            **arguments: What `fit` takes, such as `callbacks` and `validation_data`.

        Returns:
            The `keras.callbacks.History`.
        """
        return self.model.fit(**{"x": self.train, "epochs": self.epochs, **arguments})


def epochs_for(steps: int, train: UnpairedDataset) -> int:
    """Return how many epochs have `steps` steps or a few more."""
    return -(-steps // len(train))


def checked_epochs(epochs: Any, default: int) -> int:
    """Return `epochs`, or `default` for `None`."""
    return default if epochs is None else _checks.positive_int("epochs", epochs)


def shapes(train: UnpairedDataset) -> tuple[tuple, tuple]:
    """Return the shapes of an image of A and of B."""
    return tuple(train.a.shape[1:]), tuple(train.b.shape[1:])
