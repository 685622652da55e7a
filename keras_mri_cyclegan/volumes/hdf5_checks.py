"""Safety checks of HDF5 files: no external links, and no more data than the header claims."""

import math
import zlib
from typing import Any

import h5py

from keras_mri_cyclegan.volumes.errors import VolumeError

# The filters whose output is bounded below. Others (szip, n-bit, scale-offset, plug-ins) are code
# that a file chooses to run.
DEFLATE, SHUFFLE, FLETCHER32, LZF = 1, 2, 3, 32000
FILTERS = {DEFLATE: "gzip", SHUFFLE: "shuffle", FLETCHER32: "fletcher32", LZF: "lzf"}
REPACK = "Write it again without: `h5repack -f GZIP=4 in.h5 out.h5`."

MAX_OBJECTS = 1000
MAX_CHUNKS = 2**18
MAX_CHUNK_BYTES = 2**28
# LZF makes at most 264 bytes of 3, and h5py's does not stop at the chunk's size.
LZF_RATIO = 88


def find(file: Any, name: str, path: str) -> Any:
    """Return the dataset `name`, which must be stored in the file itself.

    Args:
        file: The open `h5py.File`.
        name: The names of the groups and the dataset, with `/` between them.
        path: The file, for the message.

    Raises:
        VolumeError: No such dataset, or a link on the way to it.
    """
    here = file
    for part in [part for part in name.split("/") if part]:
        sound = isinstance(here, h5py.Group) and part not in (".", "..")
        link = here.get(part, getlink=True) if sound else None
        if link is None:
            raise VolumeError(path, f"it holds no dataset {name!r}. {_listed(file)}")
        if isinstance(link, h5py.ExternalLink):
            raise VolumeError(
                path,
                f"{part!r} is a link to another file, {link.filename!r}, which is not followed. "
                "Give that file itself, if you trust this one.",
            )
        if isinstance(link, h5py.SoftLink):
            raise VolumeError(
                path, f"{part!r} is a link to {link.path!r}, which is not followed. Give that name."
            )
        here = here[part]
    if not isinstance(here, h5py.Dataset):
        raise VolumeError(path, f"{name!r} is a group, not a dataset. {_listed(file)}")
    problem = _unreal(here)
    if problem:
        raise VolumeError(path, f"the dataset {name!r} {problem}")
    return here


def only_volume(file: Any, path: str) -> Any:
    """Return the file's only dataset of real numbers with three axes.

    Args:
        file: The open `h5py.File`.
        path: The file, for the message.

    Raises:
        VolumeError: There is none, or more than one.
    """
    datasets, complete = _datasets(file)
    found = [dataset for dataset in datasets if not _unreal(dataset) and dataset.ndim == 3]
    if len(found) != 1 or not complete:
        raise VolumeError(
            path,
            f"it holds {len(found)}{'' if complete else ' or more'} datasets of real numbers with "
            f"three axes. Expected one, or its name after `::`. {_listed(file)}",
        )
    return found[0]


def check_storage(dataset: Any, path: str, file_size: int) -> None:
    """Check that a dataset is stored in its file and that its chunks have the claimed sizes.

    Args:
        dataset: The `h5py.Dataset`.
        path: The file, for the message.
        file_size: Its bytes.

    Raises:
        VolumeError: Storage in other files, a filter that is not read, chunks that are damaged, too
            large, too many, or inflate beyond their size.
    """
    if dataset.is_virtual or dataset.external:
        raise VolumeError(
            path,
            "the dataset's voxels are stored in other files, which are not read. Copy them into "
            "one file: `new['name'] = old['name'][...]`.",
        )
    filters = _filters(dataset, path)
    if dataset.chunks is None:
        return
    chunk_bytes = math.prod(dataset.chunks) * dataset.dtype.itemsize
    counts = [math.ceil(n / c) for n, c in zip(dataset.shape, dataset.chunks, strict=True)]
    if chunk_bytes > MAX_CHUNK_BYTES or math.prod(counts) > MAX_CHUNKS:
        raise VolumeError(
            path,
            f"{math.prod(counts)} chunks of {chunk_bytes} bytes. Expected at most {MAX_CHUNKS}, "
            f"of at most {MAX_CHUNK_BYTES} bytes each. Write it again: `h5repack -l CONTI in.h5 "
            "out.h5`.",
        )
    chunks: list = []
    # Not `get_chunk_info(k)`, which counts from the first chunk each time.
    dataset.id.chunk_iter(chunks.append)
    for chunk in chunks:
        _check_chunk(dataset, chunk, filters, chunk_bytes, path, file_size)


