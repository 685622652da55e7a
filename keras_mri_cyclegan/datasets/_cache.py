"""Folder of a data set's downloads."""

import os
from pathlib import Path


def cache_folder(cache_dir: str | os.PathLike | None, name: str) -> Path:
    """Return `datasets/<name>` in a folder, made if it is not there.

    Args:
        cache_dir: The folder; `None` is Keras' own, `~/.keras` or `KERAS_HOME`.
        name: Name of the data set.

    Raises:
        ValueError: The folder cannot be made.
    """
    home = cache_dir or os.environ.get("KERAS_HOME") or Path("~", ".keras")
    folder = Path(home).expanduser() / "datasets" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ValueError(
            f"`cache_dir`: `{folder}` cannot be made: {error}. Expected a folder that can be "
            "written to. Choose another `cache_dir`."
        ) from error
    return folder


def check_writable(folder: Path) -> None:
    """Raise a ValueError if nothing can be written to the folder."""
    if not os.access(folder, os.W_OK):  # Keras would silently turn to /tmp
        raise ValueError(
            f"`cache_dir`: `{folder}` cannot be written to. Choose another `cache_dir`."
        )
