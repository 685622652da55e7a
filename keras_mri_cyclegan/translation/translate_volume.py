"""A scan in, its translation out: any size, the same place, and it says that it is synthetic."""

import os
import warnings
from collections.abc import Sequence

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing import Cutter, Preprocessing, Slices
from keras_mri_cyclegan.translation import arguments
from keras_mri_cyclegan.translation.generator import pick_generator, predictor, window_size
from keras_mri_cyclegan.translation.planes import plane_cutters
from keras_mri_cyclegan.translation.provenance import describe_translation
from keras_mri_cyclegan.translation.windows import count_batches, translate_windows
from keras_mri_cyclegan.volumes import Volume, read_volume, write_volume

INTENSITIES = ("target", "source", "normalized")


def translate_volume(
    model: keras.Model,
    source: str | os.PathLike | Volume,
    target: str | os.PathLike | None = None,
    direction: str = "ab",
    preprocessing: Preprocessing | str | os.PathLike | None = None,
    intensities: str = "target",
    planes: tuple[str, ...] | None = None,
    overlap: float = 0.5,
    batch_size: int = 8,
    overwrite: bool = False,
    verbose: int = 1,
) -> Volume:
    """Translate a scan from one domain to the other, and write it like the scan it came from.

    The scan is prepared as the training scans were, cut into slices or taken as a volume,
    translated in batches, put together, and brought back to the source's grid: the same size,
    affine, orientation codes and data type. A network of a fixed size sees what is smaller padded
    with -1, and what is larger through windows that are blended; a network of any size sees whole
    slices, padded to what its strides divide. What needs no network is checked before it runs: the
    target, its folder, the network's channels.

    Args:
        model: A `CycleGAN`, or a generator by itself; then `direction` only names its domains.
        source: The scan: a path that `volumes.read_volume` reads, or a `Volume`.
        target: The file to write, or the folder of a DICOM series (from a DICOM source alone). With
            it goes a JSON file that says how it was made (see `provenance.describe_translation`);
            a DICOM series says it in its attributes. Defaults to `None`:
            nothing is written.
        direction: `"ab"` from domain A to B, `"ba"` from B to A. Defaults to `"ab"`.
        preprocessing: The `Preprocessing` that the networks were trained with, or the path of the
            JSON file that it was saved as. Defaults to `None`, `Preprocessing()`: percentiles and
            axial slices. That has learnt no intensities, so it needs `intensities` of `"source"`
            or `"normalized"`.
        intensities: What the voxels' values mean. `"target"`: what is typical of the target
            domain, as `Preprocessing.fit` found it. `"source"`: the range of the source scan.
            `"normalized"`: [-1, 1], as the network gives it. Defaults to `"target"`.
        planes: Names of planes to translate in, each by itself, of which the mean is taken:
            `("axial", "coronal", "sagittal")` evens out steps from slice to slice. For
            preprocessing with `Slices` only. Defaults to `None`: its own plane.
        overlap: Float in `[0, 1)`, the share of a window that its neighbour overlaps at least,
            where the network's size is smaller than the scan. Defaults to 0.5.
        batch_size: Integer, slices or windows translated at once. Defaults to 8.
        overwrite: Boolean, whether `target` may be replaced. Defaults to `False`.
        verbose: 1 shows a progress bar, 0 nothing. Defaults to 1.

    Returns:
        The translation, a `Volume` on the source's grid.

    Warns:
        UserWarning: The network gave values outside [-1, 1], as one without a tanh can. They are
            kept.

    Raises:
        ValueError: An argument that cannot be used, or a network that gave NaN or infinity.
            Nothing is written then.
        VolumeError: A file that cannot be read or written; a `ValueError` too.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.unet_generator((32, 32, 1), depth=2, filters=4)
        >>> scan = kmc.volumes.Volume(np.random.default_rng(0).normal(100, 20, (20, 45, 7)),
        ...                           np.diag([1.0, 1.0, 3.0, 1.0]))
        >>> made = kmc.translate_volume(generator, scan, intensities="source", verbose=0)
        >>> made.shape, made.spacing
        ((20, 45, 7), (1.0, 1.0, 3.0))
    """
    # === What can be known before any work ===
    network = pick_generator(model, direction)
    _checks.one_of("intensities", intensities, INTENSITIES)
    _checks.fraction("overlap", overlap)
    _checks.positive_int("batch_size", batch_size)
    _checks.one_of("verbose", verbose, (0, 1))
    _checks.one_of("overwrite", overwrite, (True, False))
    preprocessing = arguments.fitted_preprocessing(preprocessing, intensities, direction)
    cutters = plane_cutters(preprocessing.cutter, planes)
    for cutter in cutters:
        arguments.check_cutter(network, cutter)
    if target is not None:
        arguments.check_path(target, overwrite)

    # === The scan, prepared ===
    scan = source if isinstance(source, Volume) else read_volume(source)
    provenance = None
    if target is not None:
        arguments.check_target_of(target, scan, overwrite, intensities)
        names = [cutter.plane for cutter in cutters if isinstance(cutter, Slices)]
        provenance = describe_translation(
            network, direction, source, preprocessing, intensities, names
        )
    prepared = preprocessing.prepare(scan, domain=direction[0])

    # === Translated, brought back, written ===
    array = _translate(network, cutters, prepared.volume, overlap, batch_size, verbose)
    _warn_range(array)
    translated = preprocessing.restore(
        prepared.volume.replace(array=array), prepared, intensities, domain=direction[1]
    )
    if target is not None:
        write_volume(translated, target, provenance, overwrite)
    return translated


def _translate(
    network: keras.Model,
    cutters: Sequence[Cutter],
    volume: Volume,
    overlap: float,
    batch_size: int,
    verbose: int,
) -> np.ndarray:
    """Return the mean of a prepared volume's translations, one for each cutter, `(i, j, k)`."""
    shapes = [cutter.cut(volume).shape for cutter in cutters]
    windows = [
        window_size(network, shape[1:-1], most=_trained_on(cutter))
        for shape, cutter in zip(shapes, cutters, strict=True)
    ]
    batches = sum(
        count_batches(shape, window, overlap, batch_size)
        for shape, window in zip(shapes, windows, strict=True)
    )
    progress = keras.utils.Progbar(batches, unit_name="batch") if verbose else None
    after_batch = None if progress is None else lambda: progress.add(1)

    predict = predictor(network)
    total = np.zeros(volume.shape, "float32")
    for cutter, window in zip(cutters, windows, strict=True):
        images = translate_windows(
            cutter.cut(volume), predict, window, overlap, batch_size, after_batch
        )
        total += cutter.join(images, like=volume).array
    return total / len(cutters)


def _trained_on(cutter: Cutter) -> tuple[int, ...] | None:
    """Return the size of a 3-D network's patches: whole scans of 256 voxels do not fit a GPU."""
    size = getattr(cutter, "size", None)
    return tuple(size) if size is not None and len(size) == 3 else None


def _warn_range(array: np.ndarray) -> None:
    low, high = float(array.min()), float(array.max())
    if low < -1 - _checks.RANGE_TOLERANCE or high > 1 + _checks.RANGE_TOLERANCE:
        warnings.warn(
            f"The network gave values in [{low:g}, {high:g}]. Expected [-1, 1], as of a tanh: they "
            "are kept, and may be darker or brighter than any scan of this contrast.",
            stacklevel=3,
        )
