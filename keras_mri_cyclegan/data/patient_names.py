"""Patient of a scan, from the name of its file or folder."""

import re

RULE = (
    "`sub-...` in the path or what public data sets call a patient, otherwise the file's or "
    "folder's name up to the first space, `_`, `-`, `.`; where that is a visit, a date, a "
    "number or a short code, or has no number, the `p03` after it or the folder `p03`; unless it "
    "is a word for a visit or a contrast"
)
# Patient names in paths: first BIDS, then data sets whose names continue with the visit.
KNOWN = [
    r"(?:^|_)(sub-[A-Za-z0-9]+)",
    r"(?<!\d)(\d{3}_S_\d{4,5})(?!\d)",  # ADNI
    r"(OAS[12]_\d{4})(?!\d)",  # OASIS
    r"(BraTS-[A-Za-z]+-\d{5})",
    r"(BraTS1\d_[A-Za-z0-9]+_[A-Za-z0-9]+)_\d+(?!\d)",
    r"(BraTS\d{2,4}_(?:Training_|Validation_)?\d{3,5})(?!\d)",
    r"(UCSF-PDGM-\d{3,5})",
    r"(UPENN-GBM-\d{5})",
    r"(TCGA-[A-Z0-9]{2}-[A-Z0-9]{4})(?![A-Za-z0-9])",
    r"(miriad_\d{3})(?!\d)",
]
# First parts of a name that are not a patient: a visit, `ses1_p07`, or a contrast, `T1_001`.
VISIT = re.compile(
    r"(ses|session|visit|timepoint|tp|time|day|week|month|year|wave|exam|scan|run|series)\d*|"
    r"baseline|followup|bl|fu",
    re.I,
)
CONTRAST = re.compile(r"(image|img|slice|brain|head|mri?|t1w?|t2w?|pdw?|flair)\d*", re.I)
TIME = re.compile(r"(t|m|mo|d|w|wk|y|yr|rep|repeat|retest)\d{1,2}", re.I)  # after which time
SIDE = re.compile(r"pre|post|left|right|[lr]h?|ax|axial|sag|sagittal|cor|coronal", re.I)
DATE = re.compile(r"(19|20)\d\d(0[1-9]|1[0-2])(0[0-9]|[12]\d|3[01])(\d{4}|\d{6})?")
V = re.compile(r"v\d{1,2}", re.I)  # a visit or a volunteer, depending on the next part
NUMBER = re.compile(r"\d{1,4}")  # of a patient, or of a series below a folder of the patient
PERSON = re.compile(r"(p|pt|pat|patient|subj?|subject|case|id)[-_ ]?\d+", re.I)
# A token that may be the acceleration of a sequence, `smith_t1_mprage_sag_p2`.
ACCELERATION = re.compile(r"p[2-4]", re.I)
DASHES = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.](0[1-9]|1[0-2])[-_.](0[1-9]|[12]\d|3[01])(?!\d)")
SEPARATORS = re.compile(r"[_.\-\s]")
ANCESTORS = 2  # parent folders that may have the patient's name


def patient_from_path(path: str, acceleration: bool = True) -> str | None:
    """Return the patient of a scan from its path, or `None` if the path does not tell.

    Args:
        path: The path.
        acceleration: Whether a `p2` after the first part may be a sequence's acceleration, as if
            all files have the same `p2`. Defaults to `True`.

    Example:
        >>> from keras_mri_cyclegan.data.patient_names import patient_from_path
        >>> patient_from_path("study/sub-07/anat/sub-07_ses-2_T1w.nii.gz")
        'sub-07'
        >>> patient_from_path("t1/IXI002-Guys-0828-T1.nii.gz"), patient_from_path("P3.h5::t1")
        ('IXI002', 'P3')
        >>> patient_from_path("v2_p07_T1.nii.gz"), patient_from_path("p07/0003")
        ('p07', 'p07')
        >>> patient_from_path("A1_p07.nii"), patient_from_path("smith_p2.nii", acceleration=False)
        ('p07', 'p2')
        >>> patient_from_path("07/T1.nii.gz") is None
        True
    """
    parts = _parts(path)
    for pattern in KNOWN:
        for part in reversed(parts):
            if found := re.findall(pattern, part, re.I):
                return found[-1]
    name = parts[-1] if parts else path
    first, *others = SEPARATORS.split(DASHES.sub(r"\1\2\3", name))
    second = others[0] if others else ""
    dated = DATE.fullmatch(first) is not None
    nobody = VISIT.fullmatch(first) or CONTRAST.fullmatch(first) or dated
    when = V.fullmatch(first) or TIME.fullmatch(first) or SIDE.fullmatch(first)
    if (dated or when) and PERSON.fullmatch(second):
        return second
    if not re.search(r"\d", first) or not (nobody or when or _is_code(first)):
        for place, other in enumerate(others):
            sequence = ACCELERATION.fullmatch(other) and (acceleration or place)
            if PERSON.fullmatch(other) and not sequence:
                return other
    if nobody or when or NUMBER.fullmatch(first) or not re.search(r"\d", first):
        for folder in parts[-2 : -2 - ANCESTORS : -1]:
            if PERSON.fullmatch(folder):
                return folder
    if nobody or (V.fullmatch(first) and re.fullmatch(r"\d+", second)):
        return None
    return first or name


def second_part(path: str) -> str:
    """Return the second part of a scan's name, or an empty string."""
    _, *others = SEPARATORS.split((_parts(path) or [path])[-1])
    return others[0] if others else ""


def _is_code(name: str) -> bool:
    """Whether a name with digits may be a patient: `p7`, `IXI002`; but not `A1`, `3T`."""
    return bool(
        PERSON.fullmatch(name) or (re.search(r"\d{3}", name) and not NUMBER.fullmatch(name))
    )


def spelling(patient: str) -> str:
    """Return a patient's name normalised for comparison: lower case, no leading zeros.

    Example:
        >>> from keras_mri_cyclegan.data.patient_names import spelling
        >>> spelling("Sub-01") == spelling("sub-1"), spelling("p10") == spelling("p1")
        (True, False)
    """
    return re.sub(r"(?<!\d)0+(?=\d)", "", patient.casefold())


def numbered_below(path: str) -> str | None:
    """Return the folder of a scan whose patient is only a number, or `None` for other scans."""
    parts = _parts(path)
    if len(parts) < 2 or not NUMBER.fullmatch(patient_from_path(path) or ""):
        return None
    folder = parts[-2]
    mixed = re.search(r"\d", folder) and re.search(r"[A-Za-z]", folder)
    first, *others = SEPARATORS.split(folder)
    nobody = VISIT.fullmatch(first) or any(map(CONTRAST.fullmatch, [first, *others]))
    return folder if mixed and not nobody else None


def _parts(path: str) -> list[str]:
    return [part for part in re.split(r"[\\/]", path.partition("::")[0]) if part]
