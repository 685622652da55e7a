"""Translation of one scan of any size, on its own grid and marked as synthetic."""

import os

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.translation.translator import Translator
from keras_mri_cyclegan.volumes import Volume
from keras_mri_cyclegan.volumes.validate import reading_options


def translate_volume(
    model: keras.Model,
    source: str | os.PathLike | Volume,
    target: str | os.PathLike | None = None,
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
) -> Volume:
    """Translate a scan from one domain to the other, and write the translation in its format.

    The scan is prepared as the training scans were, sampled as slices or as a volume, translated
    in batches, reassembled, and restored to the source's grid: the same shape, affine, orientation
    codes and data type. For a network of fixed input size, smaller images are padded with -1, and
    larger images are translated in overlapping windows that are blended; a network of any size
    takes whole slices, padded to a multiple of its strides. The target, its folder and the
    network's channels are checked before the network runs.

    Args:
        model: A `CycleGAN`, or a single generator, for which `direction` only names its domains.
        source: The scan: a path that `volumes.read_volume` reads, or a `Volume`.
        target: The file to write, or the folder of a DICOM series (only for a DICOM source). The
            provenance of the translation (see `provenance.describe_translation`) is written to a
            JSON file beside it, or into the attributes of a DICOM series. Defaults to `None`:
            nothing is written.
        direction: `"ab"` from domain A to B, `"ba"` from B to A. Defaults to `"ab"`.
        preprocessing: The `Preprocessing` of the networks' training, or the path of its JSON file.
            Defaults to `None`, `Preprocessing()`: percentiles and axial slices. This default is
            not fitted, so it requires `intensities` of `"source"` or `"normalized"`.
        intensities: Intensities of the translation. `"target"`: those of a typical scan of the
            target domain, learnt by `Preprocessing.fit`. `"source"`: the range of the source scan.
            `"normalized"`: [-1, 1], the network's output. Defaults to `"target"`.
        planes: Names of the planes in which the scan is translated; the translations are averaged.
            `("axial", "coronal", "sagittal")` reduces steps between slices. Only for preprocessing
            with `Slices`. Defaults to `None`: the plane of the preprocessing.
        overlap: Float in `[0, 1)`, the smallest share of a window that neighbouring windows have
            in common, where the network's size is smaller than the scan. Defaults to 0.5.
        batch_size: Integer, number of slices or windows per batch. Defaults to `None`: up to 16,
            limited to 256 MiB for the largest layer output of the network.
        overwrite: Boolean, whether to replace an existing `target`. Defaults to `False`.
        verbose: 1 shows a progress bar, 0 nothing. Defaults to 1.
        fill_nan: Replacement for NaN and infinite values in the source's file, as for
            `read_volume`. Defaults to `None`: such values are an error.
        slice_tolerance: Tolerance for DICOM series, as for `read_volume`. Defaults to `None`.

    Returns:
        The translation, a `Volume` on the source's grid, whose `path` is `None`.

    Warns:
        UserWarning: The network's output exceeds [-1, 1], which is possible without a final tanh.
            The values are kept.

    Raises:
        ValueError: An argument is invalid, or the network's output holds NaN or infinity. Nothing
            is written.
        VolumeError: A file cannot be read or written; a subclass of `ValueError`.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.unet_generator((32, 32, 1), depth=2, filters=4)
        >>> scan = kmc.volumes.Volume(np.random.default_rng(0).normal(100, 20, (20, 45, 7)),
        ...                           np.diag([1.0, 1.0, 3.0, 1.0]))
        >>> translation = kmc.translate_volume(generator, scan, intensities="source", verbose=0)
        >>> translation.shape, translation.spacing
        ((20, 45, 7), (1.0, 1.0, 3.0))
    """
    _checks.one_of("verbose", verbose, (0, 1))
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
    ready = translator.read(source, target)
    array = translator.translate(ready, verbose)
    return translator.write(ready, array)
