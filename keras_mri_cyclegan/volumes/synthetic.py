"""Synthetic marks: this package's and DICOM's."""

import dataclasses
import json
import os
from collections.abc import Iterable
from typing import Any

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.volumes import sidecar
from keras_mri_cyclegan.volumes.errors import SyntheticWarning
from keras_mri_cyclegan.volumes.volume import Volume

DESCRIPTION = "synthetic, not for diagnosis"  # how NIfTI's `descrip` begins


def is_synthetic(volume: Volume) -> bool:
    """Return whether a volume is marked as synthetic by its file or sidecar.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> from keras_mri_cyclegan.volumes.synthetic import is_synthetic
        >>> is_synthetic(Volume(np.zeros((2, 3, 4)), np.eye(4)))
        False
    """
    return volume.header is not None and volume.header.synthetic


def marked(volume: Volume, path: str) -> Volume:
    """Return a volume that was read from `path`, marked if the sidecar says it is synthetic."""
    if volume.header is None or volume.header.synthetic or not says_so(sidecar.path_of(path)):
        return volume
    return volume.replace(header=dataclasses.replace(volume.header, synthetic=True))


def unmarked(volume: Volume) -> Volume:
    """Return a volume without the mark, after a warning has been given."""
    if not is_synthetic(volume):
        return volume
    header: Any = volume.header
    return volume.replace(header=dataclasses.replace(header, synthetic=False))


def says_so(name: str) -> bool:
    """Return whether a JSON file exists and has `"Synthetic": true`.

    Warns:
        ScanWarning: It exists and cannot be read.
    """
    found = sidecar.parsed(name)
    if found is None and os.path.lexists(name):
        notice(
            "sidecar",
            name,
            "it cannot be read as JSON, so whether the scan beside it is synthetic is not known. "
            "Get the file again (`datalad get` if it is a link), or remove it.",
        )
    return isinstance(found, dict) and found.get("Synthetic") is True


def provenance_says_so(text: Any) -> bool:
    """Return whether the text of a sidecar has `"Synthetic": true`."""
    try:
        found = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and found.get("Synthetic") is True


def warn_of(names: Iterable[str]) -> None:
    """Warn once about scans marked as synthetic, if there are any.

    Args:
        names: What to call each.
    """
    names = list(dict.fromkeys(names))
    if names:
        more = f" and {len(names) - 5} more" if len(names) > 5 else ""
        _checks.warn(
            f"{', '.join(names[:5])}{more}: marked as synthetic, the product of a network, and "
            "used here as an acquired scan. Expected acquired scans to train on, to translate and "
            "to score against: leave it out, or, if this is meant, ignore `SyntheticWarning`.",
            SyntheticWarning,
        )
