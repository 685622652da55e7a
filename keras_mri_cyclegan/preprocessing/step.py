"""Base class of the preprocessing transforms."""

from typing import Any, ClassVar

from keras_mri_cyclegan.volumes import Volume


class Step:
    """Base class of the transforms ("steps") of a `Preprocessing`; subclass it to add a transform.

    `apply` changes a `Volume` and returns a *record*, with which `invert` undoes the change. Some
    transforms also learn a *state* from the training scans of each domain: `summarize` is called
    once per scan, `fit` once with all summaries, so only one scan is in memory at a time.
    Records, summaries and states are JSON-serialisable dictionaries. The transform object itself
    is immutable.

    A custom transform needs `get_config` if its constructor takes arguments, and must be
    registered with Keras so that a saved preprocessing can be loaded.

    Example:
        >>> import keras
        >>> import numpy as np
        >>> from keras_mri_cyclegan.preprocessing import Preprocessing, Reorient, Step
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> @keras.saving.register_keras_serializable(package="docs")
        ... class Halve(Step):
        ...     def apply(self, volume, state):
        ...         return volume.replace(array=volume.array / 2), {}
        ...     def invert(self, volume, record):
        ...         return volume.replace(array=volume.array * 2)
        >>> scan = Volume(np.linspace(-2, 2, 24).reshape(2, 3, 4), np.eye(4))
        >>> preprocessing = Preprocessing([Reorient(), Halve()])
        >>> prepared = preprocessing.prepare(scan)
        >>> float(prepared.volume.array.max())
        1.0
        >>> float(preprocessing.restore(prepared.volume, prepared).array.max())
        2.0
    """

    #: Whether `fit` learns a state, from the `summarize` of each training scan.
    has_state: ClassVar[bool] = False
    #: Whether `apply` needs the state that `fit` learns.
    needs_fit: ClassVar[bool] = False
    #: Whether `apply` may change the grid: the shape or the affine.
    changes_grid: ClassVar[bool] = True

    def for_domain(self, domain: str) -> "Step":
        """Return the transform for scans of domain `"a"` or `"b"`, by default this one."""
        return self

    def summarize(self, volume: Volume) -> dict[str, Any]:
        """Return the JSON-serialisable summary of one training scan that `fit` needs."""
        return {}

    def fit(self, summaries: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the JSON-serialisable state of a domain from its training scans' summaries."""
        return {}

    def check_state(self, state: dict[str, Any]) -> None:
        """Raise a `ValueError` if `state`, which may come from a damaged file, is not `fit`'s."""
        if not self.has_state and state:
            raise ValueError(
                f"{type(self).__name__} learns nothing but has a state of {sorted(state)}. "
                "Expected {}."
            )

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the transformed volume, and the record that `invert` needs.

        Args:
            volume: The output of the previous step.
            state: The domain's state from `fit`, `{}` if unfitted.
        """
        raise TypeError(f"{type(self).__name__} must define `apply`.")

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Undo `apply` on a volume of the shape and intensities that `apply` returned."""
        raise TypeError(f"{type(self).__name__} must define `invert`.")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Step":
        """Build the object from the result of `get_config`."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"
