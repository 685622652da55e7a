"""Folder of checkpoints, each written atomically and verified by checksums."""

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
ARRAYS = "arrays.npz"  # arrays of the state, if it has any
IN_ARRAYS = "__array__"  # placeholder of an array in `state.json`
NAME = re.compile(r"epoch_(\d{4,})(?:_batch_(\d{5,}))?")
LEFT_OVER = re.compile(r"\.[0-9a-f]{16}")  # left by a process killed while writing or removing
VERSION = 1
BLOCK = 2**20


class CheckpointError(ValueError):
    """Existing checkpoints that cannot be used."""


class CheckpointWarning(UserWarning):
    """Checkpoint that was not written or not read, with the consequence."""


class Generation(NamedTuple):
    """One checkpoint: its folder, and its state (everything except the model)."""

    path: Path
    state: dict[str, Any]

    @property
    def model(self) -> Path:
        """Path of the model's file."""
        return self.path / MODEL


class Generations:
    """The newest `keep` checkpoints in a folder.

    Each checkpoint is a folder: `epoch_0007` after seven epochs, `epoch_0007_batch_00120` after 120
    further batches. It holds the model (`model.keras`, which `keras.models.load_model` opens), the
    other state (`state.json`, and `arrays.npz` if it has arrays), and the checksums of all files in
    the format of `sha256sum --check`. It is written under a hidden name, flushed to the disk, and
    renamed when it is complete.

    Args:
        folder: The folder of all checkpoints. Created at the first checkpoint.
        keep: Number of checkpoints to keep.

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
        """Write a checkpoint, and remove the oldest ones beyond `keep`.

        Args:
            position: Complete epochs, and batches of the next epoch.
            save: Function that saves the model at a path.
            state: Values of JSON types, and arrays of numbers.

        Returns:
            The checkpoint's folder.

        Raises:
            OSError: The folder of all checkpoints cannot be created.
            VolumeError: The checkpoint cannot be written: full disk, no permission. Other
                checkpoints are not changed.
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
        """Return the newest undamaged checkpoint, or `None` if there are no checkpoints.

        Damaged newer checkpoints are renamed, with a warning, and not read again.

        Raises:
            CheckpointError: All checkpoints are damaged, or written by a later version.
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
                    f"The checkpoint `{other}` is damaged ({problem}). The training resumes from "
                    f"the previous one, `{path.name}`.",
                    CheckpointWarning,
                    stacklevel=2,
                )
            return Generation(path, state)
        if damaged:
            problems = "; ".join(f"{path.name}: {problem}" for path, problem in damaged.items())
            raise CheckpointError(
                f"`{self.folder}`: all checkpoints are damaged ({problems}). Restore a copy, or "
                "start again in another folder."
            )
        return None

    def _sweep(self) -> None:
        """Remove incomplete checkpoints of a killed process."""
        for path in self.folder.iterdir() if self.folder.exists() else ():
            if LEFT_OVER.fullmatch(path.name) and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)


class _Arrays:
    """Arrays of a state, stored outside `state.json`."""

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
    """Problem of a damaged checkpoint."""


def _verified(path: Path) -> dict[str, Any]:
    """Return a checkpoint's state after a check of its files' checksums."""
    for name in (MODEL, STATE, SUMS):
        if not (path / name).is_file():
            raise _DamagedError(f"{name} is missing")
    if (path / SUMS).read_bytes() != _sums(path):
        raise _DamagedError(f"its files do not match the checksums in {SUMS}")
    arrays: dict[str, np.ndarray] = {}
    if (path / ARRAYS).exists():
        with np.load(path / ARRAYS, allow_pickle=False) as file:
            arrays = dict(file)
    state = json.loads((path / STATE).read_text("utf-8"), object_hook=_Arrays(arrays).put_back)
    if state["version"] > VERSION:
        raise CheckpointError(
            f"`{path}` was written by a later version of keras_mri_cyclegan: its format is "
            f"{state['version']}, and this version reads formats up to {VERSION}. Install that "
            "later version."
        )
    return state


def _sums(path: Path) -> bytes:
    """Return the checksums of a checkpoint's files in the format of `sha256sum`."""
    names = (MODEL, STATE, ARRAYS) if (path / ARRAYS).exists() else (MODEL, STATE)
    return "".join(f"{_sha256(path / name)}  {name}\n" for name in names).encode()


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _remove(path: Path) -> None:
    """Remove a checkpoint, first renamed, so that no incomplete one is ever read."""
    hidden = path.with_name(f".{secrets.token_hex(8)}")
    try:
        path.rename(hidden)
    except OSError:
        return  # removed after a later checkpoint
    shutil.rmtree(hidden, ignore_errors=True)


def _set_aside(path: Path) -> None:
    for number in range(100):
        aside = path.with_name(f"damaged_{path.name}" + (f"_{number}" if number else ""))
        if not aside.exists():
            # In a read-only folder it is found again at the next start.
            with contextlib.suppress(OSError):
                path.rename(aside)
            return
