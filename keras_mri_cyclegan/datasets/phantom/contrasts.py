"""The named contrasts: typical timings of a clinical protocol."""

from collections.abc import Mapping
from typing import Any

from keras_mri_cyclegan.datasets.phantom.signal import Sequence
from keras_mri_cyclegan.datasets.phantom.tissues import tissue_properties
from keras_mri_cyclegan.simulation import nulling_time

CONTRASTS = ("t1", "t2", "pd", "flair")

# (TR, TE) in ms: short and short weights by T1, long and long by T2, long and short by proton
# density. At 3 T, T1 is longer and T2 shorter, and the times follow (Lu et al., J. Magn. Reson.
# Imaging 22 (2005) 13). The inversion time of FLAIR is computed, so that fluid has no signal
# (Hajnal et al., J. Comput. Assist. Tomogr. 16 (1992) 841).
_TIMES = {
    1.5: {"t1": (500, 14), "t2": (4000, 100), "pd": (3000, 15), "flair": (9000, 120)},
    3.0: {"t1": (600, 10), "t2": (5000, 85), "pd": (4000, 12), "flair": (11000, 100)},
}


def default_sequence(contrast: str, field_strength: float = 1.5) -> Sequence:
    """The timing behind the name of a contrast.

    Args:
        contrast: `"t1"`, `"t2"`, `"pd"` or `"flair"`.
        field_strength: 1.5 or 3.0 tesla. Defaults to 1.5.

    Returns:
        A `Sequence` with times in ms. FLAIR's `ti` suppresses cerebrospinal fluid.

    Raises:
        ValueError: Another contrast or field strength.

    Example:
        >>> from keras_mri_cyclegan.datasets.phantom import default_sequence
        >>> default_sequence("t2", field_strength=3.0)
        Sequence(tr=5000, te=85, ti=None)
    """
    csf = tissue_properties(field_strength)["csf"]
    if not isinstance(contrast, str) or contrast not in CONTRASTS:
        raise ValueError(
            f"`contrasts` may be {', '.join(map(repr, CONTRASTS))}, or a timing in ms such as "
            f"Sequence(tr=500, te=14) or {{'tr': 500, 'te': 14}}. Received: {contrast!r}."
        )
    tr, te = _TIMES[float(field_strength)][contrast]
    return Sequence(tr, te, nulling_time(tr, csf.t1) if contrast == "flair" else None)


def sequence_of(contrast: Any, field_strength: float) -> Sequence:
    """The sequence that a name, a dictionary or a `Sequence` stands for."""
    if isinstance(contrast, Sequence):
        return contrast
    if isinstance(contrast, Mapping):
        if not {"tr", "te"} <= set(contrast) <= {"tr", "te", "ti"}:
            raise ValueError(
                "A contrast given as a dictionary has the keys 'tr', 'te' and, for inversion "
                f"recovery, 'ti' (in ms). Received: {dict(contrast)!r}."
            )
        return Sequence(**contrast)
    return default_sequence(contrast, field_strength)
