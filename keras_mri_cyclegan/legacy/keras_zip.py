"""`.keras` files of Keras 2.12 to 2.15: a zip archive with a config and an HDF5 file."""

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from keras_mri_cyclegan.legacy import hdf5, keras_config
from keras_mri_cyclegan.legacy.errors import LegacyError
from keras_mri_cyclegan.legacy.source import Network

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
MAX_WEIGHTS = 2**33
# What deflate can make of a byte at most; weights pack hardly at all.
MAX_RATIO = 1032


@contextmanager
def opened(path: str) -> Iterator[dict[str, Network]]:
    """Open a `.keras` file and yield its network, under the name "".

    Args:
        path: The file.

    Raises:
        LegacyError: An entry is missing, too large or damaged.
    """
    with zipfile.ZipFile(path) as archive:
        config = keras_config.parse(_read(archive, CONFIG, keras_config.MAX_JSON, path), path)
        keras_config.flatten(config, path)  # before anything large is read
        weights = _read(archive, WEIGHTS, MAX_WEIGHTS, path)
    with hdf5.opened(io.BytesIO(weights), path, len(weights), config) as networks:
        yield networks


def _read(archive: zipfile.ZipFile, name: str, limit: int, path: str) -> bytes:
    entries = [entry for entry in archive.infolist() if entry.filename == name]
    if len(entries) != 1:
        raise LegacyError(
            path,
            f"{len(entries)} entries {name!r} in it. Expected one: is it a `.keras` file of Keras "
            "2.12 to 2.15, whole?",
        )
    size = entries[0].file_size
    if size > limit or size > MAX_RATIO * max(entries[0].compress_size, 1):
        raise LegacyError(path, f"its {name!r} claims {size} bytes. Expected at most {limit}.")
    # No more than the size it claims is unpacked, and its CRC is checked.
    return archive.read(entries[0])
