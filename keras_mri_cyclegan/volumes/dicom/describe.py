"""Attributes that identify a derived file: derivation, source, equipment and time."""

import datetime
from typing import Any

from keras_mri_cyclegan.volumes.errors import VolumeError

SOURCE_IMAGE = ("121322", "DCM", "Source image for image processing operation")
SYNTHESIZING = ("109100", "DCM", "Synthesizing Equipment")
ACQUISITION = ("109101", "DCM", "Acquisition Equipment")
# Attributes of the equipment; those of the acquiring scanner are kept.
EQUIPMENT = (
    "Manufacturer",
    "InstitutionName",
    "InstitutionAddress",
    "StationName",
    "InstitutionalDepartmentName",
    "ManufacturerModelName",
    "DeviceSerialNumber",
    "SoftwareVersions",
)
PACKAGE = "keras_mri_cyclegan"
LABEL, TEXT = 64, 1024  # the most characters of LO and ST


def code(value: tuple[str, str, str]) -> Any:
    """Return a code sequence with one `(value, scheme, meaning)`."""
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value
    return [item]


def source_image(source: Any, frame: int | None = None) -> Any:
    """Return an item that refers to the image (or to its frame, from 1) that was translated."""
    from pydicom import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = source.SOPClassUID
    item.ReferencedSOPInstanceUID = source.SOPInstanceUID
    if frame is not None:
        item.ReferencedFrameNumber = frame
    item.PurposeOfReferenceCodeSequence = code(SOURCE_IMAGE)
    return item


def now_of(source: Any) -> datetime.datetime:
    """Return the current time in the source's time zone, or in the local one."""
    offset = str(source.get("TimezoneOffsetFromUTC") or "").strip()
    try:
        zone = datetime.datetime.strptime(offset, "%z").tzinfo if offset else None
    except ValueError:
        zone = None
    return datetime.datetime.now(zone)


def identify(dataset: Any, series: str, now: datetime.datetime) -> None:
    """Set new identifiers and the current time, for a new series of the same study."""
    from pydicom.uid import generate_uid

    date, time = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    dataset.SOPInstanceUID = generate_uid(prefix=None)
    dataset.SeriesInstanceUID = series
    # Viewers sort series by number: adding 1000 puts this series after all of the scanner's.
    number = min(_number_of(dataset) + 1000, 2**31 - 1)
    dataset.add_new("SeriesNumber", "IS", number)  # whatever kind it was
    for kind in ("InstanceCreation", "Series", "Content"):
        setattr(dataset, f"{kind}Date", date)
        setattr(dataset, f"{kind}Time", time)


def _number_of(dataset: Any) -> int:
    """Return the source's SeriesNumber, or 0 if absent or text (as anonymisers leave)."""
    try:
        return max(int(float(str(dataset.get("SeriesNumber") or 0))), 0)
    except (ValueError, OverflowError):
        return 0


def series_description(path: str, source: Any, provenance: dict | None) -> str:
    """Return the new SeriesDescription: the provenance's, or the source's with a suffix.

    Raises:
        VolumeError: A name given that is too long.
    """
    given = str((provenance or {}).get("SeriesDescription") or "")
    if len(given) > LABEL or "\\" in given:
        raise VolumeError(
            path,
            f"a SeriesDescription of {given!r}. Expected at most {LABEL} characters, none of them "
            "a backslash.",
        )
    suffix = " derived" if provenance is None else " synthetic"
    name = str(source.get("SeriesDescription") or "").replace("\\", "/")
    return given or (name[: LABEL - len(suffix)] + suffix).strip()


def sentence(provenance: dict) -> str:
    """Return the DerivationDescription: the operation, the warning, the model and the file.

    At most 1024 characters, which the standard allows; a longer text ends in "...".
    """
    model, made_by = provenance.get("Model") or {}, provenance.get("GeneratedBy") or {}
    parts = [
        provenance.get("Warning"),
        provenance.get("Description"),
        _joined("By", made_by.get("Name"), made_by.get("Version")),
        _joined("Model", model.get("Name"), _joined("direction", model.get("Direction"))),
        _joined("Model SHA-256", model.get("SHA256")),
        _joined("Source SHA-256", (provenance.get("Source") or {}).get("SHA256")),
    ]
    text = " ".join(f"{str(part).rstrip('. ')}." for part in parts if part).replace("\\", "/")
    return text if len(text) <= TEXT else text[: TEXT - 3] + "..."


def _joined(name: str, *values: Any) -> str:
    found = [str(value) for value in values if value]
    return " ".join([name, *found]) if found else ""


def mark_synthetic(dataset: Any, source: Any, provenance: dict, now: datetime.datetime) -> None:
    """Mark a dataset as synthetic, with the software and the acquiring equipment."""
    from pydicom import Dataset

    dataset.SyntheticData = "YES"
    dataset.DerivationDescription = sentence(provenance)
    dataset.ImageComments = str(provenance.get("Warning") or "Synthetic, not for diagnosis.")
    contributing = list(source.get("ContributingEquipmentSequence") or [])
    acquisition = Dataset()
    for keyword in EQUIPMENT:
        if source.get(keyword):
            acquisition[keyword] = source[keyword]
    known = {
        str(purpose.get("CodeValue"))
        for item in contributing
        for purpose in item.get("PurposeOfReferenceCodeSequence") or []
    }
    if "Manufacturer" in acquisition and ACQUISITION[0] not in known:
        acquisition.PurposeOfReferenceCodeSequence = code(ACQUISITION)
        contributing.append(acquisition)
    for keyword in EQUIPMENT:
        if keyword in dataset and not keyword.startswith("Institution"):
            del dataset[keyword]
    made_by, model = provenance.get("GeneratedBy") or {}, provenance.get("Model") or {}
    synthesizing = Dataset()
    for item in (dataset, synthesizing):
        item.Manufacturer = str(made_by.get("Name") or PACKAGE)[:LABEL]
        item.ManufacturerModelName = str(model.get("Name") or "CycleGAN")[:LABEL]
        item.DeviceSerialNumber = str(model.get("SHA256") or "unknown")[:LABEL]
        item.SoftwareVersions = str(made_by.get("Version") or "unknown")[:LABEL]
    synthesizing.PurposeOfReferenceCodeSequence = code(SYNTHESIZING)
    synthesizing.ContributionDateTime = now.strftime("%Y%m%d%H%M%S%z")
    synthesizing.ContributionDescription = dataset.DerivationDescription
    dataset.ContributingEquipmentSequence = [*contributing, synthesizing]
