"""Validation of the arguments of `translate_volume`, before the network runs."""

import dataclasses
import os
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.preprocessing import Cutter, Preprocessing
from keras_mri_cyclegan.translation.generator import check_channels
from keras_mri_cyclegan.volumes import Volume, VolumeError, check_target
from keras_mri_cyclegan.volumes.names import MODULES, split_inner, suffix_of
from keras_mri_cyclegan.volumes.scan_files import files_of, files_to_write


def fitted_preprocessing(value: Any, intensities: str, direction: str) -> Preprocessing:
    """Load and validate the `preprocessing` argument.

    Args:
        value: A `Preprocessing`, the path of a saved one, or `None` for the default.
        intensities: `"target"` requires a preprocessing fitted to the target domain.
        direction: `"ab"` or `"ba"`.

    Raises:
        ValueError: `value` is no preprocessing, or is not fitted as `intensities` requires.
    """
    if value is None:
        preprocessing = Preprocessing()
    elif isinstance(value, (str, os.PathLike)):
        preprocessing = Preprocessing.load(value)
    else:
        preprocessing = value
    if not isinstance(preprocessing, Preprocessing):
        raise ValueError(
            "`preprocessing` must be a `Preprocessing`, or the path of a saved one. "
            f"Received: {value!r}."
        )
    domain = direction[1]
    if intensities == "target" and domain not in preprocessing.domains:
        fitted = ", ".join(map(repr, preprocessing.domains)) or "none"
        raise ValueError(
            "`intensities='target'` needs a `preprocessing` fitted to scans of domain "
            f"{domain!r}. Received: {'None' if value is None else 'a preprocessing'}, with fitted "
            f"domains: {fitted}. Pass the preprocessing of the model's training "
            "(`Preprocessing.load('preprocessing.json')`), fit one (`Preprocessing().fit(a_paths, "
            "b_paths)`), or use intensities='source' (the range of the source scan) or "
            "'normalized' ([-1, 1])."
        )
    return preprocessing


def check_cutter(network: keras.Model, cutter: Cutter) -> None:
    """Raise a `ValueError` unless the network takes the images that a sampler extracts."""
    # Sampling a tiny volume gives the image shape of any sampler, custom ones included.
    shape = cutter.cut(Volume(np.zeros((2, 2, 2), "float32"), np.eye(4))).shape
    neighbours = getattr(cutter, "neighbours", None)
    arguments = "" if neighbours is None else f"neighbours={neighbours}"
    name = f"{type(cutter).__name__}({arguments})"
    check_channels(network, channels=shape[-1], rank=len(shape) - 2, cutter=name)


def check_path(target: Any, overwrite: bool, source: Any = None) -> None:
    """Raise a `ValueError` unless a translation can be written to `target`.

    If `source` is a path with a suffix, the check takes its file format into account.
    """
    if not isinstance(target, (str, os.PathLike)) or not os.fspath(target):
        raise ValueError(
            f"`target` must be a path, or None to write nothing. Received: {target!r}."
        )
    kind = "" if isinstance(source, Volume) or source is None else suffix_of(source)
    is_folder = os.path.isdir(target) or suffix_of(target) == ""
    if is_folder and MODULES.get(kind, "dicom") not in ("dicom", "pictures"):
        name = os.path.join(os.fspath(target), "t2.nii.gz")
        raise VolumeError(
            target,
            f"a folder (as every name without a suffix), but the translation of a {kind} file is "
            f"a single file. Expected the name of a file, such as `{name}`.",
        )
    check_target(target, overwrite)


def check_target_of(
    target: str | os.PathLike, scan: Volume, overwrite: bool, intensities: str
) -> None:
    """Raise a `VolumeError` unless the translation of `scan` can be written to `target`."""
    header = scan.header
    if header is not None and intensities == "normalized":
        header = dataclasses.replace(header, dtype=np.dtype("float32"))  # as in `restore`
    if check_target(target, overwrite, header) is None:
        raise VolumeError(
            os.fspath(target),
            "a name without a suffix is a folder of DICOM or image files, but the source is a "
            "volume created in memory. Expected the name of a file, such as `t2.nii.gz`.",
        )
    if scan.path is None:
        return
    written = split_inner(target)[0].rstrip("/\\")
    replaced = [os.path.realpath(path) for path in files_to_write(written)]
    kept = [os.path.realpath(path) for path in files_of(scan.path)]
    if any(path == file or path.startswith(file + os.sep) for file in replaced for path in kept):
        raise VolumeError(
            os.fspath(target),
            "the target is the source itself, or a folder that contains the source. A translation "
            "never replaces its source: choose another name.",
        )
