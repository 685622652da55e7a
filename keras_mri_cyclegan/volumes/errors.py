"""What is raised, and warned of, about a file that a person passes in."""

import os


class VolumeError(ValueError):
    """A file or a volume that cannot be used: which, what was found, and the way out.

    Args:
        path: The file, as it was passed in.
        found: What is wrong, as a sentence or several, without the path.
    """

    def __init__(self, path: str | os.PathLike | None, found: str):
        super().__init__(f"`{path}`: {found}" if path is not None else found)


class VolumeWarning(UserWarning):
    """A file that can be used, of which something had to be assumed."""


class SyntheticWarning(VolumeWarning):
    """A scan that says that it is synthetic is used as if it had been acquired."""
