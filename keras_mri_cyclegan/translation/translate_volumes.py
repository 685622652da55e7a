"""Translation of many scans, with reading and writing in parallel to the network."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import Notices, gathered, say
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.translation.translator import Ready, Translator
from keras_mri_cyclegan.volumes.validate import reading_options

OF_ONE_SCAN = (ValueError, ImportError, OSError)  # errors that do not concern the other scans


class TranslatedFile(NamedTuple):
    """Result for one scan: its path, its target's path, and the error, or `None` on success."""

    source: str | os.PathLike
    target: str | os.PathLike
    error: Exception | None


def translate_volumes(
    model: keras.Model,
    sources: Sequence[str | os.PathLike],
    targets: Sequence[str | os.PathLike],
    direction: str = "ab",
    preprocessing: Preprocessing | str | os.PathLike | None = None,
    intensities: str = "target",
    planes: tuple[str, ...] | None = None,
    overlap: float = 0.5,
    batch_size: int | None = None,
    overwrite: bool = False,
    verbose: int = 1,
    fill_nan: float | None = None,
    slice_tolerance: float | None = None,
) -> Iterator[TranslatedFile]:
    """Translate scans as `translate_volume` does, from files to files.

    While the network translates a scan, the next scan is read and prepared and the previous
    translation is written, so a GPU waits less for files. At most three scans are in memory. A
    scan that cannot be translated does not stop the others.

    Args:
        model: As in `translate_volume`.
        sources: Paths of the scans.
        targets: For each scan the file to write, or the folder of a DICOM series.
        direction: As in `translate_volume`.
        preprocessing: As in `translate_volume`.
        intensities: As in `translate_volume`.
        planes: As in `translate_volume`.
        overlap: As in `translate_volume`.
        batch_size: As in `translate_volume`.
        overwrite: As in `translate_volume`.
        verbose: 1 shows a progress bar for each scan, 0 nothing. Defaults to 1.
        fill_nan: As in `translate_volume`.
        slice_tolerance: As in `translate_volume`.

    Yields:
        A :class:`keras_mri_cyclegan.translation.TranslatedFile` for each scan, in order, as soon as
        its translation is written or has failed.

    Raises:
        ValueError: An argument is invalid for every scan. Nothing is written.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.unet_generator((32, 32, 1), depth=2, filters=4)
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> for name in ("one", "two"):
        ...     array = np.random.default_rng(0).normal(100, 20, (20, 30, 3))
        ...     scan = kmc.volumes.Volume(array, np.eye(4))
        ...     kmc.volumes.write_volume(scan, folder / f"{name}.nii.gz")
        >>> sources = sorted(folder.glob("*.nii.gz"))
        >>> targets = [folder / f"synthetic_{source.name}" for source in sources]
        >>> for result in kmc.translate_volumes(generator, sources, targets, intensities="source",
        ...                                     verbose=0):
        ...     print(result.target.name, result.error)
        synthetic_one.nii.gz None
        synthetic_two.nii.gz None
    """
    _checks.one_of("verbose", verbose, (0, 1))
    for name, paths in (("sources", sources), ("targets", targets)):
        if isinstance(paths, (str, os.PathLike)):
            raise ValueError(
                f"`{name}` must be a list of paths, one for each scan. Received: the single path "
                f"{paths!r}. `find_volumes(...)` lists the scans of a folder or a glob pattern."
            )
    if len(sources) != len(targets):
        raise ValueError(
            "`targets` must name a file for each of `sources`. Received: "
            f"{len(sources)} sources and {len(targets)} targets."
        )
    files = [os.path.realpath(target) for target in targets]
    twice = sorted({file for file in files if files.count(file) > 1})
    if twice:
        raise ValueError(
            f"`targets` must all be different. Received: `{twice[0]}` more than once. Choose one "
            "target for each scan."
        )
    translator = Translator(
        model,
        direction,
        preprocessing,
        intensities,
        planes,
        overlap,
        batch_size,
        overwrite,
        reading_options(fill_nan, slice_tolerance),
    )
    return _translated(translator, list(sources), list(targets), verbose)


def _translated(
    translator: Translator, sources: list, targets: list, verbose: int
) -> Iterator[TranslatedFile]:
    pairs = list(zip(sources, targets, strict=True))
    if pairs:
        translator.network_hash  # noqa: B018 - cached before the network runs
    notices: Notices = {}

    def read(source: Any, target: Any) -> Ready:
        with gathered(notices):
            return translator.read(source, target)

    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        next_read = reader.submit(read, *pairs[0]) if pairs else None
        previous: tuple[tuple, Future] | None = None
        for index, pair in enumerate(pairs):
            being_read, next_read = next_read, None
            if index + 1 < len(pairs):
                next_read = reader.submit(read, *pairs[index + 1])
            being_written = _translate(translator, being_read, writer, verbose)
            if previous is not None:
                yield _outcome(*previous)
            previous = pair, being_written
        if previous is not None:
            yield _outcome(*previous)
    say(notices)


def _translate(
    translator: Translator, being_read: Any, writer: ThreadPoolExecutor, verbose: int
) -> Future:
    """Translate a scan once it has been read, and queue its translation for writing."""
    try:
        ready = being_read.result()
        array = translator.translate(ready, verbose)
    except OF_ONE_SCAN as error:
        failed: Future = Future()
        failed.set_exception(error)
        return failed
    return writer.submit(_write, translator, ready, array)


def _write(translator: Translator, ready: Ready, array: np.ndarray) -> None:
    translator.write(ready, array)  # not returned: a future's result would stay in memory


def _outcome(pair: tuple, being_written: Future) -> TranslatedFile:
    error = being_written.exception()
    if error is not None and not isinstance(error, OF_ONE_SCAN):
        raise error
    source, target = pair
    return TranslatedFile(source, target, error)
