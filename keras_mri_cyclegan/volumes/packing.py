"""Parallel gzip compression."""

import collections
import os
import struct
import zlib
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO

LEVEL = 1  # nibabel's: float voxels hardly pack better, and take several times as long
MOST_THREADS = 8
# RFC 1952: deflated, no flags, no time, packed as fast as can be, by a system that does not matter.
# Neither a time nor a name, so that equal volumes make equal files.
HEAD = struct.pack("<2sBBIBB", b"\x1f\x8b", zlib.DEFLATED, 0, 0, 4, 255)


def write_packed(file: IO[bytes], parts: Iterable[bytes]) -> None:
    """Write bytes as one gzip member whose parts are deflated in parallel.

    Args:
        file: A file that is open for writing.
        parts: The bytes, in parts of a few MiB: small ones pack worse, and all that are at work
            are in memory.

    Example:
        >>> import gzip, io
        >>> from keras_mri_cyclegan.volumes.packing import write_packed
        >>> file = io.BytesIO()
        >>> write_packed(file, [b"voxels ", b"and more voxels"])
        >>> gzip.decompress(file.getvalue())
        b'voxels and more voxels'
    """
    check, size = 0, 0
    threads = min(MOST_THREADS, os.cpu_count() or 1)
    at_work: collections.deque[Future] = collections.deque()
    file.write(HEAD)
    with ThreadPoolExecutor(threads) as pool:
        for part in parts:
            if len(at_work) > threads:
                file.write(at_work.popleft().result())
            at_work.append(pool.submit(_deflated, part))
            check, size = zlib.crc32(part, check), size + len(part)
        while at_work:
            file.write(at_work.popleft().result())
    file.write(zlib.compressobj(wbits=-zlib.MAX_WBITS).flush())  # an empty part that ends it
    file.write(struct.pack("<II", check, size % 2**32))


def _deflated(part: bytes) -> bytes:
    """Return a deflated part that ends on a byte boundary and lets other parts follow."""
    deflate = zlib.compressobj(LEVEL, wbits=-zlib.MAX_WBITS)
    return deflate.compress(part) + deflate.flush(zlib.Z_SYNC_FLUSH)
