"""Validation of NIfTI headers."""

import dataclasses
from typing import IO, Any, Literal

import numpy as np

from keras_mri_cyclegan.volumes import validate
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.unpacked import read_exactly
from keras_mri_cyclegan.volumes.volume import Volume

MAX_EXTENSIONS = 2**24  # bytes; a header with DICOM fields or protocols has thousands


@dataclasses.dataclass(frozen=True, eq=False)
class Content:
    """The contents of a file besides the voxels: nibabel's `header` and the raw `extensions`."""

    header: Any
    extensions: bytes


def read_header(path: str, block: bytes, file: IO[bytes], single: bool, notes: list[str]) -> Any:
    """Return nibabel's header of a block of 348 bytes, and of what follows of it in `file`.

    Here and below, `notes` takes what the reader is to be warned of, if the file proves sound.
    """
    from nibabel.nifti1 import Nifti1Header, Nifti1PairHeader
    from nibabel.nifti2 import Nifti2Header, Nifti2PairHeader
    from nibabel.spatialimages import HeaderDataError

    expected = "Expected NIfTI-1 or NIfTI-2."
    if len(block) < 348:
        raise VolumeError(path, f"a file of {len(block)} bytes. {expected} Get the file again.")
    orders: tuple[Literal["big"], Literal["little"]] = ("big", "little")
    sizes = {int.from_bytes(block[:4], order): order for order in orders}
    classes: tuple[Any, Any]
    if 540 in sizes:
        block += read_exactly(path, file, 540 - 348, "of the header")
        order, magic, classes = sizes[540], block[4:8], (Nifti2PairHeader, Nifti2Header)
    elif 348 in sizes:
        order, magic, classes = sizes[348], block[344:348], (Nifti1PairHeader, Nifti1Header)
    else:
        raise VolumeError(path, f"not a NIfTI header (it starts {block[:4]!r}). {expected}")
    version = b"1" if classes[1] is Nifti1Header else b"2"
    if magic not in (b"ni" + version + b"\0", b"n+" + version + b"\0"):
        raise VolumeError(
            path,
            f"an Analyze 7.5 header, or a damaged one (magic {magic!r}). {expected} Analyze does "
            "not say which side is left: convert it with the program that wrote it.",
        )
    if (magic[1:2] == b"+") != single:
        raise VolumeError(
            path,
            f"a header of a {'pair' if single else 'single file'} (magic {magic!r}) in "
            f"{'a single file' if single else 'a pair'}. Expected `.nii` with n+{version.decode()}"
            f", `.hdr` and `.img` with ni{version.decode()}: rename the file.",
        )
    header = classes[single](block, "<" if order == "little" else ">", check=False)
    found = _Found()
    try:
        header.check_fix(found, error_level=40)
    except HeaderDataError as error:
        raise VolumeError(path, f"a header that cannot be used: {error}. {expected}") from error
    notes.extend(f"its header was mended: {message}." for message in found)
    return header


class _Found(list):
    """A logger that records what nibabel's header checks changed."""

    def log(self, level: int, message: str) -> None:
        # A `qfac` of 0 means 1 (nifti1.h); an offset that only SPM minds is left as it is.
        if level and "qfac" not in message and "SPM" not in message and "EOL" not in message:
            self.append(message)


def shape_of(path: str, header: Any, max_voxels: int) -> tuple[int, ...]:
    """Return the array's shape, after checking its dtype and size."""
    # Not `get_data_shape`: it reads some shapes as FreeSurfer's surfaces.
    rank = int(header["dim"][0])
    shape = tuple(int(size) for size in header["dim"][1:8])[: max(rank, 0)]
    if not 1 <= rank <= 7 or any(size <= 0 for size in shape):
        raise VolumeError(
            path,
            f"a header that claims {rank} axes of sizes {shape}. Expected 2 or 3 axes of at least "
            "one voxel: the file is empty or damaged.",
        )
    if rank == 1:
        raise VolumeError(path, f"one axis, of {shape[0]}. Expected a slice or a volume.")
    if any(size > 1 for size in shape[3:]):
        raise VolumeError(
            path,
            f"{rank} axes of sizes {shape}. Expected one volume (i, j, k). {_one_of(shape)}",
        )
    validate.claimed(shape, path, max_voxels)
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        kind = "complex numbers" if dtype.kind == "c" else "colours (RGB)"
        way_out = "`np.abs` of them" if dtype.kind == "c" else "one channel of them"
        raise VolumeError(
            path,
            f"{kind}, {dtype}. Expected real numbers, one a voxel: write {way_out} to a new file "
            "with nibabel first.",
        )
    return shape


def _one_of(shape: tuple[int, ...]) -> str:
    """Return a sentence on how to extract one volume from an array of more than three axes."""
    image = "image = nibabel.load(path)"
    if 1 not in shape[:3] and not (shape[0] <= 4 < min(shape[1:4])):
        # Time, echoes and directions are the fourth axis and those after it.
        index = ", ".join(["...", *["0"] * (len(shape) - 3)])
        return (
            "Take one out of the series: "
            f"`nibabel.load(path).slicer[{index}].to_filename('one.nii.gz')`."
        )
    kept = sorted(sorted(range(len(shape)), key=lambda axis: -shape[axis])[:3])
    index = ", ".join(":" if axis in kept else "0" for axis in range(len(shape)))
    volume = tuple(shape[axis] for axis in kept)
    return (
        f"Axes before the voxels' own, as a batch or channels have them, are not NIfTI's: if the "
        f"volume is {volume}, write it as `{image}; nibabel.Nifti1Image(numpy.asarray("
        f"image.dataobj)[{index}], affine).to_filename('one.nii.gz')`, with the affine of its scan "
        "(`image.affine`, if it was copied from there)."
    )


