"""Contrast codes: source and target contrast as the condition vector of a generator."""

import numpy as np

from keras_mri_cyclegan import _checks

# One entry per property; more specific names set more properties.
PROPERTIES = ("t1", "spin_echo", "gradient_echo", "mprage", "t2", "pd", "flair", "fat_suppressed")

_CODES = {
    "t1": ("t1",),
    "t1_se": ("t1", "spin_echo"),
    "t1_gre": ("t1", "gradient_echo"),
    "mprage": ("t1", "mprage"),
    "t2": ("t2",),
    "pd": ("pd",),
    "flair": ("flair",),
}

HEAD_CONTRASTS = (*_CODES, *(f"{name}_fs" for name in _CODES))


def contrast_code(source: str | None, target: str, source_argument: str = "source") -> np.ndarray:
    """Return the condition vector of a translation from one contrast to another.

    Args:
        source: `"t1"`, or more specifically `"t1_se"` (spin echo), `"t1_gre"` (gradient echo) or
            `"mprage"`; `"t2"`, `"pd"` or `"flair"`. The suffix `"_fs"` means fat-suppressed.
            `None` for an unknown contrast.
        target: The same, but not `None`.
        source_argument: Name of the source argument in error messages. Defaults to `"source"`.

    Returns:
        float32 array `(16,)` of zeros and ones: the properties of the source, then of the target.

    Raises:
        ValueError: An unsupported contrast.

    Example:
        >>> from keras_mri_cyclegan.networks.contrast_code import contrast_code
        >>> contrast_code("t2", "mprage").astype(int).tolist()
        [0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0]
    """
    known = (
        np.zeros(len(PROPERTIES), "float32") if source is None else _code(source_argument, source)
    )
    return np.concatenate([known, _code("target", target)])


def _code(argument: str, name: str) -> np.ndarray:
    _checks.one_of(argument, name, HEAD_CONTRASTS)
    properties = _CODES[name.removesuffix("_fs")]
    if name.endswith("_fs"):
        properties = (*properties, "fat_suppressed")
    return np.array([place in properties for place in PROPERTIES], "float32")
