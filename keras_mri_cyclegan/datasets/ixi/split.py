"""Patients to training, validation and test, so that no patient is in two of them."""

import dataclasses
import hashlib
from typing import Any

from keras_mri_cyclegan.datasets.ixi.scans import patient_of


@dataclasses.dataclass(frozen=True, repr=False)
class Split:
    """The files of one part of the data set.

    Args:
        a: Paths of the scans in the first contrast.
        b: Paths of the scans in the second contrast. In validation and test (and in paired
            training), `a[k]` and `b[k]` are of one examination of one patient.

    Example:
        >>> from keras_mri_cyclegan.datasets.ixi import Split
        >>> Split(a=["IXI002-Guys-0828-T1.nii.gz"], b=["IXI012-HH-1211-T2.nii.gz"]).patients
        ['IXI002', 'IXI012']
    """

    a: list[str]
    b: list[str]

    @property
    def patients(self) -> list[str]:
        """The patients of `a` and `b`, sorted, each once."""
        return sorted({patient_of(path) for path in [*self.a, *self.b]})

    def __repr__(self) -> str:
        return f"Split(a=<{len(self.a)} files>, b=<{len(self.b)} files>)"


@dataclasses.dataclass(frozen=True)
class IXI:
    """What `load_ixi` returns: the files of two contrasts, split by patient.

    Args:
        contrasts: The names of the contrasts `a` and `b`.
        train: What to train on.
        validation: What to choose a model by: pairs.
        test: What to report: pairs.
        licence: Under which terms the scans may be used, and what to cite.
    """

    contrasts: tuple[str, str]
    train: Split
    validation: Split
    test: Split
    licence: str


def split_scans(
    a: dict[str, str],
    b: dict[str, str],
    validation: float,
    test: float,
    unpaired: bool,
    seed: int,
) -> tuple[Split, Split, Split]:
    """Split the scans of two contrasts by patient.

    The order of the patients comes from a hash of the seed and the patient's number rather than
    from a random generator: it is the same on every platform and in every version of NumPy, and a
    patient more or less does not shuffle the others.

    Args:
        a: Paths under examinations, from `find_scans`.
        b: The same of the other contrast.
        validation: Fraction of the patients with both contrasts, in `[0, 1)`.
        test: Fraction of the patients with both contrasts, in `[0, 1)`.
        unpaired: Whether no patient of the training is in both of its contrasts.
        seed: Seed of the split.

    Returns:
        Training, validation and test.

    Raises:
        ValueError: Too few patients.
    """
    both: dict[str, list[str]] = {}
    for scan in sorted(a.keys() & b.keys()):
        both.setdefault(patient_of(a[scan]), []).append(scan)
    patients = _shuffled(both, seed)
    n_test, n_validation = (_count(part, len(patients)) for part in (test, validation))
    training = patients[n_test + n_validation :]
    of_a = {patient_of(path) for path in a.values()} - both.keys()
    of_b = {patient_of(path) for path in b.values()} - both.keys()
    if unpaired:
        # Patients with one contrast train it; those with both make the halves equal.
        half = (len(of_a) + len(of_b) + len(training) + 1) // 2 - len(of_a)
        half = min(max(half, 0), len(training))
        of_a |= set(training[:half])
        of_b |= set(training[half:])
        train = Split(
            [path for path in a.values() if patient_of(path) in of_a],
            [path for path in b.values() if patient_of(path) in of_b],
        )
    else:
        train = _pairs(training, both, a, b)
    if not train.a or not train.b or n_test + n_validation > len(patients):
        raise ValueError(
            f"{len(patients)} patients with both contrasts, of whom `validation={validation:g}` "
            f"and `test={test:g}` ask for {n_validation + n_test}, leave {len(train.a)} and "
            f"{len(train.b)} scans to train on. Expected at least one of each: give more scans, "
            "or set `validation` or `test` to 0."
        )
    return (
        train,
        _pairs(patients[n_test : n_test + n_validation], both, a, b),
        _pairs(patients[:n_test], both, a, b),
    )


def _shuffled(patients: Any, seed: int) -> list[str]:
    return sorted(patients, key=lambda one: hashlib.sha256(f"{seed}/{one}".encode()).digest())


def _count(fraction: float, patients: int) -> int:
    return max(round(fraction * patients), 1) if fraction else 0


def _pairs(
    patients: list[str], both: dict[str, list[str]], a: dict[str, str], b: dict[str, str]
) -> Split:
    scans = [scan for patient in sorted(patients) for scan in both[patient]]
    return Split([a[scan] for scan in scans], [b[scan] for scan in scans])
