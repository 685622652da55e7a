"""Decompressed reading of files; reading to the end verifies the checksum."""

import contextlib
import gzip
import os
import zlib
from collections.abc import Iterator
from typing import IO, cast

from keras_mri_cyclegan.volumes.errors import VolumeError


@contextlib.contextmanager
def opened(path: str, name: str) -> Iterator[IO[bytes]]:
    """Open a file, decompressed if it is gzip, and convert its errors to `VolumeError`."""
    if not os.path.isfile(name):
        what = "this is not a file" if os.path.exists(name) else f"there is no file {name}"
        raise VolumeError(path, f"{what}. Expected a NIfTI file: check the path.")
    try:
        with open(name, "rb") as plain:
            packed = plain.read(2) == b"\x1f\x8b"
            plain.seek(0)
            if packed:
                with gzip.GzipFile(fileobj=plain, mode="rb") as unpacked:
                    yield cast(IO[bytes], unpacked)
            else:
                yield plain
    except EOFError as error:
        raise VolumeError(
            path, "truncated: the compressed data end early. Get the file again."
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise VolumeError(
            path,
            f"damaged: the compressed data do not unpack or their checksum is wrong ({error}). "
            "Get the file again.",
        ) from error
    except OSError as error:
        raise VolumeError(
            path, f"reading failed ({error.strerror or error}). Expected a readable file."
        ) from error


def read_exactly(path: str, file: IO[bytes], count: int, where: str) -> bytes:
    """Return the next `count` bytes; a shorter file raises an error that names `where`."""
    data = file.read(count)
    if len(data) < count:
        raise VolumeError(
            path,
            f"truncated: {len(data)} of {count} bytes {where}. Expected a whole file: get it "
            "again.",
        )
    return data
