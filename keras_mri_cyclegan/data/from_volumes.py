"""From two lists of scans to the data that a CycleGAN is trained on."""

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
    """Return the training data of a CycleGAN, straight from two lists of scans.

    Validation is split off by patient, over both domains together (`split_by_patient`). The
    preprocessing, unless it is fitted already, is fitted on the training scans alone, so that
    nothing of the validation leaks into it. Then each scan is read, prepared, and cut into images
    once; `cache` and `memory` say where these stay (`VolumeImages`), and how large a study may be.
    Every epoch goes through the images of all scans in a new random order (`UnpairedDataset`).

    Args:
        a: Scans of the first contrast: a folder, a glob such as `"t1/**/*.nii.gz"`, or a list of
            paths and volumes (`Volume`).
        b: Scans of the second contrast. They need not be of the same patients.
        preprocessing: `Preprocessing`. If it is not fitted for both domains, it is, in place.
            Defaults to `Preprocessing()`. Save it beside the model: `.save("preprocessing.json")`.
        validation: Share of the patients to hold out, in `[0, 1)`, or a list of their names.
            Defaults to 0.0: all are trained on.
        patient: Callable that takes a path (or `Volume`) and returns whose scan it is. Defaults
            to `None`: by the path, as `split_by_patient` says.
        batch_size: Images of each side in a batch. Defaults to 1.
        shuffle: Whether to draw a new order every epoch. Defaults to `True`.
        seed: Integer of at least 0, for the split, the order and the augmentation. Defaults to
            `None`: one is drawn, and kept in the dataset's `seed`.
        augment: A callable `(image, rng) -> image`, or a list, such as `mri_augmentation()`; for
            the training alone. It is compared with the plane of the slices: a `RandomFlip` that
            mirrors front to back is a warning. Defaults to none.
        cache: Folder for prepared images. Defaults to `None`: they are held in memory.
        memory: GiB of prepared images to hold, of all scans, without `cache`. Defaults to 2.0.
        verbose: 1 to say what was found, with progress bars; 0 to be silent. Defaults to 1.
        fill_nan: What NaN and infinite values in the scans' files become, such as 0.0 for the
            background of SPM's. Defaults to `None`: they are an error.
        slice_tolerance: As for `read_volume`, of DICOM series. Defaults to `None`.
        unreadable: What becomes of a scan that cannot be read. `"error"`: an error that names it.
            `"warn"`: it is left out, and a warning names all of them; each scan is read once more
            for this. Defaults to `"error"`.
        **kwargs: `workers`, `use_multiprocessing` and `max_queue_size` of
            `keras.utils.PyDataset`.

    Returns:
        An `UnpairedDataset`; with `validation` a tuple of two, the second without augmentation, in
        the order of the scans, with a smaller `batch_size` if it has fewer images. Their `a` and
        `b` are `VolumeImages`; they also have `preprocessing`, and the patients of the scans in
        `patients_a` and `patients_b`, as far as they are known.

    Warns:
        ScanWarning: What is assumed of the scans does not hold, such as air as the darkest, or they
            differ, such as in the size of their pixels; scans of one DICOM PatientID on both sides
            of the split.

    Raises:
        ValueError: An argument out of its range; no scan; a scan in both domains; a split that
            the patients do not allow.
        VolumeError: A scan that cannot be read or prepared, or has images of another shape.

    Warns:
        VolumeWarning: Scans that are left out (`unreadable="warn"`).
        SyntheticWarning: Scans that say that they are synthetic, in one warning.

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
        way_out = "Leave it out for the default one."
        if isinstance(preprocessing, (int, float, list, tuple, set)):
            way_out = f"For what is held out, `validation={preprocessing!r}`."
        raise ValueError(
            f"`preprocessing` must be a `Preprocessing`. Received: {preprocessing!r}. {way_out}"
        )
    memory = _checks.weight("memory", memory)
    verbose = _checks.one_of("verbose", verbose, (0, 1))
    augment = callables(augment)
    if not set(kwargs) <= OPTIONS:
        raise ValueError(
            f"`from_volumes` takes no {', '.join(sorted(set(kwargs) - OPTIONS))}. Expected of "
            f"further arguments: {', '.join(sorted(OPTIONS))}."
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
            warnings.simplefilter("ignore", SyntheticWarning)  # they are named below
            preprocessing.fit(*parts[0], verbose=verbose, **reading)
    else:
        preprocessing.learn_spacing({})  # compares what is known of both from before

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
        if training:  # of scans that `fit` had no reason to read
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
        if patient is not None:  # those of the default rule, the images know
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
