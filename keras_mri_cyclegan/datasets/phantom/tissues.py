"""The tissues of the phantom: those of `keras_mri_cyclegan.simulation`, with all their sources.

At the echo times of a spin echo, air and cortical bone give no signal (BrainWeb).
"""

import numpy as np

from keras_mri_cyclegan import simulation
from keras_mri_cyclegan.simulation import Tissue

# The order of the last axis of every array of tissue fractions.
TISSUES = (
    "air",
    "muscle",  # and skin
    "fat",
    "bone",
    "marrow",
    "csf",
    "grey_matter",
    "white_matter",
    "caudate",
    "putamen",
    "pallidum",
    "thalamus",
    "lesion",
)

_NO_SIGNAL = ("air", "bone")


def tissue_properties(field_strength: float = 1.5) -> dict[str, Tissue]:
    """T1 [ms], T2 [ms] and proton density of every tissue of the phantom.

    Args:
        field_strength: 1.5 or 3.0 tesla. Defaults to 1.5.

    Returns:
        A dictionary from the names in `TISSUES`, in their order, to `Tissue(t1, t2, pd)`. Air
        and cortical bone have no signal, which is written as three zeros.

    Raises:
        ValueError: Another field strength.

    Example:
        >>> from keras_mri_cyclegan.datasets.phantom import tissue_properties
        >>> tissue_properties(3.0)["white_matter"].t1
        838.0
    """
    if isinstance(field_strength, bool) or field_strength not in (1.5, 3.0):
        raise ValueError(
            "`field_strength` must be 1.5 or 3.0 (tesla), for which relaxation times are known. "
            f"Received: {field_strength!r}."
        )
    found = simulation.tissue_properties(float(field_strength))
    nothing = Tissue(0.0, 0.0, 0.0)
    return {name: nothing if name in _NO_SIGNAL else found[name] for name in TISSUES}


def property_arrays(field_strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T1, T2 and PD as float64 arrays in the order of `TISSUES`."""
    table = np.array(list(tissue_properties(field_strength).values()), dtype="float64")
    return table[:, 0], table[:, 1], table[:, 2]
