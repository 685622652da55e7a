"""Stored pixel values of a DICOM file, and the checks of their claimed layout."""

import dataclasses
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_mri_cyclegan.volumes.dicom.codestream import size_of
from keras_mri_cyclegan.volumes.dicom.opening import guarded, read_whole
from keras_mri_cyclegan.volumes.dicom.values import whole
from keras_mri_cyclegan.volumes.errors import VolumeError

RLE = "1.2.840.10008.1.2.5"
INSTALL = (
    "`pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg`, or `pip install python-gdcm`"
)


@dataclasses.dataclass(frozen=True)
class Layout:
    """The storage layout of pixel values.

    Args:
        frames: How many images.
        rows: Of each image.
        columns: Of each image.
        dtype: Of a stored number: `int8`, `uint8`, `int16` or `uint16`.
        bits: How many of its bits are in use.
    """

    frames: int
    rows: int
    columns: int
    dtype: np.dtype
    bits: int

    @property
    def size(self) -> int:
        """The uncompressed size of all images in bytes."""
        return self.frames * self.rows * self.columns * self.dtype.itemsize


def layout_of(path: str, header: Any) -> Layout:
    """Return the layout in a file's attributes, checked for consistency.

    Raises:
        VolumeError: Colour, inverted or floating point values, no rows or columns, a mosaic, or
            claims that contradict each other.
    """

    def claimed(keyword: str, default: int | None = None) -> int:
        found = whole(path, header, keyword)
        if found is None and default is None:
            raise VolumeError(
                path,
                f"{keyword} is missing. Expected a DICOM image, which reports and raw data are "
                "not. If it should be one, it is truncated: copy it again.",
            )
        return default if found is None else found  # type: ignore[return-value]

    with guarded(path, "reading its attributes"):
        samples, photometric = (
            claimed("SamplesPerPixel", 1),
            _text(header, "PhotometricInterpretation"),
        )
        if samples != 1 or photometric not in ("MONOCHROME2", ""):
            way_out = (
                "It shows high numbers dark: invert it, `dcmj2pnm` or pydicom, and say MONOCHROME2."
                if photometric == "MONOCHROME1"
                else "A colour picture is no scan: export the original series."
            )
            raise VolumeError(
                path,
                f"{samples} samples per pixel, PhotometricInterpretation {photometric!r}. Expected "
                f"one and MONOCHROME2. {way_out}",
            )
        if "MOSAIC" in _text(header, "ImageType").upper():
            raise VolumeError(
                path,
                "a mosaic: many slices in one picture. Expected one slice an image. Convert it to "
                "NIfTI with dcm2niix, which takes mosaics apart.",
            )
        frames, rows, columns = claimed("NumberOfFrames", 1), claimed("Rows"), claimed("Columns")
        allocated, signed = claimed("BitsAllocated"), claimed("PixelRepresentation", 0)
        bits = claimed("BitsStored", allocated)
        high = claimed("HighBit", bits - 1)
    if frames < 1 or rows < 1 or columns < 1:
        raise VolumeError(
            path, f"{frames} frames of {rows} rows and {columns} columns. Expected at least 1 each."
        )
    sound = allocated in (8, 16) and 1 <= bits <= allocated and high == bits - 1
    if not sound or signed not in (0, 1):
        raise VolumeError(
            path,
            f"BitsAllocated {allocated}, BitsStored {bits}, HighBit {high}, PixelRepresentation "
            f"{signed}. Expected 8 or 16 bits, the lowest of them in use, with or without sign. "
            "Convert it to 16 bits, or to NIfTI with dcm2niix.",
        )
    dtype = np.dtype(f"{'i' if signed else 'u'}{allocated // 8}")
    return Layout(frames, rows, columns, dtype, bits)


def check_size(path: str, header: Any, layout: Layout) -> None:
    """Compare the claimed size with the file length, before memory is allocated.

    Raises:
        VolumeError: Fewer bytes than uncompressed images need.
    """
    syntax = _transfer_syntax(path, header)
    length = os.path.getsize(path)
    # A deflated file is shorter, and inflated within limits; see `opening`.
    if not (syntax.is_compressed or syntax.is_deflated) and layout.size > length:
        raise VolumeError(
            path,
            f"its header claims {layout.size} bytes of pixels ({layout.frames} x {layout.rows} x "
            f"{layout.columns}), and the file has {length} in all. It is truncated, or its header "
            "damaged: copy it again.",
        )


