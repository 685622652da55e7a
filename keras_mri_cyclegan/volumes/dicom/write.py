"""Writing of a volume as a derived DICOM series of its source study."""

import io
import os
import warnings
from typing import Any

import numpy as np

from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.volumes import atomic
from keras_mri_cyclegan.volumes.dicom import classic, describe, multiframe
from keras_mri_cyclegan.volumes.dicom.opening import guarded
from keras_mri_cyclegan.volumes.dicom.replacing import check_one_file, check_replaceable
from keras_mri_cyclegan.volumes.dicom.rescale import Stored, stored
from keras_mri_cyclegan.volumes.dicom.source import DicomSource
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.volume import SourceHeader, Volume


def write(
    volume: Volume, path: str, provenance: dict | None = None, overwrite: bool = False
) -> None:
    r"""Write a volume on the grid of the DICOM series that it was read from.

    A series of single images becomes such a series, in a folder of files `IM0001.dcm`, ... in
    the order of the slices; an enhanced file becomes one. Patient, study, frame of reference and
    geometry are the source's; instances and series are new, the SeriesNumber a thousand on. Every
    image says `DERIVED\SECONDARY` (an enhanced one `DERIVED\PRIMARY`, as the standard has it) and
    refers to its source. Private attributes, overlays, thumbnails, signatures, padding values and
    tables are removed, windows and extreme values computed anew. The pixels are uncompressed
    integers; see `rescale.stored` for their slope and intercept.

    With `provenance` an image also has SyntheticData YES, DerivationDescription, the
    contributing equipment (109100 Synthesizing, 109101 Acquisition) and, as its Manufacturer, this
    package; how the source was acquired (TR, TE, flip angle, sequence, ...) is removed.

    Args:
        volume: A volume with the header, shape and affine of a volume from `read`.
        path: The folder to write. A volume of one file (a single slice, an enhanced source) may
            also be written to a file, if `path` ends in `.dcm` or `.ima`.
        provenance: How the volume was generated, as for `write_volume`. Defaults to
            `None`: an ordinary copy.
        overwrite: Whether to replace a non-empty folder at `path`. It is only replaced if every
            file has SyntheticData YES: never an acquired series, nor a copy that was written
            without `provenance`. Defaults to `False`.

    Raises:
        VolumeError: The volume is not from DICOM or has another grid than its source, the source
            lacks identifiers that a derived image refers to, `path` is one file for a series of
            several, or `path` cannot be written. No partly written files are left.
        ImportError: pydicom is not installed.

    Example:
        >>> import os, tempfile
        >>> from pydicom import dcmread
        >>> from pydicom.data import get_testdata_file
        >>> from keras_mri_cyclegan.volumes import dicom
        >>> volume = dicom.read(get_testdata_file("MR_small.dcm"), max_voxels=2**28)
        >>> path = os.path.join(tempfile.mkdtemp(), "t2")
        >>> dicom.write(volume, path, {"Description": "T1 to T2 by a CycleGAN."})
        >>> written = dcmread(os.path.join(path, "IM0001.dcm"))
        >>> written.SyntheticData, written.DerivationDescription, written.PatientID
        ('YES', 'T1 to T2 by a CycleGAN.', '4MR1')
    """
    require("pydicom", extra="dicom")
    header = _checked_header(volume, path)
    if overwrite:
        check_replaceable(path)
    source: DicomSource = header.content
    datasets = _derived(volume.array, header, path, provenance)
    one_file = os.fspath(path).lower().endswith((".dcm", ".ima"))
    if one_file:
        check_one_file(path, source)
        with atomic.replacing(path) as temporary:
            _save(path, next(datasets), temporary)
        return
    with atomic.replacing_folder(path, overwrite=overwrite) as folder:
        for number, dataset in enumerate(datasets, 1):
            _save(path, dataset, os.path.join(folder, f"IM{number:04d}.dcm"))


def check_derivable(path: str, header: SourceHeader, synthetic: bool) -> None:
    """Raise a `VolumeError` if an image of a series cannot be derived, whatever its pixels.

    Every file is created in memory, with one pixel per image, and discarded.

    Args:
        path: The path to write to, for the message.
        header: The source's, from DICOM.
        synthetic: Whether it is to be written with provenance.
    """
    require("pydicom", extra="dicom")
    _check_identifiers(header.content)
    tiny = np.zeros((1, 1, len(header.content.frames)), "float32")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # `write` gives the warnings
        for dataset in _derived(tiny, header, path, {} if synthetic else None):
            _save(path, dataset, io.BytesIO())


