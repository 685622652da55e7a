"""Opening of a DICOM file, which may be damaged or hostile, within bounded memory."""

import contextlib
import io
import os
import zlib
from collections.abc import Iterator
from typing import Any

from keras_mri_cyclegan._extras import require
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.members import NO_PREAMBLE, has_prefix

DEFLATED = "1.2.840.10008.1.2.1.99"
DICOMDIR = "1.2.840.10008.1.3.10"
# A deflated image of 512 x 512 is a few hundred KB; a bomb of 778 KB inflates to 800 MB.
LARGEST_INFLATED = 2**26


def is_dicom(path: str) -> bool:
    """Return whether `path` is DICOM: a file, a folder with such a file, or `folder::series`.

    Args:
        path: A path. A file is recognised by the letters `DICM` after 128 bytes; files without
            them, which some old software wrote, are not.

    Example:
        >>> from keras_mri_cyclegan.volumes import dicom
        >>> dicom.is_dicom("no such file")
        False
    """
    if not os.path.exists(path):
        path = path.partition("::")[0]
    if os.path.isdir(path):
        with contextlib.suppress(OSError):
            return any(has_prefix(os.path.join(path, name)) for name in os.listdir(path))
        return False
    return has_prefix(path)


@contextlib.contextmanager
def guarded(path: str, doing: str) -> Iterator[None]:
    """Convert every exception of the block to a `VolumeError` about `path`.

    pydicom raises nearly every built-in exception on damaged files, `RecursionError` among them.

    Args:
        path: The file, for the message.
        doing: What the block does: "reading", for the message.
    """
    try:
        yield
    except VolumeError:
        raise
    except OSError as error:
        if error.errno is not None:
            raise VolumeError(
                path,
                f"{doing} failed ({error.strerror}). Expected a file that exists and may be read.",
            ) from error
        raise _damaged(path, doing, error) from error  # pydicom's own
    except Exception as error:
        raise _damaged(path, doing, error) from error


def _damaged(path: str, doing: str, error: Exception) -> VolumeError:
    return VolumeError(
        path,
        f"{doing} failed ({type(error).__name__}: {str(error)[:300]}). Expected sound DICOM. The "
        "file is damaged: copy or export it again.",
    )


def read_header(path: str) -> Any:
    """Read a file without its pixels, as a `pydicom.FileDataset`.

    Private attributes, overlays and curves are left out: nothing here reads them, the writer
    would remove them, and they can be larger than all the rest.

    Raises:
        VolumeError: Not DICOM, or damaged.
        ImportError: pydicom is not installed.
    """
    require("pydicom", extra="dicom")
    with guarded(path, "reading its attributes"):
        dataset = _parse(path, stop_before_pixels=True)
        for tag in list(dataset.keys()):
            if tag.is_private or tag.group >> 8 in (0x50, 0x60):
                del dataset[tag]
        return dataset


def read_whole(path: str) -> Any:
    """Read a file with its encoded pixels, as a `pydicom.FileDataset`.

    Raises:
        VolumeError: Not DICOM, or damaged.
        ImportError: pydicom is not installed.
    """
    require("pydicom", extra="dicom")
    with guarded(path, "reading its pixels"):
        return _parse(path, stop_before_pixels=False)


class _BoundedFile(io.BufferedReader):
    # `read(n)` allocates n bytes before it reads, and n is what the file claims: up to 4 GiB.
    def __init__(self, path: str):
        super().__init__(io.FileIO(path, "rb"))
        self.length = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(0, self.length - self.tell())
        return super().read(left if size is None or size < 0 else min(size, left))


def _parse(path: str, stop_before_pixels: bool) -> Any:
    import pydicom
    from pydicom.filereader import read_dataset, read_preamble

    with _BoundedFile(path) as file:
        try:
            read_preamble(file, force=False)
        except pydicom.errors.InvalidDicomError:
            raise VolumeError(path, NO_PREAMBLE) from None
        meta = read_dataset(
            file,
            is_implicit_VR=False,
            is_little_endian=True,
            stop_when=lambda tag, vr, length: tag.group != 2,
        )
        if str(meta.get("TransferSyntaxUID", "")) == DEFLATED:
            content = _inflate(path, file.read())
        else:
            file.seek(0)
            return pydicom.dcmread(file, stop_before_pixels=stop_before_pixels)
    dataset = read_dataset(
        io.BytesIO(content),
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=(lambda tag, vr, length: tag >= 0x7FE00000) if stop_before_pixels else None,
    )
    file_meta = pydicom.dataset.FileMetaDataset(meta)
    return pydicom.dataset.FileDataset(path, dataset, None, file_meta, False, True)


def _inflate(path: str, deflated: bytes) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    content = inflater.decompress(deflated, LARGEST_INFLATED)
    if inflater.unconsumed_tail:
        raise VolumeError(
            path,
            f"its {len(deflated)} deflated bytes inflate to more than {LARGEST_INFLATED}. Expected "
            "an image, not a file that fills the memory. If it is sound, store it without "
            "deflate: `dcmconv +te in.dcm out.dcm` (DCMTK).",
        )
    if not inflater.eof:
        raise VolumeError(
            path, "its deflated data end too early. The file is truncated: copy it again."
        )
    return content
