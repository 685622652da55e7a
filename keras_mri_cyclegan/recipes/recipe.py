"""The result of every recipe: a compiled model, its training data and the number of epochs."""

from typing import Any, NamedTuple

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.callbacks import BestTranslation
from keras_mri_cyclegan.cyclegan import CycleGAN
from keras_mri_cyclegan.data import UnpairedDataset

JUDGED = 24  # images of each side
JUDGEMENTS = 10  # in a training


class Recipe(NamedTuple):
    """A compiled model, its training data and the number of epochs.

    `model, train, epochs = recipe` takes it apart; each part is an ordinary one, and any can be
    replaced by your own.

    Attributes:
        model: The `CycleGAN`, compiled. `model.compile` again to change a setting.
        train: The `UnpairedDataset`.
        epochs: Passes over the longer side, for which the learning-rate schedules are set.
    """

    model: CycleGAN
    train: UnpairedDataset
    epochs: int

    def fit(self, held: tuple[Any, Any] | None = None, **arguments: Any) -> Any:
        """Train: `model.fit(train, epochs=epochs, **arguments)`, with a verdict at the end.

        Unless `callbacks` has a `BestTranslation`, `fit` adds one. It scores the translations of a
        few images about ten times, restores the generators of the best epoch (or those before the
        training, if no epoch is better), and ends with a verdict in words: see
        :class:`keras_mri_cyclegan.callbacks.BestTranslation`. No score exists for images of A and B
        with different numbers of channels, or for images without an edge.

        Args:
            held: Images of A and of B to score, `(a, b)`: not in the training data, best of other
                patients. Defaults to 24 training images of each side.
            **arguments: Arguments of `CycleGAN.fit`, such as `callbacks` and `validation_data`.

        Returns:
            The `keras.callbacks.History`.
        """
        arguments = {"x": self.train, "epochs": self.epochs, **arguments}
        callbacks = arguments.get("callbacks")
        if not isinstance(callbacks, keras.callbacks.CallbackList):
            callbacks = (
                [callbacks] if isinstance(callbacks, keras.callbacks.Callback) else callbacks
            )
            arguments["callbacks"] = self._with_judge(list(callbacks or ()), held, arguments)
        return self.model.fit(**arguments)

    def _with_judge(self, callbacks: list, held: Any, arguments: dict) -> list:
        """Add a `BestTranslation`, if there is none and the images can be scored."""
        if any(isinstance(one, BestTranslation) for one in callbacks):
            if held is not None:
                raise ValueError("Pass `held` or a `BestTranslation`, not both.")
            return callbacks
        a, b = (_some(side) for side in (self.train.a, self.train.b)) if held is None else held
        every = max(1, arguments["epochs"] // JUDGEMENTS)
        verbose = int(arguments.get("verbose", 1) not in (0, "0"))
        try:
            judge = BestTranslation(a, b, every=every, verbose=verbose)
        except ValueError:
            if held is not None:
                raise
            return callbacks
        # Before the other callbacks, so that their logs include the scores; after moving averages.
        swaps = [isinstance(one, keras.callbacks.SwapEMAWeights) for one in callbacks]
        place = len(swaps) - swaps[::-1].index(True) if any(swaps) else 0
        return [*callbacks[:place], judge, *callbacks[place:]]


def _some(images: Any) -> np.ndarray:
    """Return evenly spaced images of one side."""
    places = np.unique(np.linspace(0, len(images) - 1, JUDGED).round().astype(int))
    return np.concatenate([images[int(place) : int(place) + 1] for place in places])


def epochs_for(steps: int, train: UnpairedDataset) -> int:
    """Return the smallest number of epochs with at least `steps` steps."""
    return -(-steps // len(train))


def checked_epochs(epochs: Any, default: int) -> int:
    """Return `epochs`, or `default` for `None`."""
    return default if epochs is None else _checks.positive_int("epochs", epochs)


def shapes(train: UnpairedDataset) -> tuple[tuple, tuple]:
    """Return the shapes of an image of A and of B."""
    return tuple(train.a.shape[1:]), tuple(train.b.shape[1:])
