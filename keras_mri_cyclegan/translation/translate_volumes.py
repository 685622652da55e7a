"""Many scans, each to its translation: one is read and one written while a third is translated."""

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

OF_ONE_SCAN = (ValueError, ImportError, OSError)  # the others may well be fine


class TranslatedFile(NamedTuple):
    """What became of a scan: paths of both, and why there is no translation, or `None`."""

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
    """Translate scans one after another, each as `translate_volume` does, file to file.

    While the network is busy with a scan, the next is read and prepared and the last is written, so
    that a GPU waits for files less. At most three scans are in memory. A scan that cannot be
    translated stops none of the others.

    Args:
        model: As in `translate_volume`.
        sources: Paths of scans.
        targets: For each the file to write, or the folder of a DICOM series.
        direction: As in `translate_volume`, and so are the others.
        preprocessing: As there.
        intensities: As there.
        planes: As there.
        overlap: As there.
        batch_size: As there.
        overwrite: As there.
        verbose: 1 shows a progress bar for each scan, 0 nothing. Defaults to 1.
        fill_nan: As in `translate_volume`.
        slice_tolerance: As there.

    Yields:
        A :class:`keras_mri_cyclegan.translation.TranslatedFile` for each scan, in order, as soon as
        it is written or has failed.

    Raises:
        ValueError: An argument that suits no scan. Nothing is written then.

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
        >>> for made in kmc.translate_volumes(generator, sources, targets, intensities="source",
        ...                                   verbose=0):
        ...     print(made.target.name, made.error)
        synthetic_one.nii.gz None
        synthetic_two.nii.gz None
    """
    _checks.one_of("verbose", verbose, (0, 1))
    for name, paths in (("sources", sources), ("targets", targets)):
        if isinstance(paths, (str, os.PathLike)):
            raise ValueError(
                f"`{name}` must be a list of paths, one for each scan. Received the one path "
                f"{paths!r}. `find_volumes(...)` lists the scans of a folder or a pattern."
            )
    if len(sources) != len(targets):
        raise ValueError(
            "`targets` must name a file for each of `sources`. Received: "
            f"{len(sources)} sources and {len(targets)} targets."
        )
    files = [os.path.realpath(target) for target in targets]
    twice = sorted({file for file in files if files.count(file) > 1})
    if twice:
        raise ValueError(f"`targets` must differ. Received `{twice[0]}` more than once.")
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
        translator.network_hash  # noqa: B018 - now, while the network rests
    notices: Notices = {}

    def read(source: Any, target: Any) -> Ready:
        with gathered(notices):
            return translator.read(source, target)

    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(1) as writer:
        ahead = reader.submit(read, *pairs[0]) if pairs else None
        behind: tuple[tuple, Future] | None = None
        for index, pair in enumerate(pairs):
            being_read, ahead = ahead, None
            if index + 1 < len(pairs):
                ahead = reader.submit(read, *pairs[index + 1])
            being_written = _translate(translator, being_read, writer, verbose)
            if behind is not None:
                yield _outcome(*behind)
            behind = pair, being_written
        if behind is not None:
            yield _outcome(*behind)
    say(notices)


def _translate(
    translator: Translator, being_read: Any, writer: ThreadPoolExecutor, verbose: int
) -> Future:
    """Translate a scan when it has been read, and let it be written."""
    try:
        ready = being_read.result()
        array = translator.translate(ready, verbose)
    except OF_ONE_SCAN as error:
        failed: Future = Future()
        failed.set_exception(error)
        return failed
    return writer.submit(_write, translator, ready, array)


def _write(translator: Translator, ready: Ready, array: np.ndarray) -> None:
    translator.write(ready, array)  # its result would keep the scan in memory


def _outcome(pair: tuple, being_written: Future) -> TranslatedFile:
    error = being_written.exception()
    if error is not None and not isinstance(error, OF_ONE_SCAN):
        raise error
    source, target = pair
    return TranslatedFile(source, target, error)
