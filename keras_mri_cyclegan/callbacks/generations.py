"""A folder of checkpoints, of which each is whole or is not there."""

import contextlib
import hashlib
import json
import os
import re
import secrets
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from keras_mri_cyclegan.volumes import atomic

MODEL, STATE, SUMS = "model.keras", "state.json", "SHA256SUMS"
ARRAYS = "arrays.npz"  # those of the state, if it has some
IN_ARRAYS = "__array__"  # stands in `state.json` for one of them
NAME = re.compile(r"epoch_(\d{4,})(?:_batch_(\d{5,}))?")
LEFT_OVER = re.compile(r"\.[0-9a-f]{16}")  # of a process that was killed while it wrote or removed
VERSION = 1
BLOCK = 2**20


class CheckpointError(ValueError):
    """Checkpoints that are there and cannot be used."""


class CheckpointWarning(UserWarning):
    """A checkpoint that was not written, or not read, and what happens instead."""


class Generation(NamedTuple):
    """One checkpoint: its folder, and what it holds beside the model."""

    path: Path
    state: dict[str, Any]

    @property
    def model(self) -> Path:
        """The file of the model."""
        return self.path / MODEL


class Generations:
    """The checkpoints in a folder, the newest `keep` of them.

    Each is a folder of its own: `epoch_0007` after seven epochs, `epoch_0007_batch_00120` after 120
    batches more. In it lie the model (`model.keras`, which `keras.models.load_model` opens), what
    else there is to know (`state.json`, and `arrays.npz` where arrays are part of it), and the
    checksums of all as `sha256sum --check` reads them. It is written under a hidden name, flushed
    to the disk, and renamed when it is complete.

    Args:
        folder: The folder of all. Created when something is written.
        keep: How many to keep.

    Example:
        >>> import tempfile
        >>> from keras_mri_cyclegan.callbacks.generations import Generations
        >>> folder = Generations(tempfile.mkdtemp(), keep=2)
        >>> for epoch in (1, 2, 3):
        ...     path = folder.write((epoch, 0), lambda path: open(path, "w").close(), {})
        >>> [path.name for path in folder.paths()], folder.newest().path.name
        (['epoch_0003', 'epoch_0002'], 'epoch_0003')
    """

    def __init__(self, folder: str | os.PathLike, keep: int):
        self.folder = Path(folder)
        self.keep = keep

    def paths(self) -> list[Path]:
        """Return the folders of all generations, the newest first."""
        if not self.folder.exists():
            return []
        found = {path: NAME.fullmatch(path.name) for path in self.folder.iterdir()}
        positions = {path: (int(m[1]), int(m[2] or 0)) for path, m in found.items() if m}
        return sorted(positions, key=lambda path: positions[path], reverse=True)

    def write(
        self, position: tuple[int, int], save: Callable[[str], Any], state: dict[str, Any]
    ) -> Path:
        """Add a generation, and remove those that are one too many.

        Args:
            position: Whole epochs, and batches of the next one.
            save: Called with the path to save the model at.
            state: What JSON can hold, and arrays of numbers.

        Returns:
            Its folder.

        Raises:
            OSError: The folder of all cannot be made.
            VolumeError: The generation cannot be written: a full disk, no permission. The others
                are as they were.
        """
        epoch, batch = position
        path = self.folder / (f"epoch_{epoch:04d}" + (f"_batch_{batch:05d}" if batch else ""))
        self.folder.mkdir(parents=True, exist_ok=True)
        with atomic.replacing_folder(path, overwrite=True) as temporary:
            save(os.path.join(temporary, MODEL))
            arrays = _Arrays()
            text = json.dumps({"version": VERSION, **state}, indent=1, default=arrays.keep)
            Path(temporary, STATE).write_text(text, "utf-8")
            if arrays.kept:
                np.savez(os.path.join(temporary, ARRAYS), **arrays.kept)
            Path(temporary, SUMS).write_bytes(_sums(Path(temporary)))
        for old in self.paths()[self.keep :]:
            _remove(old)
        return path

    def newest(self) -> Generation | None:
        """Return the newest generation that is undamaged, or `None` if there is none at all.

        Damaged newer ones are renamed, so that they are not looked at again, with a warning.

        Raises:
            CheckpointError: There are some, and all are damaged, or made by a later version.
        """
        self._sweep()
        damaged: dict[Path, str] = {}
        for path in self.paths():
            try:
                state = _verified(path)
            except (OSError, _DamagedError) as error:
                damaged[path] = str(error)
                continue
            for other, problem in damaged.items():
                _set_aside(other)
                warnings.warn(
                    f"The checkpoint `{other}` is damaged ({problem}). Going on from the one "
                    f"before, `{path.name}`.",
                    CheckpointWarning,
                    stacklevel=2,
                )
            return Generation(path, state)
        if damaged:
            problems = "; ".join(f"{path.name}: {problem}" for path, problem in damaged.items())
            raise CheckpointError(
                f"`{self.folder}`: all checkpoints are damaged ({problems}). Put back a copy, or "
                "begin anew in another folder."
            )
        return None

    def _sweep(self) -> None:
        """Remove what a killed process has left half written."""
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if LEFT_OVER.fullmatch(path.name) and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)


