"""An archive from a web server: continued where it broke off, and checked."""

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, BinaryIO

import keras

CHUNK = 2**20  # bytes
TIMEOUT = 60.0  # seconds without a byte
ATTEMPTS = 10


def download(url: str, path: Path, file_hash: str, verbose: int = 1) -> Path:
    """Download a file unless it is there.

    `keras.utils.get_file` throws away what it has when a connection breaks. So the bytes are
    received here, into `<path>.part`, which the next attempt, or the next call, continues. The
    checksum is computed once, of the whole file. One process at a time.

    Args:
        url: Where the file is, `http://` or `https://`.
        path: Where to put it; its folder exists.
        file_hash: MD5 or SHA-256 of the file, hexadecimal.
        verbose: 0 for no output, 1 for a progress bar. Defaults to 1.

    Returns:
        `path`.

    Raises:
        ConnectionError: The server cannot be reached, or the connection breaks off.
        OSError: The disk is too small.
        ValueError: The checksum is another.
    """
    if not path.exists():
        part = path.with_name(path.name + ".part")
        _receive_all(url, path, part, verbose)
        found = hash_of(part, file_hash)
        if found != file_hash:
            part.unlink()
            raise ValueError(
                f"`{url}` has the checksum {found}. Expected {file_hash}. What was downloaded is "
                "deleted. Run this again; if the checksum stays the same, then the server holds "
                "another file: use another `base_url`, or `data_dir=` with scans from elsewhere."
            )
        os.replace(part, path)
    else:
        found = hash_of(path, file_hash)
        if found != file_hash:
            raise ValueError(
                f"`{path}` has the checksum {found}. Expected {file_hash}. It is damaged or "
                "another file. Delete it, and it is downloaded again, or move it elsewhere."
            )
    return path


def hash_of(path: Path, like: str) -> str:
    """Return the checksum of a file, of the kind of `like`: 64 digits are SHA-256, 32 MD5."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256" if len(like) == 64 else "md5").hexdigest()


def _receive_all(url: str, path: Path, part: Path, verbose: int) -> None:
    most = _size(part)
    cause: Exception = ConnectionError("the server closed the connection")
    for _ in range(ATTEMPTS):
        try:
            if _receive(url, part, verbose):
                return
        except (
            urllib.error.URLError,
            ConnectionError,
            TimeoutError,
            http.client.HTTPException,
        ) as error:
            cause = error
            break
        if _size(part) <= most:
            break  # a server that starts again each time, or sends nothing
        most = _size(part)
    size = _size(part)
    kept = f" {size} bytes are kept in `{part}`; run this again to go on." if size else ""
    raise ConnectionError(
        f"`{url}` could not be downloaded: {cause}.{kept} Without a connection, put a copy of "
        f"the archive at `{path}`, or give the folder of the unpacked scans as `data_dir=`."
    ) from cause


def _receive(url: str, part: Path, verbose: int) -> bool:
    """Ask for the bytes that `part` lacks and append them; say whether the file is whole."""
    start = _size(part)
    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        response = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT
        )
    except urllib.error.HTTPError as error:
        error.close()
        if start and error.code == 416:  # Range Not Satisfiable: there is nothing after `start`
            return True
        raise
    with response:
        if response.status != 206:  # Partial Content; else it is the file from its beginning
            start = 0
        total = None if response.length is None else start + response.length
        _check_space(url, part, start, total)
        with part.open("ab" if start else "wb") as file:
            whole = _copy(response, file, start, total, verbose)
    return whole and total in (None, _size(part))


def _copy(response: Any, file: BinaryIO, start: int, total: int | None, verbose: int) -> bool:
    bar = keras.utils.Progbar(total, verbose=verbose, unit_name="byte")
    done = start
    while True:
        try:
            chunk = response.read(CHUNK)
        except (OSError, http.client.HTTPException):
            return False
        if not chunk:
            return True
        file.write(chunk)
        done += len(chunk)
        bar.update(done)


def _check_space(url: str, part: Path, start: int, total: int | None) -> None:
    free = shutil.disk_usage(part.parent).free
    # The archive, and the scans unpacked from it, which are as large.
    needed = 0 if total is None else 2 * total - start
    if needed > free:
        raise OSError(
            f"`{part.parent}` has {free / 1e9:.1f} GB free. Expected {needed / 1e9:.1f} GB for "
            f"`{url}` and what is in it. Make room, or choose another `cache_dir`."
        )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