def decoded(path: str, layout: Layout) -> Iterator[np.ndarray]:
    """Yield the stored values of each image, `(rows, columns)`.

    Raises:
        VolumeError: Pixel data that are missing, too short or too long, a codec that is not
            installed, or whatever the decoder says.
    """
    from pydicom.pixels import get_decoder

    dataset = read_whole(path)
    with guarded(path, "decoding its pixels"):
        if not dataset.get("PixelData"):
            raise VolumeError(
                path,
                "no pixel data (PixelData, as integers). Expected an image. The file is truncated "
                "or was stored without them: copy it again.",
            )
        syntax = _transfer_syntax(path, dataset)
        if syntax.is_encapsulated:
            _check_codestreams(path, dataset, layout)
        else:
            _check_length(path, len(dataset.PixelData), layout)
        try:
            decoder = get_decoder(syntax)
        except NotImplementedError:
            decoder = None
        if decoder is None or not decoder.is_available:
            raise VolumeError(
                path,
                f"its pixels are compressed as {syntax.name} ({syntax}), and nothing installed "
                f"decodes that. Install it: {INSTALL}. Or store the file uncompressed: `dcmdjpeg` "
                "(DCMTK), `gdcmconv --raw`.",
            )
        frames = 0
        for frame, _ in decoder.iter_array(dataset, raw=True):
            if frame.shape != (layout.rows, layout.columns) or frame.dtype.kind not in "iu":
                raise VolumeError(
                    path,
                    f"an image decodes to {frame.dtype} {frame.shape}, and its header says "
                    f"{(layout.rows, layout.columns)}. The file is damaged: export it again.",
                )
            frames += 1
            if frames <= layout.frames:
                yield frame
        if frames != layout.frames:
            raise VolumeError(
                path,
                f"{frames} compressed images, and its header says {layout.frames}. The file is "
                "damaged: export it again.",
            )


def _check_length(path: str, length: int, layout: Layout) -> None:
    padded = layout.size + layout.size % 2
    if length < layout.size:
        raise VolumeError(
            path,
            f"{length} bytes of pixels. Expected {layout.size}, for {layout.frames} x "
            f"{layout.rows} x {layout.columns}. The file is truncated: copy it again.",
        )
    if length > padded:
        raise VolumeError(
            path,
            f"{length} bytes of pixels. Expected {padded}, for {layout.frames} x {layout.rows} x "
            f"{layout.columns}: there are {length - padded} too many. Its header is damaged, or "
            "says too few frames: export it again.",
        )


def _check_codestreams(path: str, dataset: Any, layout: Layout) -> None:
    # A decoder allocates what the codestream claims, whatever the DICOM header says.
    from pydicom.encaps import generate_frames

    if _transfer_syntax(path, dataset) == RLE:  # has no size of its own
        return
    expected = (layout.rows, layout.columns, 1)
    frames = generate_frames(dataset.PixelData, number_of_frames=layout.frames)
    for number, frame in enumerate(frames, 1):
        found = size_of(frame)
        if found != expected:
            raise VolumeError(
                path,
                f"compressed image {number} says (rows, columns, components) {found}, and its "
                f"header {expected}. The file is damaged: export it again.",
            )


def _transfer_syntax(path: str, dataset: Any) -> Any:
    with guarded(path, "reading its transfer syntax"):
        syntax = dataset.file_meta.get("TransferSyntaxUID")
        if syntax is None or not syntax.is_transfer_syntax:
            raise VolumeError(
                path,
                f"TransferSyntaxUID is {syntax}, so nothing says how its pixels are stored. "
                "Expected one of the standard's. Export the file again.",
            )
        return syntax


def _text(header: Any, keyword: str) -> str:
    return str(header.get(keyword) or "").strip()
