"""Errors about old files."""

import os


class LegacyError(ValueError):
    """An old file that cannot be read, or whose weights are not those of the network.

    Args:
        path: The file, as it was passed in.
        found: What is wrong, as a sentence or several, without the path.
        unmatched: What did not match, one line each.

    Attributes:
        unmatched: The lines, all of them; the message has the first twenty.
    """

    def __init__(self, path: str | os.PathLike, found: str, unmatched: list[str] | None = None):
        self.unmatched = list(unmatched or [])
        lines = self.unmatched[:20]
        if len(self.unmatched) > len(lines):
            lines.append(f"... and {len(self.unmatched) - len(lines)} more")
        super().__init__("\n  ".join([f"`{os.fspath(path)}`: {found}", *lines]))
