"""Training data of a CycleGAN from two lists of scans."""

import os
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import once
from keras_mri_cyclegan.data._scans import Scan, scan_list
from keras_mri_cyclegan.data.patient_names import spelling
from keras_mri_cyclegan.data.patients import (
    Patient,
    check_apart,
    known_patients,
    split_by_patient,
)
from keras_mri_cyclegan.data.unpaired_dataset import UnpairedDataset, callables
from keras_mri_cyclegan.data.volume_images import VolumeImages
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.volumes import SyntheticWarning, Volume
from keras_mri_cyclegan.volumes.synthetic import warn_of
from keras_mri_cyclegan.volumes.validate import reading_options

OPTIONS = {"workers", "use_multiprocessing", "max_queue_size"}  # of keras.utils.PyDataset
SHOWN = 3  # scans of unknown patients that are named


@once()
def from_volumes(
    a: Any,
    b: Any,
    preprocessing: Preprocessing | None = None,
    validation: float | Sequence[str] = 0.0,
    patient: Patient | None = None,
    batch_size: int = 1,
    shuffle: bool = True,
    seed: int | None = None,
    augment: Any = None,
    cache: str | os.PathLike | None = None,
    memory: float = 2.0,
    verbose: int = 1,
    fill_nan: float | None = None,
    slice_tolerance: float | None = None,
    unreadable: str = "error",
    **kwargs: Any,
) -> UnpairedDataset | tuple[UnpairedDataset, UnpairedDataset]:
    """Return the training data of a CycleGAN from two lists of scans.

    The scans are split by patient into training and validation, over both domains together
    (`split_by_patient`). The preprocessing, unless already fitted, is fitted on the training scans
    only, so that no validation data leak into it. Then each scan is read, prepared, and cut into
    images once; `cache` and `memory` set where the images are stored (`VolumeImages`), and how
    large a study may be. Every epoch uses the images of all scans in a new random order
    (`UnpairedDataset`).

    Args:
        a: Scans of the first contrast: a folder, a glob such as `"t1/**/*.nii.gz"`, or a list of
            paths and volumes (`Volume`).
        b: Scans of the second contrast. They need not be of the same patients.
        preprocessing: `Preprocessing`, fitted in place unless it is fitted for both domains.
            Defaults to `Preprocessing()`. Save it beside the model: `.save("preprocessing.json")`.
        validation: Share of the patients to hold out, in `[0, 1)`, or a list of their names.
            Defaults to 0.0: all patients are in the training data.
        patient: Callable that takes a path (or `Volume`) and returns the scan's patient. Defaults
            to `None`: from the path, see `split_by_patient`.
        batch_size: Images of each side in a batch. Defaults to 1.
        shuffle: Whether to draw a new order every epoch. Defaults to `True`.
        seed: Integer of at least 0, for the split, the order and the augmentation. Defaults to
            `None`: a random seed, stored in the dataset's `seed`.
        augment: A callable `(image, rng) -> image`, or a list, such as `mri_augmentation()`; for
            the training data only. It is compared with the plane of the slices: a `RandomFlip` that
            mirrors front to back raises a warning. Defaults to none.
        cache: Folder for prepared images. Defaults to `None`: the images are kept in memory.
        memory: GiB of prepared images to keep, of all scans, without `cache`. Defaults to 2.0.
        verbose: 1 to print a summary and progress bars; 0 to be silent. Defaults to 1.
        fill_nan: Replacement for NaN and infinite values in the scans' files, such as 0.0 for the
            background of SPM files. Defaults to `None`: such values raise an error.
        slice_tolerance: As in `read_volume`, for DICOM series. Defaults to `None`.
        unreadable: Treatment of a scan that cannot be read. `"error"`: raise an error that names
            the scan. `"warn"`: leave out the scan, and name all such scans in a warning; for this,
            each scan is read once more. Defaults to `"error"`.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Returns:
        An `UnpairedDataset`; with `validation` a tuple of two, the second without augmentation, in
        the order of the scans, with a smaller `batch_size` if it has fewer images. The attributes
        `a` and `b` are `VolumeImages`; the attributes `preprocessing`, `patients_a` and
        `patients_b` hold the preprocessing and the known patients of the scans.

    Warns:
        ScanWarning: Assumptions on the scans do not hold, such as dark air, or the scans differ,
            such as in pixel size; scans of one DICOM PatientID are in both training and validation.

    Raises:
        ValueError: An argument is out of its range; there is no scan; a scan is in both domains; or
            the patients do not allow the split.
        VolumeError: A scan cannot be read or prepared, or has images of another shape.

    Warns:
        VolumeWarning: Scans are left out (`unreadable="warn"`).
        SyntheticWarning: Scans are marked as synthetic; one warning for all.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> rng = np.random.default_rng(0)
        >>> def scan(name):
        ...     return Volume(rng.uniform(0, 99, (16, 16, 6)), np.eye(4), path=name)
        >>> t1 = [scan(f"sub-{number:02d}_T1w.nii.gz") for number in range(5)]
        >>> t2 = [scan(f"sub-{number:02d}_T2w.nii.gz") for number in range(5)]
        >>> training, validation = kmc.data.from_volumes(
        ...     t1, t2, validation=0.2, batch_size=4, seed=0, verbose=0,
        ...     augment=kmc.data.mri_augmentation())
        >>> training.a.shape, validation.a.shape, validation.patients_b
        ((24, 16, 16, 1), (6, 16, 16, 1), ('sub-02',))
        >>> training.preprocessing.fitted, [side.shape for side in training[0]]
        (True, [(4, 16, 16, 1), (4, 16, 16, 1)])
    """
    batch_size = _checks.positive_int("batch_size", batch_size)
    _checks.one_of("shuffle", shuffle, (True, False))
    if preprocessing is not None and not isinstance(preprocessing, Preprocessing):
        way_out = "Omit it for the default."
        if isinstance(preprocessing, (int, float, list, tuple, set)):
            way_out = f"To hold out patients, pass `validation={preprocessing!r}`."
        raise ValueError(
            f"`preprocessing` must be a `Preprocessing`. Received: {preprocessing!r}. {way_out}"
        )
    memory = _checks.weight("memory", memory)
    verbose = _checks.one_of("verbose", verbose, (0, 1))
    augment = callables(augment)
    if not set(kwargs) <= OPTIONS:
        raise ValueError(
            f"`from_volumes` takes no {', '.join(sorted(set(kwargs) - OPTIONS))}. Further "
            f"arguments can be: {', '.join(sorted(OPTIONS))}."
        )
    if seed is None:
        seed = int(np.random.SeedSequence().generate_state(1)[0])
    _checks.positive_int("seed", seed, minimum=0)

    reading = reading_options(fill_nan, slice_tolerance)
    _checks.one_of("unreadable", unreadable, ("error", "warn"))
    a, b = (
        scan_list("a", a, unreadable, slice_tolerance),
        scan_list("b", b, unreadable, slice_tolerance),
    )
    by_name = isinstance(validation, (list, tuple, set))
    if by_name or _checks.fraction("validation", validation):
        parts = list(split_by_patient(a, b, validation, patient, seed))
    else:
        check_apart(a, b)
        parts = [(a, b)]
    if preprocessing is None:
        preprocessing = Preprocessing()
    if not {"a", "b"} <= set(preprocessing.domains):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntheticWarning)  # one warning for all scans below
            preprocessing.fit(*parts[0], verbose=verbose, **reading)
    else:
        preprocessing.learn_spacing({})  # compares the known spacings of both domains

    datasets = []
    synthetic: list[str] = []
    for name, sides in zip(("Training", "Validation"), parts, strict=False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntheticWarning)
            images_a, images_b = (
                VolumeImages(
                    scans,
                    preprocessing,
                    domain,
                    memory=memory * len(scans) / (len(a) + len(b)),
                    cache=cache,
                    verbose=verbose,
                    **reading,
                )
                for domain, scans in zip("ab", sides, strict=True)
            )
        synthetic += [*images_a.synthetic, *images_b.synthetic]
        training = name == "Training"
        if training:  # for scans that `fit` did not read
            known = preprocessing.spacing
            sizes = {images.domain: images.sizes for images in (images_a, images_b)}
            if not set(sizes) <= set(known):
                preprocessing.learn_spacing({d: s for d, s in sizes.items() if d not in known})
        dataset = UnpairedDataset(
            images_a,
            images_b,
            batch_size if training else min(batch_size, max(len(images_a), len(images_b))),
            shuffle=shuffle and training,
            seed=seed,
            augment=augment if training else None,
            **kwargs,
        )
        dataset.preprocessing = preprocessing
        owners = [known_patients(scans, patient) for scans in sides]
        if patient is not None:  # `VolumeImages` itself applies the default rule
            images_a.patients, images_b.patients = owners
        dataset.patients_a, dataset.patients_b = (
            tuple(sorted({owner for owner in of_side if owner is not None})) for of_side in owners
        )
        if verbose:
            unknown = [
                [scan for scan, owner in zip(scans, of_side, strict=True) if owner is None]
                for scans, of_side in zip(sides, owners, strict=True)
            ]
            print(_summary(name, dataset, unknown))
        datasets.append(dataset)
    warn_of(synthetic)
    return (datasets[0], datasets[1]) if len(datasets) == 2 else datasets[0]


