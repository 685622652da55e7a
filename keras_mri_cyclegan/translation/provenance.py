"""Provenance metadata of translations: model, source and options."""

import datetime
import hashlib
import json
import ntpath
import os
import re
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.volumes import Volume
from keras_mri_cyclegan.volumes.names import split_inner
from keras_mri_cyclegan.volumes.scan_files import files_of

WARNING = "Synthetic, not for diagnosis."
BLOCK = 2**20  # bytes of a file in memory at once


def describe_translation(
    network: keras.Model,
    direction: str,
    source: Volume | str | os.PathLike,
    preprocessing: Any,
    intensities: str,
    planes: Sequence[str],
    date: datetime.datetime | None = None,
    network_hash: str | None = None,
) -> dict[str, Any]:
    """Return the provenance metadata that is stored in or beside a translation.

    Args:
        network: The generator.
        direction: `"ab"` or `"ba"`.
        source: The source, as passed to `translate_volume`.
        preprocessing: The `Preprocessing` of the source.
        intensities: Intensities of the translation: `"target"`, `"source"` or `"normalized"`.
        planes: Planes of the slices, whose translations are averaged. Empty for patches.
        date: Date of the translation. Defaults to now.
        network_hash: The result of `hash_network`, if known. Defaults to `None`: it is computed.

    Returns:
        A JSON-serialisable dictionary. Files are named without their folders.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing
        >>> from keras_mri_cyclegan.translation.provenance import describe_translation
        >>> generator = kmc.resnet_generator((32, 32, 1), blocks=1, filters=4)
        >>> scan = kmc.volumes.Volume([[[0.0, 1.0]]], np.eye(4))
        >>> metadata = describe_translation(
        ...     generator, "ab", scan, Preprocessing([MinMax()]), "source", ["axial"])
        >>> metadata["Synthetic"], metadata["Warning"], metadata["Model"]["Direction"]
        (True, 'Synthetic, not for diagnosis.', 'ab')
    """
    from keras_mri_cyclegan import __version__

    date = datetime.datetime.now(datetime.UTC) if date is None else date
    domains = " to ".join(domain.upper() for domain in direction)
    return {
        "Synthetic": True,
        "Warning": WARNING,
        "Description": (
            f"Made by a generative network (CycleGAN generator {network.name!r}) from a scan of "
            f"another contrast, domain {domains}; no scanner measured it."
        ),
        "GeneratedBy": {"Name": "keras_mri_cyclegan", "Version": __version__},
        "Model": {
            "SHA256": network_hash or hash_network(network),
            "Name": network.name,
            "Direction": direction,
        },
        "Source": describe_source(source),
        "Preprocessing": without_folders(preprocessing.get_config()),
        "Intensities": intensities,
        "Planes": list(planes),
        "Date": date.astimezone(datetime.UTC).isoformat(timespec="seconds"),
    }


def hash_network(network: keras.Model) -> str:
    """Return the SHA-256 of a network's architecture and weights.

    The hash is taken over the config as JSON with sorted keys, then over the type, the shape and
    the little-endian bytes of each weight, in the network's order. Saving and loading a network, on
    this backend or another, keeps its hash; another release of Keras may serialise another config.

    Args:
        network: A built `keras.Model`.

    Returns:
        64 hexadecimal digits.

    Example:
        >>> import keras
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.translation.provenance import hash_network
        >>> generator = kmc.resnet_generator((32, 32, 1), blocks=1, filters=4)
        >>> copy = keras.models.clone_model(generator)
        >>> hash_network(copy) == hash_network(generator)
        False
        >>> copy.set_weights(generator.get_weights())
        >>> hash_network(copy) == hash_network(generator)
        True
    """
    digest = hashlib.sha256()
    try:
        config = keras.saving.serialize_keras_object(network)["config"]
        digest.update(json.dumps(config, sort_keys=True).encode())
    except (NotImplementedError, TypeError):  # a subclass without `get_config`
        digest.update(type(network).__name__.encode())
    # `weights`, not `variables`: the states of random generators change with every use.
    for weight in network.weights:
        array = np.asarray(keras.ops.convert_to_numpy(weight.value))
        digest.update(f"{array.dtype.name} {list(array.shape)}".encode())
        little = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
        digest.update(little.reshape(-1).view("uint8").data)
    return digest.hexdigest()


def describe_source(source: Volume | str | os.PathLike) -> dict[str, Any]:
    """Return the name of a source, without its folder, and its hash.

    Args:
        source: A path or a `Volume`. The `SHA256` of a single file is that of `sha256sum`; for
            several files (a DICOM series, a `.hdr/.img` pair, a folder of images) the hash is taken
            over lines of `<sha256>  <name>`, sorted by name. The `VoxelsSHA256` of a `Volume` is
            taken over its voxels as little-endian float32 in C order.

    Returns:
        `{"File", "SHA256"}` or `{"File", "VoxelsSHA256"}`.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.translation.provenance import describe_source
        >>> path = os.path.join(tempfile.mkdtemp(), "t1.nii")
        >>> _ = open(path, "wb").write(b"abc")
        >>> describe_source(path)["File"], describe_source(path)["SHA256"][:8]
        ('t1.nii', 'ba7816bf')
    """
    if isinstance(source, Volume):
        name = None if source.path is None else _name(source.path)
        voxels = np.ascontiguousarray(source.array, "<f4")
        return {"File": name, "VoxelsSHA256": hashlib.sha256(voxels.tobytes()).hexdigest()}
    path = os.fspath(source)
    files = files_of(path)
    hashes = [_hash_file(file) for file in files]
    if files == [split_inner(path)[0]]:
        return {"File": _name(path), "SHA256": hashes[0]}
    lines = [
        f"{digest}  {os.path.basename(file)}\n" for digest, file in zip(hashes, files, strict=True)
    ]
    return {"File": _name(path), "SHA256": hashlib.sha256("".join(lines).encode()).hexdigest()}


def without_folders(config: Any) -> Any:
    """Return a copy of a config with every absolute path reduced to its last part.

    Args:
        config: A JSON-serialisable value.

    Returns:
        A copy, with new lists and dictionaries.

    Example:
        >>> from keras_mri_cyclegan.translation.provenance import without_folders
        >>> without_folders({"pattern": "/data/mary/masks/*.nii.gz", "spacing": [1, 1, 1]})
        {'pattern': '*.nii.gz', 'spacing': [1, 1, 1]}
    """
    if isinstance(config, dict):
        return {key: without_folders(value) for key, value in config.items()}
    if isinstance(config, (list, tuple)):
        return [without_folders(value) for value in config]
    if isinstance(config, str) and (os.path.isabs(config) or ntpath.splitdrive(config)[0]):
        return _name(config)
    return config


def _name(path: str) -> str:
    file, separator, member = path.partition("::")
    return re.split(r"[/\\]", file.rstrip("/\\"))[-1] + separator + member


def _hash_file(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()
