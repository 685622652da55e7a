"""What every step of a preprocessing has to offer."""

from typing import Any, ClassVar

from keras_mri_cyclegan.volumes import Volume


class Step:
    """Base of the steps that a `Preprocessing` is made of; a subclass is a step of your own.

    A step changes a `Volume` and keeps, in a *record*, what is needed to change it back. Some
    steps also learn a *state* from the training scans of each domain: `summarize` is called once
    per scan, `fit` once with all summaries, so that only one scan is in memory at a time.
    Records, summaries and states are dictionaries that JSON can hold. A step itself never
    changes.

    A step of your own needs `get_config`, if its constructor takes arguments, and has to be
    registered, so that a saved preprocessing finds it again.

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

    #: Whether `fit` learns something, so that `summarize` has to see each training scan.
    has_state: ClassVar[bool] = False
    #: Whether `apply` needs what `fit` learnt.
    needs_fit: ClassVar[bool] = False
    #: Whether `apply` may change the grid: the shape or the affine.
    changes_grid: ClassVar[bool] = True

    def for_domain(self, domain: str) -> "Step":
        """Return the step for scans of domain `"a"` or `"b"`: itself, if it treats both alike."""
        return self

    def summarize(self, volume: Volume) -> dict[str, Any]:
        """Return what `fit` needs of one training scan: small, JSON-able."""
        return {}

    def fit(self, summaries: list[dict[str, Any]]) -> dict[str, Any]:
        """Return the state of a domain, JSON-able, from the summaries of its training scans."""
        return {}

    def check_state(self, state: dict[str, Any]) -> None:
        """Raise a `ValueError` if `state` is not what `fit` returns: it may be from a bad file."""
        if not self.has_state and state:
            raise ValueError(
                f"{type(self).__name__} learns nothing and has a state of {sorted(state)}. "
                "Expected {}."
            )

    def apply(self, volume: Volume, state: dict[str, Any]) -> tuple[Volume, dict[str, Any]]:
        """Return the changed volume, and a record of all that `invert` needs.

        Args:
            volume: The scan as the step before left it.
            state: What `fit` returned for its domain, `{}` if nothing was fitted.
        """
        raise TypeError(f"{type(self).__name__} must define `apply`.")

    def invert(self, volume: Volume, record: dict[str, Any]) -> Volume:
        """Return `volume`, which looks like what `apply` returned, changed back."""
        raise TypeError(f"{type(self).__name__} must define `invert`.")

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make an equal object."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Step":
        """Make an object from what `get_config` returned."""
        return cls(**config)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{name}={value!r}" for name, value in self.get_config().items())
        return f"{type(self).__name__}({arguments})"
