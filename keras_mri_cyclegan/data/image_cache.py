"""Cache of prepared images: one file per scan, from which single images are read.

An entry is an `.npy` file followed by the CRC-32 of its images. Its name depends on the scan, the
preprocessing and this library's version, so that an entry is never out of date; the CRC-32 detects
a damaged entry when it is opened.
"""

import dataclasses
import hashlib
import json
import math
import os
import struct
import zlib
from typing import Any

import numpy as np

from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.volumes import Volume, VolumeError, atomic
from keras_mri_cyclegan.volumes.names import split_inner
from keras_mri_cyclegan.volumes.scan_files import files_of

CHUNK = 2**24  # bytes read at once
SAMPLE = 2**16  # bytes of a file's start, middle and end that are hashed for an entry's name
DTYPE = np.dtype("<f4")


@dataclasses.dataclass(frozen=True)
class CachedImages:
    """Images in a file, which is opened for each read, so that any thread or process can read."""

    path: str
    shape: tuple
    offset: int

    def read(self, indices: np.ndarray) -> np.ndarray:
        """Return the images of these indices, float32 `(len(indices), ...)`."""
        images = np.empty((len(indices), *self.shape[1:]), DTYPE)
        size = DTYPE.itemsize * math.prod(self.shape[1:])
        try:
            with open(self.path, "rb", buffering=0) as file:
                for image, index in zip(images, indices, strict=True):
                    file.seek(self.offset + int(index) * size)
                    if file.readinto(image.data.cast("B")) != size:
                        raise OSError("the file ends too early")
        except OSError as error:
            raise VolumeError(
                self.path,
                f"this file of the cache could be read before, but cannot be read now ({error}). "
                "Expected an unchanged file. Create the dataset again to restore the cache.",
            ) from error
        return images


def entry_path(
    folder: str,
    scan: str | Volume,
    preprocessing: Preprocessing,
    domain: str,
    reading: dict[str, Any] | None = None,
) -> str:
    """Return the path of a scan's entry.

    The name depends on the scan (name, size, modification time and a sample of the content of each
    of its files, but not their folder; or a volume's voxels), on its mask's file, the
    preprocessing, its fitted values if they change images, the domain, the reading options and this
    library's version.

    Raises:
        VolumeError: The scan's file cannot be read.
    """
    from keras_mri_cyclegan import __version__

    path = scan.path if isinstance(scan, Volume) else scan
    steps = [step.for_domain(domain) for step in preprocessing.steps]
    masks = [step.path_for(path) for step in steps if path and hasattr(step, "path_for")]
    made_from = {
        "scan": _volume_stamp(scan) if isinstance(scan, Volume) else _path_stamp(scan),
        "masks": [_path_stamp(mask) for mask in masks],
        "preprocessing": _recipe(preprocessing, domain),
        "domain": domain,
        "version": __version__,
        **({"reading": reading} if reading else {}),
    }
    text = json.dumps(made_from, sort_keys=True)
    return os.path.join(folder, hashlib.sha256(text.encode()).hexdigest() + ".npy")


def load(path: str) -> CachedImages | None:
    """Return an entry, or `None` if there is none or it is damaged."""
    try:
        with open(path, "rb") as file:
            if np.lib.format.read_magic(file) != (1, 0):
                return None
            shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
            offset = file.tell()
            size = DTYPE.itemsize * math.prod(shape)
            if dtype != DTYPE or in_columns or os.path.getsize(path) != offset + size + 4:
                return None
            checksum = 0
            while size:
                chunk = file.read(min(size, CHUNK))
                if not chunk:
                    return None
                checksum = zlib.crc32(chunk, checksum)
                size -= len(chunk)
            if struct.unpack("<I", file.read(4)) != (checksum,):
                return None
    except (OSError, ValueError):  # missing, or another kind of file
        return None
    return CachedImages(path, shape, offset)


def store(path: str, images: np.ndarray) -> CachedImages:
    """Write an entry atomically.

    Raises:
        VolumeError: The entry cannot be written: disk full, no permission.
    """
    images = np.ascontiguousarray(images, DTYPE)
    with atomic.replacing(path) as temporary, open(temporary, "wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(images))
        offset = file.tell()
        data = images.data.cast("B")
        file.write(data)
        file.write(struct.pack("<I", zlib.crc32(data)))
    return CachedImages(path, images.shape, offset)


def _recipe(preprocessing: Preprocessing, domain: str) -> dict[str, Any]:
    # Not its fingerprint: if no fitted value changes an image, the entries stay valid for another
    # split of the patients, or with an additional scan.
    config = preprocessing.get_config()
    learnt = config.pop("domains").get(domain)
    del config["spacing"]
    matters = any(step.needs_fit for step in preprocessing.steps)
    return {**config, "learnt": learnt if matters else None}


def _path_stamp(path: str) -> list:
    base, inside = split_inner(path)
    stamps = []
    try:
        for file in files_of(path):
            status = os.stat(file)
            name = os.path.basename(file)  # independent of the study's folder
            stamps.append([name, status.st_size, status.st_mtime_ns, _sample(file, status.st_size)])
    except OSError as error:
        raise VolumeError(
            path, f"it cannot be read ({error.strerror or error}). Expected a file or a folder."
        ) from error
    return [os.path.basename(os.path.abspath(base)), inside, stamps]


def _sample(path: str, size: int) -> str:
    # Files of two patients can have the same name, size and time, for example after unpacking an
    # archive. Their content always differs, even in the middle slices only.
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for start in sorted({0, max(size // 2 - SAMPLE // 2, 0), max(size - SAMPLE, 0)}):
            file.seek(start)
            digest.update(file.read(SAMPLE))
    return digest.hexdigest()


def _volume_stamp(volume: Volume) -> str:
    digest = hashlib.sha256(json.dumps([volume.shape, volume.affine.tolist()]).encode())
    digest.update(volume.array.data)
    if volume.mask is not None:
        digest.update(np.ascontiguousarray(volume.mask).data)
    return digest.hexdigest()
