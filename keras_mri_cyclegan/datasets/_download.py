"""Download of a file: resumed after an interruption, and verified."""

import hashlib
import http.client
import os
import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import keras

CHUNK = 2**20  # bytes
TIMEOUT = 60.0  # seconds without a byte
ATTEMPTS = 10


def download(
    url: str,
    path: Path,
    fault_of: Callable[[Path], str | None],
    otherwise: str,
    space: int = 1,
    verbose: int = 1,
) -> Path:
    """Download a file unless it is there.

    `keras.utils.get_file` throws away what it has when a connection breaks. So the bytes are
    received here, into `part_of_<name>`, which the next attempt, or the next call, continues. The
    whole file is then looked at once. One process at a time.

    Args:
        url: Where the file is, `http://` or `https://`.
        path: Where to put it; its folder exists.
        fault_of: Tells of a file what is wrong with it, "has the checksum ...", or `None`.
        otherwise: What `data_dir` takes, for people without a connection: "the folder of ...".
        space: Bytes of the disk that each byte of the file needs: 2 if it is unpacked beside
            itself. Defaults to 1.
        verbose: 0 for no output, 1 for a progress bar. Defaults to 1.

    Returns:
        `path`.

    Raises:
        ConnectionError: The server cannot be reached, or the connection breaks off.
        OSError: The disk is too small.
        ValueError: Something is wrong with the file.
    """
    if not path.exists():
        part = path.with_name(f"part_of_{path.name}")  # with its suffix: `fault_of` may read it
        _receive_all(url, path, part, otherwise, space, verbose)
        fault = fault_of(part)
        if fault is not None:
            part.unlink()
            raise ValueError(
                f"`{url}` {fault} What was downloaded is deleted. Run this again; if it stays the "
                "same, then the server holds another file: use another `base_url`, or `data_dir=` "
                "with files from elsewhere."
            )
        os.replace(part, path)
    else:
        fault = fault_of(path)
        if fault is not None:
            raise ValueError(
                f"`{path}` {fault} It is damaged or another file. Delete it, and it is downloaded "
                "again, or move it elsewhere."
            )
    return path


def wrong_checksum(path: Path, expected: str) -> str | None:
    """Tell if a file has another MD5 (32 hexadecimal digits) or SHA-256 (64) than expected."""
    with path.open("rb") as file:
        kind = "sha256" if len(expected) == 64 else "md5"
        found = hashlib.file_digest(file, kind).hexdigest()
    return None if found == expected else f"has the checksum {found}. Expected {expected}."


def checked_url(base_url: Any) -> str:
    """Return the address of a folder on a web server without a `/` at its end."""
    if not str(base_url).startswith(("http://", "https://")):
        raise ValueError(
            f"`base_url` must start with http:// or https://. Received: {base_url!r}. For a folder "
            "on this machine use `data_dir=`."
        )
    return str(base_url).rstrip("/")


def _receive_all(
    url: str, path: Path, part: Path, otherwise: str, space: int, verbose: int
) -> None:
    most = _size(part)
    cause: Exception = ConnectionError("the server closed the connection")
    for _ in range(ATTEMPTS):
        try:
            if _receive(url, part, space, verbose):
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
        f"this file at `{path}`, or give {otherwise} as `data_dir=`."
    ) from cause


def _receive(url: str, part: Path, space: int, verbose: int) -> bool:
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
        _check_space(url, part, start, total, space)
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


def _check_space(url: str, part: Path, start: int, total: int | None, space: int) -> None:
    free = shutil.disk_usage(part.parent).free
    needed = 0 if total is None else space * total - start
    if needed > free:
        unpacked = " and what is unpacked from it" if space > 1 else ""
        raise OSError(
            f"`{part.parent}` has {free / 1e9:.3g} GB free. Expected {needed / 1e9:.3g} GB for "
            f"`{url}`{unpacked}. Make room, or choose another `cache_dir`."
        )


def _size(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0
