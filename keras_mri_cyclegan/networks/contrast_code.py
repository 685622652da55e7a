"""Contrasts as numbers: what a conditional generator is told of its source and its target."""

import numpy as np

from keras_mri_cyclegan import _checks

# One place for each property; a more exact name sets more of them.
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
    """Return the conditions of a translation from one contrast into another.

    Args:
        source: `"t1"`, or more exactly `"t1_se"` (spin echo), `"t1_gre"` (gradient echo) or
            `"mprage"`; `"t2"`, `"pd"` or `"flair"`. With `"_fs"` at the end fat is suppressed.
            `None` where it is not known.
        target: The same, but not `None`.
        source_argument: What the source is called in an error. Defaults to `"source"`.

    Returns:
        float32 array `(16,)` of zeros and ones: the properties of the source, then the target's.

    Raises:
        ValueError: Another contrast.

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
