"""Header and voxel bytes of a NIfTI file to write."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes import nifti_scaling
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.nifti_header import Content
from keras_mri_cyclegan.volumes.packing import write_packed
from keras_mri_cyclegan.volumes.synthetic import DESCRIPTION
from keras_mri_cyclegan.volumes.volume import Volume

SCANNER, ALIGNED = 1, 2  # xform codes of nifti1.h
NO_TEXT = ("magic", "regular")  # letters of the format, not words


@dataclasses.dataclass(frozen=True, eq=False)
class Plan:
    """The bytes before the voxels, and the storage of a voxel."""

    head: bytes
    array: np.ndarray
    dtype: np.dtype
    slope: float
    inter: float

    def voxels(self) -> Iterator[bytes]:
        """Yield the bytes of the voxels, a few MiB at a time."""
        for slab in nifti_scaling.slabs(self.array):
            if self.dtype.kind != "f":
                slab = np.rint((slab.astype("float64") - self.inter) / self.slope)
            yield slab.astype(self.dtype).tobytes(order="F")


def plan(volume: Volume, path: str, single: bool, provenance: dict[str, Any] | None) -> Plan:
    """Return the plan for a volume in one file (`single`) or in two; see `nifti.write`."""
    header, extensions = _source(volume)
    if max(volume.shape) > np.iinfo(header["dim"].dtype).max:
        header = _as_nifti2(header)
    content = volume.header.content if volume.header is not None else None
    if isinstance(content, Content) and volume.header is not None:
        old_shape = volume.header.shape
        _set_shape(header, volume.shape, old_shape)
        moved = not _same_affine(header.get_best_affine(), volume.affine)
        if moved:
            _set_affine(header, volume.affine)
        if moved or (*old_shape, 1)[:3] != volume.shape:
            for field in ("dim_info", "slice_code", "slice_start", "slice_end", "slice_duration"):
                header[field] = 0  # they number the axes and slices of the old grid
        _set_dtype(header, volume.header.dtype, path)
    else:
        _set_shape(header, volume.shape, volume.shape)
        header["sform_code"], header["qform_code"] = SCANNER, SCANNER
        _set_affine(header, volume.affine, fresh=True)
        header.set_xyzt_units("mm")
        _set_fresh_dtype(header, volume)
    slope, inter = nifti_scaling.set_scaling(header, volume, path)
    if provenance is not None:
        header["cal_min"], header["cal_max"] = 0, 0
        for field in header:
            if header[field].dtype.kind == "S" and field not in NO_TEXT:
                header[field] = b""
        header["descrip"] = _description(provenance)
        extensions = b""  # comments, DICOM attributes, protocols: all of the source
    head = _head(header, extensions, single)
    return Plan(head, volume.array, header.get_data_dtype(), slope, inter)


def write_parts(name: str, parts: Iterable[bytes]) -> None:
    """Write bytes to an existing file, compressed if its name ends in `.gz`."""
    with open(name, "wb") as plain:
        if name.lower().endswith(".gz"):
            write_packed(plain, parts)
        else:
            plain.writelines(parts)


def _source(volume: Volume) -> tuple[Any, bytes]:
    """Return the extensions and a copy of the volume's source header, or a new header."""
    from nibabel.nifti1 import Nifti1Header

    content = volume.header.content if volume.header is not None else None
    if not isinstance(content, Content):
        return Nifti1Header(), b""
    return content.header.copy(), content.extensions


def _as_nifti2(header: Any) -> Any:
    from nibabel.nifti2 import Nifti2Header

    # In the old byte order, which the extensions are in.
    longer = Nifti2Header.from_header(header, check=False).as_byteswapped(header.endianness)
    longer["sizeof_hdr"] = Nifti2Header.sizeof_hdr  # it was copied too
    return longer


def _set_shape(header: Any, shape: tuple[int, ...], source_shape: tuple[int, ...]) -> None:
    if (*source_shape, 1)[:3] == shape and header["dim"][0] == len(source_shape):
        return
    if len(source_shape) == 2 and shape[2] == 1:
        shape = shape[:2]
    shape += (1,) * (len(source_shape) - 3)
    # Not `set_data_shape`: it stores some shapes as FreeSurfer's surfaces.
    header["dim"] = [len(shape), *shape, *[1] * (7 - len(shape))]


def _same_affine(old: np.ndarray, new: np.ndarray) -> bool:
    # Float32's rounding of an origin some 100 mm away, not a shift that anybody could mean.
    return np.allclose(old, new, rtol=1e-6, atol=1e-6 * np.linalg.norm(new[:3, :3], axis=0).min())


def _set_affine(header: Any, affine: np.ndarray, fresh: bool = False) -> None:
    old = header.get_best_affine()
    sform, qform = int(header["sform_code"]), int(header["qform_code"])
    rotated = affine
    if sform and qform and not fresh:
        # The two may lead to different spaces (scanner and template): move the voxels in both.
        try:
            rotated = header.get_qform() @ np.linalg.inv(old) @ affine
        except ValueError:  # not a rotation
            qform = 0
    if not sform and not qform:
        sform = ALIGNED  # the place was a guess before; now it is at least relative to that
    header["qform_code"] = qform
    if qform:
        header.set_qform(rotated, qform)
        size = np.linalg.norm(rotated[:3, :3], axis=0).min()
        if not np.allclose(header.get_qform(), rotated, rtol=1e-5, atol=1e-4 * size):
            header["qform_code"] = 0  # sheared
            sform = sform or qform
    if not header["qform_code"]:  # otherwise they are the qform's
        header["pixdim"][1:4] = np.linalg.norm(affine[:3, :3], axis=0)
    if sform:
        header.set_sform(affine, sform)


def _set_dtype(header: Any, dtype: np.dtype, path: str) -> None:
    from nibabel.spatialimages import HeaderDataError

    try:
        header.set_data_dtype(dtype)
    except HeaderDataError as error:
        raise VolumeError(
            path,
            f"{error}. Expected a type that NIfTI has: `dataclasses.replace(volume.header, "
            "dtype=np.dtype('float32'))`.",
        ) from error


def _set_fresh_dtype(header: Any, volume: Volume) -> None:
    from nibabel.spatialimages import HeaderDataError

    header.set_data_dtype("float32")
    dtype = volume.header.dtype if volume.header is not None else np.dtype("float32")
    if dtype.kind in "iu" and nifti_scaling.serves(volume.array, dtype, 1.0, 0.0):
        try:
            header.set_data_dtype(dtype.newbyteorder("="))
        except HeaderDataError:
            return  # no such type in NIfTI: float32


def _description(provenance: dict[str, Any]) -> bytes:
    by = provenance.get("GeneratedBy")
    version = by.get("Version", "") if isinstance(by, dict) else ""
    text = f"{DESCRIPTION}; keras_mri_cyclegan {version}".strip()
    return text.encode("ascii", "replace")[:79]


def _head(header: Any, extensions: bytes, single: bool) -> bytes:
    header["magic"] = header.single_magic if single else header.pair_magic
    if not single:
        header["vox_offset"] = 0
        return header.binaryblock + extensions
    flagged = extensions or b"\0\0\0\0"
    offset = header.sizeof_hdr + len(flagged)
    padding = -offset % 16  # as SPM needs it
    header["vox_offset"] = offset + padding
    return header.binaryblock + flagged + b"\0" * padding