def scaling_of(path: str, header: Any) -> tuple[float, float]:
    """Return slope and intercept, `(1.0, 0.0)` if the file has none."""
    from nibabel.spatialimages import HeaderDataError

    try:
        slope, inter = header.get_slope_inter()
    except HeaderDataError as error:
        raise VolumeError(
            path, f"{error}. Expected a finite `scl_inter`: mend the header."
        ) from error
    return (1.0, 0.0) if slope is None else (slope, inter)


def affine_of(path: str, header: Any, notes: list[str]) -> np.ndarray:
    """Return nibabel's affine, and record the assumptions in it."""
    try:
        with np.errstate(all="ignore"):
            affine = header.get_best_affine()
    except ValueError as error:  # HeaderDataError too
        raise VolumeError(
            path, f"a qform that is no rotation: {error}. Expected a unit quaternion."
        ) from error
    qform = _qform_of(header)
    try:
        with np.errstate(all="ignore"):  # for values that overflow
            Volume(np.zeros((1, 1, 1)), affine, None, path)  # checks the affine first
    except VolumeError as error:
        if not header["sform_code"] or qform is None:
            raise
        raise VolumeError(
            path,
            f"its sform has a code ({int(header['sform_code'])}) and cannot be inverted: "
            f"{affine[:3].tolist()}. Its qform is sound: if that says where it is, "
            f"`image = nibabel.load(path); image.set_sform(image.get_qform(), "
            f"{int(header['qform_code'])}); image.to_filename(new_path)`.",
        ) from error
    if header["sform_code"] and qform is not None:
        notes.extend(_difference(header, affine, qform))
    if not header["sform_code"] and not header["qform_code"]:
        notes.append(
            "neither sform nor qform has a code, so it does not say where its voxels are. Assumed, "
            "as nibabel does: the first axis points to the left, the second to the front, the "
            f"third to the head, {np.round(np.diag(affine)[:3], 4).tolist()} mm, centred.",
        )
    unit = {1: "metres", 3: "micrometres"}.get(int(header["xyzt_units"]) & 7)
    if unit:
        notes.append(f"its units are {unit}. Its affine was taken as millimetres, as nibabel does.")
    return affine


def _qform_of(header: Any) -> np.ndarray | None:
    """Return the qform, or `None` if it has no code or is invalid."""
    if not header["qform_code"]:
        return None
    try:
        with np.errstate(all="ignore"):
            qform = header.get_qform()
            Volume(np.zeros((1, 1, 1)), qform)
    except ValueError:  # of nibabel too: no rotation
        return None
    return qform


def _difference(header: Any, sform: np.ndarray, qform: np.ndarray) -> list[str]:
    """Return a note if sform and qform differ by a tenth of a voxel or more."""
    sizes = [*header["dim"][1:4], 1, 1, 1][:3]
    corners = np.array([[*index, 1] for index in np.ndindex(2, 2, 2)], "float64")
    corners[:, :3] *= np.maximum(np.array(sizes, "float64") - 1, 0)
    apart = np.linalg.norm(corners @ (sform - qform)[:3].T, axis=1).max()
    if apart <= 0.1 * np.linalg.norm(sform[:3, :3], axis=0).min():
        return []
    names = [Volume(np.zeros((1, 1, 1)), form).orientation for form in (sform, qform)]
    flipped = f", its axes point to {names[0]} and {names[1]}" if names[0] != names[1] else ""
    return [
        f"its sform (code {int(header['sform_code'])}) and its qform (code "
        f"{int(header['qform_code'])}) disagree{flipped}, and a voxel is up to {apart:.4g} mm "
        "elsewhere. The sform is taken, as nibabel does; programs that take the qform (ITK's) show "
        "another place, or another side. If one is wrong, mend it: `image.set_qform(image.affine, "
        "1)`.",
    ]


def offset_of(path: str, header: Any, single: bool) -> int:
    """Return the byte at which the voxels start."""
    raw = float(header["vox_offset"])
    least = header.single_vox_offset if single else 0
    offset = raw or float(least)
    if not offset.is_integer() or not least <= offset <= MAX_EXTENSIONS:
        raise VolumeError(
            path,
            f"a header that claims voxels from byte {raw:g}. Expected {least} to {MAX_EXTENSIONS}: "
            "the file is damaged.",
        )
    return int(offset)


def read_extensions(
    path: str, file: IO[bytes], header: Any, end: int | None, notes: list[str]
) -> bytes:
    """Read up to the voxels (or the end of a `.hdr`); return the flag and what it announces."""
    if end is not None:
        data = read_exactly(path, file, end - header.sizeof_hdr, "between header and voxels")
    elif len(data := file.read(MAX_EXTENSIONS + 1)) > MAX_EXTENSIONS:
        raise VolumeError(path, f"over {MAX_EXTENSIONS} bytes of header. Expected a header file.")
    if len(data) < 4 or not data[0]:
        return b""
    order: Literal["little", "big"] = "little" if header.endianness == "<" else "big"
    used = 4
    while used + 8 <= len(data):
        size = int.from_bytes(data[used : used + 4], order)  # the header of an extension included
        if size < 8 or used + size > len(data):
            break
        used += size
    if any(data[used:]):
        notes.append(f"{len(data) - used} bytes of damaged header extensions are ignored.")
    return data[:used] if used > 4 else b""
