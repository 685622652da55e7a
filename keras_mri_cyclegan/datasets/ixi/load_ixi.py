"""The IXI data set: downloaded once, or taken from a folder, and split by patient."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.datasets._cache import cache_folder, check_writable
from keras_mri_cyclegan.datasets._download import checked_url, download, wrong_checksum
from keras_mri_cyclegan.datasets.ixi.scans import SITES, find_scans
from keras_mri_cyclegan.datasets.ixi.split import IXI, split_scans
from keras_mri_cyclegan.datasets.ixi.unpack import unpack

BASE_URL = "http://biomedic.doc.ic.ac.uk/brain-development/downloads/IXI"
# MD5 of IXI-T1.tar and so on.
FILE_HASHES = {
    "t1": "34901a0593b41dd19c1a1f746eac2d58",
    "t2": "e3140d78730ecdd32ba92da48c0a9aaa",
    "pd": "88ecd9d1fa33cb4a2278183b42ffd749",
    "mra": "29be7d2fee3998f978a55a9bdaf3407e",
}
CONTRASTS = tuple(FILE_HASHES)
LICENCE = (
    "The IXI data set is licensed under Creative Commons CC BY-SA 3.0 "
    "(https://creativecommons.org/licenses/by-sa/3.0/). If you use it, name its source: "
    "https://brain-development.org/ixi-dataset/"
)


def load_ixi(
    contrasts: tuple[str, str] = ("t1", "t2"),
    data_dir: str | os.PathLike | None = None,
    validation: float = 0.1,
    test: float = 0.1,
    unpaired: bool = True,
    seed: int = 0,
    sites: str | Iterable[str] | None = None,
    cache_dir: str | os.PathLike | None = None,
    base_url: str = BASE_URL,
    file_hashes: Mapping[str, str] | None = None,
    verbose: int = 1,
) -> IXI:
    """Files of two contrasts of the IXI data set, split by patient.

    IXI has head scans of nearly 600 healthy people from three hospitals in London, as NIfTI
    files: about 580 in each of T1, T2 and PD, of a few MB each. The first call downloads one
    archive for each contrast (several GB), and unpacks it; a download that broke off goes on
    where it stopped. Later calls need no connection. The licence is CC BY-SA 3.0, which asks to
    name the source; nothing has to be accepted first.

    The T1 and the T2 of a patient are **not aligned**: the T1 is sagittal, on a grid of its own,
    and the head may have moved in between. To train unpaired this does not matter. Before a
    translated T1 is scored against the true T2, register the two. T2 and PD are both axial, on
    grids of the same kind: compare their affines before taking voxels for the same place.

    Args:
        contrasts: Two of `"t1"`, `"t2"`, `"pd"`, `"mra"`: domain a and domain b. Defaults to
            `("t1", "t2")`.
        data_dir: A folder that holds the unpacked scans (`IXI002-Guys-0828-T1.nii.gz`), directly
            or in folders such as `IXI-T1`; nothing is then downloaded. Defaults to `None`.
        validation: Fraction of the patients with both contrasts, in `[0, 1)`, rounded; at least
            one patient unless 0. Defaults to 0.1.
        test: The same for the test. Defaults to 0.1.
        unpaired: Whether the training's scans in a and in b are of different patients, half of
            the patients each. Patients with one of the contrasts only then train that one. If
            `False`, the training holds pairs, as validation and test do. Defaults to `True`.
        seed: Seed of the split, at least 0. The same seed and files give the same split on every
            machine. Defaults to 0.
        sites: One or several of `"Guys"` (Philips 1.5 T), `"HH"` (Philips 3 T), `"IOP"` (GE
            1.5 T). Defaults to `None`: all.
        cache_dir: Where downloads are kept, in `datasets/ixi`. The archives there can be deleted
            when they are unpacked. Defaults to `None`: Keras' folder, `~/.keras`, or
            `KERAS_HOME`.
        base_url: The address of the folder that the archives are in, for a mirror. Defaults to
            the Imperial College's.
        file_hashes: MD5 or SHA-256 of the archives, by contrast, for a mirror that packed them
            anew. Defaults to `None`: those of the original archives.
        verbose: 0 for no output, 1 for progress, what was found, and the licence. Defaults to 1.

    Returns:
        An `IXI` with `train`, `validation` and `test`, each with lists of paths `a` and `b`, and
        the text of the `licence`. In validation and test, `a[k]` and `b[k]` are of one patient.

    Raises:
        ValueError: An argument out of its range; no or too few scans; a wrong checksum; an
            archive that is damaged or holds what could do harm.
        ConnectionError: The server cannot be reached, or the connection breaks off.
        OSError: The disk is full.

    Example:
        >>> import os, tempfile
        >>> from keras_mri_cyclegan.datasets import load_ixi
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     for patient in range(10):
        ...         for contrast in ("T1", "T2"):
        ...             name = f"IXI{patient:03}-Guys-0{patient:03}-{contrast}.nii.gz"
        ...             with open(os.path.join(folder, name), "w") as file:
        ...                 _ = file.write("a scan")
        ...     ixi = load_ixi(("t1", "t2"), data_dir=folder, verbose=0)
        >>> ixi.train, ixi.test
        (Split(a=<4 files>, b=<4 files>), Split(a=<1 files>, b=<1 files>))
    """
    a, b = _checked_contrasts(contrasts)
    validation, test = _checks.fraction("validation", validation), _checks.fraction("test", test)
    if validation + test >= 1:
        raise ValueError(
            "`validation + test` must be below 1, so that something is left to train on. Received: "
            f"{validation:g} + {test:g}."
        )
    seed = _checks.positive_int("seed", seed, minimum=0)
    sites = _checked_sites(sites)
    if data_dir is None:
        hashes = _checked_hashes(file_hashes)
        url, cache = checked_url(base_url), cache_folder(cache_dir, "ixi")
        folders = [_unpacked(one, cache, url, hashes, verbose) for one in (a, b)]
    else:
        folders = [Path(data_dir).expanduser()] * 2
    scans_a, scans_b = find_scans(folders[0], a, sites), find_scans(folders[1], b, sites)
    if not scans_a or not scans_b:
        counts = f"{len(scans_a)} scans in {a.upper()} and {len(scans_b)} in {b.upper()}"
        raise ValueError(_not_found(counts, folders[bool(scans_a)], sites, data_dir is None))
    parts = split_scans(scans_a, scans_b, validation, test, unpaired, seed)
    if verbose:
        sizes = [f"{len(part.a)} + {len(part.b)}" for part in parts]
        print(
            f"IXI, {a.upper()} + {b.upper()}: {sizes[0]} scans to train, {sizes[1]} to validate, "
            f"{sizes[2]} to test.\n{LICENCE}"
        )
    return IXI((a, b), *parts, licence=LICENCE)


def _checked_contrasts(contrasts: Any) -> tuple[str, str]:
    if not isinstance(contrasts, (tuple, list)) or len(contrasts) != 2:
        raise ValueError(
            f"`contrasts` must be two of {', '.join(map(repr, CONTRASTS))}. Received: "
            f"{contrasts!r}."
        )
    a, b = (_checks.one_of("contrasts", contrast, CONTRASTS) for contrast in contrasts)
    if a == b:
        raise ValueError(f"`contrasts` must be two different ones. Received: {contrasts!r}.")
    return a, b


def _checked_sites(sites: Any) -> tuple[str, ...] | None:
    if sites is None:
        return None
    sites = (sites,) if isinstance(sites, str) else tuple(sites)
    if not sites:
        raise ValueError(f"`sites` must name at least one of {SITES}, or be None for all.")
    return tuple(_checks.one_of("sites", site, SITES) for site in sites)


def _checked_hashes(file_hashes: Mapping[str, str] | None) -> dict[str, str]:
    for contrast, file_hash in (file_hashes or {}).items():
        _checks.one_of("file_hashes", contrast, CONTRASTS)
        if not re.fullmatch(r"[0-9a-fA-F]{32}|[0-9a-fA-F]{64}", str(file_hash)):
            raise ValueError(
                "`file_hashes` must hold MD5 (32 hexadecimal digits) or SHA-256 (64). Received: "
                f"{file_hash!r} for {contrast!r}."
            )
    given = {contrast: one.lower() for contrast, one in (file_hashes or {}).items()}
    return {**FILE_HASHES, **given}


def _unpacked(
    contrast: str, cache: Path, base_url: str, hashes: dict[str, str], verbose: int
) -> Path:
    folder = cache / f"IXI-{contrast.upper()}"
    if not folder.is_dir():
        check_writable(cache)
        archive = cache / f"{folder.name}.tar"
        if verbose and not archive.exists():
            print(f"Downloading {base_url}/{archive.name} to {cache}")
        download(
            f"{base_url}/{archive.name}",
            archive,
            lambda file: wrong_checksum(file, hashes[contrast]),
            otherwise="the folder of the unpacked scans",
            space=2,
            verbose=verbose,
        )
        unpack(archive, folder, contrast)
        if verbose:
            print(f"Unpacked to {folder}; {archive.name} is no longer needed.")
    return folder


def _not_found(counts: str, folder: Path, sites: tuple[str, ...] | None, downloaded: bool) -> str:
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "does not exist"
        return f"`data_dir`: `{folder}` {found}. Expected a folder of IXI scans."
    of_sites = f" from {', '.join(sites)}" if sites else ""
    way_out = (
        "Delete this folder, and it is unpacked again."
        if downloaded
        else "Unpack the archives there, or leave out `data_dir` to download them."
    )
    return (
        f"`{folder}`: found {counts}{of_sites}. Expected both, as files named like "
        "`IXI002-Guys-0828-T1.nii.gz` in the folder or in folders directly in it"
        f"{', or choose other `sites`' if sites else ''}. {way_out}"
    )