class _Arrays:
    """Takes the arrays out of a state, and puts them back."""

    def __init__(self, kept: dict[str, Any] | None = None):
        self.kept: dict[str, Any] = {} if kept is None else kept

    def keep(self, value: Any) -> dict[str, str]:
        if not isinstance(value, (np.ndarray, np.generic)):
            raise TypeError(f"A checkpoint holds no {type(value).__name__}. Received: {value!r}.")
        name = f"array_{len(self.kept):05d}"
        self.kept[name] = np.asarray(value)
        return {IN_ARRAYS: name}

    def put_back(self, value: dict) -> Any:
        return self.kept[value[IN_ARRAYS]] if set(value) == {IN_ARRAYS} else value


class _DamagedError(Exception):
    """What is wrong with a generation."""


def _verified(path: Path) -> dict[str, Any]:
    """Return a generation's state if its files are those that were written."""
    for name in (MODEL, STATE, SUMS):
        if not (path / name).is_file():
            raise _DamagedError(f"{name} is missing")
    if (path / SUMS).read_bytes() != _sums(path):
        raise _DamagedError(f"its files are not what {SUMS} says that was written")
    arrays: dict[str, np.ndarray] = {}
    if (path / ARRAYS).exists():
        with np.load(path / ARRAYS, allow_pickle=False) as file:
            arrays = dict(file)
    state = json.loads((path / STATE).read_text("utf-8"), object_hook=_Arrays(arrays).put_back)
    if state["version"] > VERSION:
        raise CheckpointError(
            f"`{path}` was written by a later version of keras_mri_cyclegan: its format is "
            f"{state['version']}, and {VERSION} is the latest known here. Install that version."
        )
    return state


def _sums(path: Path) -> bytes:
    """Return the checksums of a generation's files, as `sha256sum` writes them."""
    names = (MODEL, STATE, ARRAYS) if (path / ARRAYS).exists() else (MODEL, STATE)
    return "".join(f"{_sha256(path / name)}  {name}\n" for name in names).encode()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _remove(path: Path) -> None:
    """Remove a generation so that none that is half removed is ever seen."""
    hidden = path.with_name(f".{secrets.token_hex(8)}")
    try:
        path.rename(hidden)
    except OSError:
        return  # it stays, and is tried again at the next
    shutil.rmtree(hidden, ignore_errors=True)


def _set_aside(path: Path) -> None:
    for number in range(100):
        aside = path.with_name(f"damaged_{path.name}" + (f"_{number}" if number else ""))
        if not aside.exists():
            # A folder that cannot be written to: it is found again at the next start.
            with contextlib.suppress(OSError):
                path.rename(aside)
            return
