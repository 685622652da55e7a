"""A scan in, its translation out: any size, the same place, and it says that it is synthetic."""

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
        batch_size: Integer, slices or windows translated at once. Defaults to `None`: as many, up
            to 16, as the network can hold in a quarter of a gibibyte at its largest layer.
        overwrite: Boolean, whether `target` may be replaced. Defaults to `False`.
        verbose: 1 shows a progress bar, 0 nothing. Defaults to 1.
        fill_nan: What NaN and infinite values in the source's file become, as for `read_volume`.
            Defaults to `None`: they are an error.
        slice_tolerance: As for `read_volume`, of DICOM series. Defaults to `None`.

    Returns:
        The translation, a `Volume` on the source's grid, whose `path` is `None`.

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
