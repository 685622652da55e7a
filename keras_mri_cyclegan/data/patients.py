"""Patients of scans, and the split into training and validation by patient."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import ScanWarning
from keras_mri_cyclegan.data._scans import Scan, identity, scan_list, scan_name
from keras_mri_cyclegan.data.patient_names import (
    PERSON,
    RULE,
    numbered_below,
    patient_from_path,
    second_part,
    spelling,
)
from keras_mri_cyclegan.volumes import Volume, dicom

Patient = Callable[[Any], Any]
Split = tuple[list[Scan], list[Scan]]


def split_by_patient(
    a: Any,
    b: Any,
    validation: float | Sequence[str] = 0.2,
    patient: Patient | None = None,
    seed: int | None = None,
) -> tuple[Split, Split]:
    """Split the scans of two domains into training and validation, patient by patient.

    Slices of one head resemble each other, and so do its T1 and its T2: a validation score of a
    patient in the training data would be too good. Therefore all scans of a patient, in both
    domains, are either in training or in validation. The same share is drawn from the patients only
    in A, only in B and in both, as far as their numbers allow; each of the four lists has at least
    one scan.

    Args:
        a: Scans of the first domain: a folder, a glob, or a list of paths and volumes (`Volume`).
        b: Scans of the second domain.
        validation: Share of the patients to hold out, in `(0, 1)`, or a list of their names.
            Defaults to 0.2.
        patient: Callable that takes an element of the list (a path or a `Volume`) and returns its
            patient, a string or a number. Defaults to `None`: `sub-...` in the path (BIDS) or the
            patient names of ADNI, BraTS, OASIS, TCGA and others, otherwise the file's or folder's
            name up to the first space, `_`, `-` or `.`. If that part is a visit, a date, a
            contrast, a number, a word without a number or a short code (`A1_p07`), the `p07` that
            follows (`v2_p07`) or that is the folder's name (`p07/0003`); a `p2` after it may be an
            acceleration if all files have the same. If a name has only a visit, a date or a
            contrast, `patient` is required. `p07`, `P07` and `p7` are one patient.
        seed: Integer of at least 0. The split depends only on the seed and the patients, not on the
            order of the scans. Defaults to `None`: another split each time.

    Returns:
        `((a, b), (a_validation, b_validation))`: lists of scans, each in the given order.

    Warns:
        ScanWarning: DICOM scans of one PatientID belong, by their names or by `patient`, to several
            patients, and are in both training and validation.

    Raises:
        ValueError: A domain has only one patient; a scan has no patient; a scan is in both domains;
            or an argument is out of its range.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.data import split_by_patient
        >>> t1 = [f"ixi/IXI{number:03d}-T1.nii.gz" for number in range(10)]
        >>> t2 = [f"ixi/IXI{number:03d}-T2.nii.gz" for number in range(10)]
        >>> training, (t1_held_out, t2_held_out) = split_by_patient(t1, t2, 0.2, seed=0)
        >>> len(training[0]), len(training[1]), t1_held_out
        (8, 8, ['ixi/IXI004-T1.nii.gz', 'ixi/IXI006-T1.nii.gz'])
        >>> t2_held_out
        ['ixi/IXI004-T2.nii.gz', 'ixi/IXI006-T2.nii.gz']
    """
    named = _named(validation)
    if named is None and _checks.fraction("validation", validation) == 0:
        raise ValueError(f"`validation` must be above 0 and below 1. Received: {validation!r}.")
    if seed is not None:
        _checks.positive_int("seed", seed, minimum=0)
    sides = (scan_list("a", a), scan_list("b", b))
    check_apart(*sides)
    owners = [patients_of(scans, patient) for scans in sides]
    if patient is None:
        owners = [_in_one_spelling(of_side, owners) for of_side in owners]
        named = named and set(_in_one_spelling(sorted(named), owners))
    for name, scans, of_side in zip("ab", sides, owners, strict=True):
        if len(set(of_side)) < 2:
            raise ValueError(
                f"`{name}` must have scans of two patients at least, one for training and one for "
                f"validation. Received: {len(scans)} scans of patient {of_side[0]!r}, such as "
                f"{scan_name(scans[0])}. If they are of several patients, pass the patient of each "
                f"scan: `patient=lambda path: ...`. The rule: {'`patient`' if patient else RULE}."
            )
    if named is None:
        share = _checks.fraction("validation", validation)
        held_out = _draw(set(owners[0]), set(owners[1]), share, np.random.default_rng(seed))
    else:
        held_out = named
        _check_named(named, owners)
    training, validating = (
        tuple(
            [scan for scan, owner in zip(scans, of_side, strict=True) if (owner in held_out) == out]
            for scans, of_side in zip(sides, owners, strict=True)
        )
        for out in (False, True)
    )
    _compare_with_headers(training, validating)
    return training, validating  # type: ignore[return-value]


def _compare_with_headers(training: Sequence[list], validating: Sequence[list]) -> None:
    """Warn of DICOM scans of one PatientID in both training and validation.

    An ID that all scans of a domain share comes from an anonymiser, and is ignored.
    """
    of_training, of_validation = (
        [[(_id_in_file(scan), scan) for scan in scans] for scans in part]
        for part in (training, validating)
    )
    together = [one + other for one, other in zip(of_training, of_validation, strict=True)]
    if all(len({found for found, _ in side} - {""}) < 2 for side in together):
        return
    trained, held_out = (
        {found: scan for side in part for found, scan in side if found}
        for part in (of_training, of_validation)
    )
    common = sorted(trained.keys() & held_out.keys())
    if common:
        _checks.warn(
            f"{scan_name(trained[common[0]])} is in the training, "
            f"{scan_name(held_out[common[0]])} in the validation, and both have the PatientID "
            f"{common[0]!r} (of {len(common)} such IDs): the scores will be better than those of "
            "new patients. If they are of one patient, pass `patient=`, a callable that takes each "
            "path or Volume and returns the scan's patient.",
            ScanWarning,
        )


def _id_in_file(scan: Scan) -> str:
    if not isinstance(scan, Volume):
        return dicom.patient_id(scan)
    header = scan.header
    if header is None or header.kind != "dicom" or header.content is None:
        return ""
    found = (dicom.text_of(one, "PatientID") for one in header.content.datasets)
    return next(filter(None, found), "")


def patients_of(scans: Sequence[Scan], patient: Patient | None) -> list[str]:
    """Return the patient of each scan, or raise a `ValueError` if one is unknown.

    Args:
        scans: Paths and volumes.
        patient: The user's rule, or `None` for the default.
    """
    owners = []
    for scan, owner in zip(scans, known_patients(scans, patient), strict=True):
        if owner is None:
            raise _unknown(scan, owner)
        owners.append(owner)
    return owners


def known_patients(scans: Sequence[Scan], patient: Patient | None) -> list[str | None]:
    """Return the patient of each scan, or `None` where the default rule cannot tell.

    Args:
        scans: Paths and volumes.
        patient: The user's rule, which must return a patient for every scan, or `None` for the
            default.
    """
    if patient is None:
        paths = [scan.path if isinstance(scan, Volume) else scan for scan in scans]
        owners = iter(_patients_from_paths([path for path in paths if path is not None]))
        return [None if path is None else next(owners) for path in paths]
    owned = [patient(scan) for scan in scans]
    for scan, owner in zip(scans, owned, strict=True):
        if owner is None or not str(owner):
            raise _unknown(scan, owner)
    return [str(owner) for owner in owned]


def _patients_from_paths(paths: Sequence[str]) -> list[str | None]:
    """Return the patient of each path, `None` where all paths together do not tell.

    A number in several folders of letters and digits, `TCIA_17/3` and `TCIA_21/3`, may be that of a
    patient or of a series. The `p2` of `smith_p2` is an acceleration if all paths have the same.
    """
    folders = {path: parent for path in paths if (parent := numbered_below(path)) is not None}
    several = len(set(folders.values())) > 1
    persons = {part for path in paths if PERSON.fullmatch(part := second_part(path))}
    return [
        None if several and path in folders else patient_from_path(path, len(persons) < 2)
        for path in paths
    ]


def _unknown(scan: Scan, owner: Any) -> ValueError:
    return ValueError(
        f"`patient` must say whose scan {scan_name(scan)} is, or patients of the training data "
        f"could be in validation. Received: {owner!r}. Pass `patient=`, a callable that takes each "
        "path or Volume and returns a string or a number."
    )


def check_apart(a: Sequence[Scan], b: Sequence[Scan]) -> None:
    """Raise a `ValueError` if a scan is in both domains."""
    in_a = {identity(scan) for scan in a}
    for scan in b:
        if identity(scan) in in_a:
            raise ValueError(
                f"`a` and `b` must not share a scan. Received in both: {scan_name(scan)}. Name the "
                "contrast in the glob, such as '**/*T1w.nii.gz' and '**/*T2w.nii.gz'."
            )


def _in_one_spelling(names: list[str], owners: list[list[str]]) -> list[str]:
    """Return names in one spelling: `P01` and `p1` become the same if both are among the owners."""
    one = {spelling(name): name for name in sorted({*owners[0], *owners[1]}, reverse=True)}
    return [one.get(spelling(name), name) for name in names]


def _named(validation: Any) -> set[str] | None:
    """Return the names of the patients to hold out, or `None` if `validation` is a share."""
    if not isinstance(validation, (list, tuple, set)):
        return None
    if not validation:
        raise ValueError("`validation` must name one patient at least. Received: an empty list.")
    return {str(name) for name in validation}


def _check_named(held_out: set[str], owners: list[list[str]]) -> None:
    unknown = held_out - set(owners[0]) - set(owners[1])
    if unknown:
        raise ValueError(
            f"`validation` names {sorted(unknown)}, of whom there is no scan. Received: scans of "
            f"{sorted(set(owners[0]) | set(owners[1]))}."
        )
    for domain, of_side in zip("ab", owners, strict=True):
        if not set(of_side) - held_out or not set(of_side) & held_out:
            raise ValueError(
                f"`validation={sorted(held_out)}` leaves no scan of `{domain}` to train on, or "
                f"none to validate on. Received: scans of {sorted(set(of_side))}."
            )


def _draw(in_a: set[str], in_b: set[str], share: float, rng: np.random.Generator) -> set[str]:
    """Return the patients to hold out, so that training and validation have both domains."""
    held_out: set[str] = set()
    for group in (in_a & in_b, in_a - in_b, in_b - in_a):
        shuffled = rng.permutation(sorted(group)).tolist()
        held_out |= set(shuffled[: round(share * len(group))])
    # Rounding may leave training or validation without patients of a domain. Then one patient is
    # moved, chosen so that the other domain keeps one. Two patients per domain suffice.
    for domain, other in ((in_a, in_b), (in_b, in_a)):
        if not domain & held_out:
            movable = [p for p in sorted(domain) if other - held_out - {p}]
            held_out.add(movable[rng.integers(len(movable))])
        elif not domain - held_out:
            movable = [p for p in sorted(domain) if (other & held_out) - {p}]
            held_out.remove(movable[rng.integers(len(movable))])
    return held_out