def _checked_header(volume: Volume, path: str) -> SourceHeader:
    header = volume.header
    if header is None or header.kind != "dicom" or not isinstance(header.content, DicomSource):
        raise VolumeError(
            path,
            f"a volume from {header.kind if header else 'no file'}. Expected one that was read "
            "from DICOM: a DICOM file needs a patient and a study. Translate the DICOM series, or "
            "write NIfTI (`.nii.gz`).",
        )
    source = header.content
    expected = header.shape[::-1]
    # A hundredth of a voxel, anywhere in the volume.
    corner = np.abs(volume.affine - source.affine)[:3] @ np.array([*expected, 1.0])
    if volume.shape != expected or corner.max() > 0.01 * min(volume.spacing):
        raise VolumeError(
            path,
            f"a volume of shape {volume.shape}, and its source's is {expected}, or elsewhere in "
            "space. Expected the source's grid: `preprocessing.restore` brings it back, or write "
            "NIfTI.",
        )
    _check_identifiers(source)
    return header


def _check_identifiers(source: DicomSource) -> None:
    for frame in source.frames:
        dataset, name = source.datasets[frame.file], frame.path
        with guarded(name, "reading its identifiers"):
            missing = [
                keyword
                for keyword in ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID")
                if not dataset.get(keyword)
            ]
        if missing:
            raise VolumeError(
                name,
                f"no {', no '.join(missing)}. Expected them: a derived image refers to its source "
                "and belongs to its study. Write NIfTI instead.",
            )


def _derived(array: np.ndarray, header: SourceHeader, path: str, provenance: dict | None) -> Any:
    from pydicom.uid import generate_uid

    source: DicomSource = header.content
    encoded = stored(
        path,
        array,
        source.dtype,  # integers, with a new slope if the values are others now
        [frame.slope for frame in source.frames],
        [frame.intercept for frame in source.frames],
    )
    first = source.datasets[source.frames[0].file]
    with guarded(source.frames[0].path, "deriving a series"):
        arguments: dict[str, Any] = {
            "stored": encoded,
            "bits": _bits(encoded, source.bits),
            "window": _window(array),
            "series": generate_uid(prefix=None),
            "description": describe.series_description(path, first, provenance),
            "provenance": provenance,
            "now": describe.now_of(first),
        }
    if source.multiframe:
        with guarded(source.frames[0].path, "deriving an image"):
            yield multiframe.derived(first, source.frames, **arguments)
        return
    for index, frame in enumerate(source.frames):
        with guarded(frame.path, "deriving an image"):
            dataset = classic.derived(source.datasets[frame.file], index, **arguments)
        yield dataset


def _bits(encoded: Stored, source_bits: int) -> int:
    """Return the source's BitsStored if the integers fit, else all bits of their type."""
    signed = encoded.array.dtype.kind == "i"
    low = -(2 ** (source_bits - 1)) if signed else 0
    high = 2 ** (source_bits - signed) - 1
    fits = encoded.array.min() >= low and encoded.array.max() <= high
    return source_bits if encoded.kept and fits else 8 * encoded.array.dtype.itemsize


def _window(array: np.ndarray) -> tuple[float, float]:
    """Return centre and width of the intensity range of all but a few outliers."""
    low, high = (float(value) for value in np.percentile(array, (0.5, 99.5)))
    if low == high:
        low, high = float(array.min()), float(array.max())
    return (low + high) / 2, (high - low) or 1.0


def _save(path: str, dataset: Any, file: str | io.BytesIO) -> None:
    import pydicom

    meta = pydicom.dataset.FileMetaDataset()
    meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    dataset.file_meta = meta
    try:
        _allow_all_letters(dataset)
        dataset.save_as(file, enforce_file_format=True)
    except Exception as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk: `atomic` says what and why; pydicom's own have no number
        raise VolumeError(
            path,
            f"an attribute of the source cannot be written ({type(error).__name__}: "
            f"{str(error)[:300]}). Mend it in the source with pydicom, or write NIfTI.",
        ) from error


def _allow_all_letters(dataset: Any) -> None:
    # New text may need letters that the source's character set, often none, does not have.
    new = [
        dataset.get(keyword)
        for keyword in (
            "SeriesDescription",
            "DerivationDescription",
            "ImageComments",
            "Manufacturer",
            "ManufacturerModelName",
            "SoftwareVersions",
        )
    ]
    if not all(str(text or "").isascii() for text in new):
        dataset.decode()
        dataset.SpecificCharacterSet = "ISO_IR 192"
