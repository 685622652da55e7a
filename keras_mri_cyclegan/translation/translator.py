"""Translation of a scan in three stages: read, translate, write.

Only the second stage needs the processor that runs the network, so `translate_volumes` reads and
writes other scans at the same time.
"""

import dataclasses
import functools
import os
import warnings
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import once
from keras_mri_cyclegan.preprocessing import Cutter, Preprocessing, Slices
from keras_mri_cyclegan.preprocessing.voxel_sizes import notice_other_size
from keras_mri_cyclegan.translation import arguments
from keras_mri_cyclegan.translation.generator import (
    CONTRASTS,
    batch_for,
    pick_generator,
    predictor,
    window_size,
)
from keras_mri_cyclegan.translation.planes import plane_cutters
from keras_mri_cyclegan.translation.provenance import describe_translation, hash_network
from keras_mri_cyclegan.translation.windows import count_batches, translate_windows
from keras_mri_cyclegan.volumes import Volume, read_volume, write_volume

INTENSITIES = ("target", "source", "normalized")


@dataclasses.dataclass(frozen=True)
class Ready:
    """A scan that has been read and prepared.

    Attributes:
        target: Path of the translation, or `None`.
        prepared: The result of `Preprocessing.prepare`.
        provenance: The result of `describe_translation`, or `None` without a target.
    """

    target: str | os.PathLike | None
    prepared: Any
    provenance: dict[str, Any] | None


class Translator:
    """Reader, translator and writer of scans, for one network and one set of options.

    Args:
        model: As in `translate_volume`.
        direction: As in `translate_volume`.
        preprocessing: As in `translate_volume`.
        intensities: As in `translate_volume`.
        planes: As in `translate_volume`.
        overlap: As in `translate_volume`.
        batch_size: As in `translate_volume`.
        overwrite: As in `translate_volume`.
        reading: Options of `read_volume` for the source. Defaults to none.

    Raises:
        ValueError: An argument is invalid.
    """

    def __init__(
        self,
        model: keras.Model,
        direction: str,
        preprocessing: Preprocessing | str | os.PathLike | None,
        intensities: str,
        planes: tuple[str, ...] | None,
        overlap: float,
        batch_size: int | None,
        overwrite: bool,
        reading: dict[str, Any] | None = None,
    ):
        self.network = pick_generator(model, direction)
        self.direction = direction
        _checks.one_of("intensities", intensities, INTENSITIES)
        _checks.fraction("overlap", overlap)
        if batch_size is not None:
            _checks.positive_int("batch_size", batch_size)
        _checks.one_of("overwrite", overwrite, (True, False))
        self.intensities, self.overlap, self.overwrite = intensities, overlap, overwrite
        self.batch_size = batch_size
        self.reading = reading or {}
        self.preprocessing = arguments.fitted_preprocessing(preprocessing, intensities, direction)
        self.cutters = plane_cutters(self.preprocessing.cutter, planes)
        for cutter in self.cutters:
            arguments.check_cutter(self.network, cutter)

    @functools.cached_property
    def network_hash(self) -> str:
        """SHA-256 of the network, which must not be computed while the network runs.

        On JAX, the buffers of its weights are donated during a step.
        """
        return hash_network(self.network)

    @once()
    def read(
        self, source: str | os.PathLike | Volume, target: str | os.PathLike | None = None
    ) -> Ready:
        """Read and prepare a scan, after a check that its translation can be written."""
        if not isinstance(source, (str, os.PathLike, Volume)):
            raise ValueError(
                f"`source` must be a path or a Volume. Received: {type(source).__name__}. For a "
                f"network of several contrasts: {CONTRASTS}"
            )
        if target is not None:
            arguments.check_path(target, self.overwrite, source)
        scan = source if isinstance(source, Volume) else read_volume(source, **self.reading)
        provenance = None
        if target is not None:
            arguments.check_target_of(target, scan, self.overwrite, self.intensities)
            provenance = describe_translation(
                self.network,
                self.direction,
                source,
                self.preprocessing,
                self.intensities,
                [cutter.plane for cutter in self.cutters if isinstance(cutter, Slices)],
                network_hash=self.network_hash,
            )
        domain = self.direction[0]
        prepared = self.preprocessing.prepare(scan, domain)
        own = self.preprocessing.cutter
        if (trained := self.preprocessing.spacing.get(domain)) is not None:
            for cutter in self.cutters:
                if cutter is not own:
                    notice_other_size(prepared.volume, trained, domain, own, cutter)
        return Ready(target, prepared, provenance)

    def translate(self, ready: Ready, verbose: int = 1) -> np.ndarray:
        """Return the mean of a scan's translations, one per sampler, `(i, j, k)` in [-1, 1]."""
        volume = ready.prepared.volume
        cuts = [cutter.cut(volume) for cutter in self.cutters]
        windows = [
            window_size(self.network, images.shape[1:-1], most=_trained_on(cutter))
            for images, cutter in zip(cuts, self.cutters, strict=True)
        ]
        sizes = [self.batch_size or batch_for(self.network, window) for window in windows]
        batches = sum(
            count_batches(images.shape, window, self.overlap, size)
            for images, window, size in zip(cuts, windows, sizes, strict=True)
        )
        progress = keras.utils.Progbar(batches, unit_name="batch") if verbose else None
        after_batch = None if progress is None else lambda: progress.add(1)

        predict = predictor(self.network)
        total = np.zeros(volume.shape, "float32")
        for cutter, images, window, size in zip(self.cutters, cuts, windows, sizes, strict=True):
            output = translate_windows(images, predict, window, self.overlap, size, after_batch)
            total += cutter.join(output, like=volume).array
        return total / len(self.cutters)

    def write(self, ready: Ready, array: np.ndarray) -> Volume:
        """Write a translation to its target, if any, and return it on the source's grid.

        The result has no `path`: its values are neither those of the source's file nor exactly
        those of the written file, which may be rounded.
        """
        _warn_range(array)
        translated = self.preprocessing.restore(
            ready.prepared.volume.replace(array=array),
            ready.prepared,
            self.intensities,
            domain=self.direction[1],
        )
        if ready.target is not None:
            write_volume(translated, ready.target, ready.provenance, self.overwrite)
        return translated.replace(path=None)


def _trained_on(cutter: Cutter) -> tuple[int, ...] | None:
    """Return the training patch size of a 3-D network, the limit of its windows, or `None`.

    Whole scans of 256³ voxels do not fit into the memory of a GPU.
    """
    size = getattr(cutter, "size", None)
    return tuple(size) if size is not None and len(size) == 3 else None


def _warn_range(array: np.ndarray) -> None:
    low, high = float(array.min()), float(array.max())
    if low < -1 - _checks.RANGE_TOLERANCE or high > 1 + _checks.RANGE_TOLERANCE:
        warnings.warn(
            f"The network returned values in [{low:g}, {high:g}]. Expected [-1, 1], the range of "
            "tanh: the values are kept, and may be darker or brighter than any scan of this "
            "contrast. To avoid this, use a generator with a final tanh.",
            stacklevel=4,
        )