def _summary(name: str, dataset: UnpairedDataset, unknown: list[list[Scan]]) -> str:
    lines = []
    for side, images, patients, of_side in (
        ("A", dataset.a, dataset.patients_a, unknown[0]),
        ("B", dataset.b, dataset.patients_b, unknown[1]),
    ):
        known = f"{len(images.counts) - len(of_side)} scans of {len(patients)} patients"
        others = f" and {_listed(of_side)}" if of_side else ""
        size = " x ".join(map(str, images.shape[1:]))
        lines.append(f"{name} {side}: {known}{others}, {len(images)} images of {size}")
    in_a, in_b = (set(map(spelling, who)) for who in (dataset.patients_a, dataset.patients_b))
    in_both = len(in_a & in_b)
    lines.append(f"{name}: {in_both} patients are in both")
    if any(unknown):
        lines[-1] += ", without the unknown ones (`patient=` says whose a scan is)"
    return "\n".join(lines)


def _listed(scans: list[Scan]) -> str:
    paths = [scan.path if isinstance(scan, Volume) else scan for scan in scans]
    names = [os.path.basename(path.rstrip("/\\")) if path else "in memory" for path in paths]
    more = ", ..." if len(names) > SHOWN else ""
    return f"{len(scans)} of unknown patients ({', '.join(names[:SHOWN])}{more})"
