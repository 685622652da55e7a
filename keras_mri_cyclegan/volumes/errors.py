"""Errors and warnings about files and volumes."""

import os


class VolumeError(ValueError):
    """An unusable file or volume: its path, what was received and how to fix it.

    Args:
        path: The file, as it was passed in.
        found: What is wrong, as a sentence or several, without the path.
    """

    def __init__(self, path: str | os.PathLike | None, found: str):
        super().__init__(f"`{path}`: {found}" if path is not None else found)


class VolumeWarning(UserWarning):
    """A usable file about which something had to be assumed."""


class SyntheticWarning(VolumeWarning):
    """A scan marked as synthetic is used as if it had been acquired."""