def _filters(dataset: Any, path: str) -> list[tuple[int, tuple]]:
    plist = dataset.id.get_create_plist()
    filters = [plist.get_filter(k) for k in range(plist.get_nfilters())]
    for code, _, _, name in filters:
        if code not in FILTERS:
            raise VolumeError(
                path,
                f"the dataset is packed by the filter {code} ({name.decode('utf8', 'replace')}). "
                f"Expected none or {', '.join(FILTERS.values())}. {REPACK}",
            )
    codes = [code for code, *_ in filters]
    packers = [k for k, code in enumerate(codes) if code in (DEFLATE, LZF)]
    if len(packers) > 1 or (packers and SHUFFLE in codes[packers[0] :]):
        raise VolumeError(
            path,
            f"its filters are {', '.join(FILTERS[code] for code in codes)}. Expected one that "
            f"packs, after any that shuffles. {REPACK}",
        )
    return [(code, values) for code, _, values, _ in filters]


def _check_chunk(
    dataset: Any, chunk: Any, filters: list, chunk_bytes: int, path: str, file_size: int
) -> None:
    if chunk.byte_offset is None or not chunk.byte_offset + chunk.size <= file_size:
        raise VolumeError(
            path, f"chunk {chunk.chunk_offset} lies beyond the end of the file. Copy it again."
        )
    codes = [code for k, (code, _) in enumerate(filters) if not chunk.filter_mask >> k & 1]
    checksums = 4 * codes.count(FLETCHER32)
    if DEFLATE in codes:
        # HDF5 inflates without a limit.
        after = 4 * codes[codes.index(DEFLATE) :].count(FLETCHER32)
        packed = dataset.id.read_direct_chunk(chunk.chunk_offset)[1]
        expected = chunk_bytes + checksums - after
        size = len(zlib.decompressobj().decompress(packed[: len(packed) - after], expected + 1))
    elif LZF in codes:
        values = dict(filters)[LZF]
        expected = chunk_bytes
        size = expected if values[2:3] == (chunk_bytes,) else sum(values[2:3])
        if chunk.size * LZF_RATIO > MAX_CHUNK_BYTES:
            raise VolumeError(path, f"an lzf chunk of {chunk.size} bytes, too large. {REPACK}")
    else:
        expected = chunk_bytes + checksums
        size = chunk.size
    if size != expected:
        raise VolumeError(
            path,
            f"chunk {chunk.chunk_offset} holds {'more than ' if size > expected else ''}"
            f"{min(size, expected)} bytes. Expected {expected}. It is damaged: copy it again.",
        )


def _datasets(file: Any) -> tuple[list, bool]:
    """Return the datasets in the file itself, ignoring links, and whether all were listed."""
    found: list = []
    seen: set[int] = set()
    groups = [file]
    while groups:
        group = groups.pop(0)
        for name in group:
            if len(seen) >= MAX_OBJECTS:
                return found, False
            # Not `h5o.get_info`, which ends the process on a damaged chunk index.
            link = group.id.links.get_info(name.encode("utf8", "surrogateescape"))
            if link.type != h5py.h5l.TYPE_HARD or link.u in seen:  # a group may contain itself
                continue
            seen.add(link.u)
            item = group[name]
            if isinstance(item, h5py.Group):
                groups.append(item)
            elif isinstance(item, h5py.Dataset):
                found.append(item)
    return found, True


def _unreal(dataset: Any) -> str:
    """Return why a dataset cannot be a volume, or an empty string."""
    if dataset.shape is None:
        return "is empty. Expected an array of real numbers."
    if dataset.dtype.kind == "c":
        return "is complex, as k-space is. Expected real numbers: reconstruct it, or `np.abs(x)`."
    if dataset.dtype.kind not in "biuf":
        return f"has the type {dataset.dtype}. Expected an array of real numbers."
    return ""


def _listed(file: Any) -> str:
    datasets, complete = _datasets(file)
    listed = ", ".join(f"{d.name!r} {d.shape} {d.dtype}" for d in datasets[:20])
    more = "" if complete and len(datasets) <= 20 else ", and more"
    return f"Its datasets: {listed or 'none'}{more}."
