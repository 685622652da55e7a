"""NIfTI-1 and NIfTI-2 files: `.nii`, `.nii.gz`, and `.hdr` with `.img`."""

import itertools
import os
from typing import Any

from keras_mri_cyclegan.volumes import atomic, members, nifti_reading, nifti_writing, sidecar
from keras_mri_cyclegan.volumes.errors import VolumeError
from keras_mri_cyclegan.volumes.scan_files import files_to_write, pair_of
from keras_mri_cyclegan.volumes.volume import Volume


def read(path: str, max_voxels: int = 2**28, fill_nan: float | None = None) -> Volume:
    """Read a NIfTI file to its last byte.

    Voxels are those of nibabel's `get_fdata()`, rounded to float32: `scl_slope` and `scl_inter`
    are applied in float64. The affine is nibabel's too: the sform if it has a code, else the
    qform. Unlike nibabel, the checksum of a compressed file is verified, and nothing is allocated
    before the header's claims fit `max_voxels` and the file.

    Args:
        path: The file, compressed or not (its content tells); either file of a `.hdr`/`.img`
            pair, each of which may be packed (`.img.gz`). A slice `(i, j)` becomes a volume
            `(i, j, 1)`.
        max_voxels: The largest number of voxels. Defaults to `2**28`: 1 GiB as float32.
        fill_nan: What to put for NaN and infinity. Defaults to `None`: they are an error.

    Returns:
        The volume. Its `header.content` is for `write`.

    Raises:
        VolumeError: Not NIfTI (Analyze included), truncated, damaged, or claiming more voxels
            than it holds or `max_voxels`; no voxels; a series (4-D); complex, RGB; NaN or infinity
            (without `fill_nan`); one value everywhere; an affine that cannot be inverted.

    Warns:
        VolumeWarning: What had to be assumed: neither sform nor qform has a code (nibabel's guess
            is taken), units other than millimetres (taken as millimetres), integers that float32
            cannot hold exactly, header fields that contradict each other, bytes after the voxels.

    Example:
        >>> import os, tempfile
        >>> import nibabel, numpy as np
        >>> from keras_mri_cyclegan.volumes import nifti
        >>> path = os.path.join(tempfile.mkdtemp(), "t1.nii.gz")
        >>> data = np.arange(24, dtype="int16").reshape(2, 3, 4)
        >>> nibabel.Nifti1Image(data, np.diag([-1.0, 1.0, 3.0, 1.0])).to_filename(path)
        >>> volume = nifti.read(path)
        >>> volume.orientation, volume.spacing, volume.header.dtype, float(volume.array[1, 2, 3])
        ('LAS', (1.0, 1.0, 3.0), dtype('int16'), 23.0)
    """
    return nifti_reading.read(path, *_files_to_read(path), max_voxels, fill_nan)


def write(volume: Volume, path: str, provenance: dict[str, Any] | None = None) -> None:
    """Write a NIfTI file atomically.

    If the volume came from a NIfTI file, the new file has its version, codes, units, dtype,
    extensions and other fields. Where the volume's grid has changed, its affine goes to the sform
    and the qform, as far as each has a code (a sheared affine only to the sform: a qform cannot
    hold it). A volume from elsewhere becomes NIfTI-1 in millimetres with both codes 1 (scanner),
    in its integer type if that holds the values, otherwise in float32. An axis over 32767 voxels
    makes it NIfTI-2.

    Integers: the source's slope and intercept are used if all values fit and either lie on its
    steps (so the same integers come back) or are spread over a thousand steps or more. Otherwise
    new ones spread the values over the type's range (of types over 16 bits, `-2**24` to `2**24`,
    float32's precision), with an intercept of 0, so that 0 stays 0, where a thousand steps remain.

    Args:
        volume: The volume.
        path: The file to write: `.nii`, `.nii.gz`, or `.hdr` or `.img` (then both are written,
            uncompressed). An existing file is replaced. Equal volumes give equal bytes.
        provenance: How a synthetic volume was generated. `descrip` then marks it as synthetic;
            other text of the source's header is removed (all extensions, and fields such as
            `intent_name`, `aux_file` and `db_name`), since it describes another image and may name
            a patient; the display window (`cal_min`, `cal_max`) is cleared; and a JSON sidecar with
            the whole provenance is written (`t2.nii.gz`: `t2.json`). Defaults to `None`: an
            ordinary copy.

    Raises:
        ValueError: JSON cannot hold `provenance`.
        VolumeError: Another suffix; values or a dtype that NIfTI cannot hold; no permission, no
            such folder, a full disk; another kind of JSON file at the path of the sidecar. All
            previous files, including the sidecar, are then unchanged.

    Example:
        >>> import os, tempfile
        >>> import nibabel, numpy as np
        >>> from keras_mri_cyclegan.volumes import Volume, nifti
        >>> path = os.path.join(tempfile.mkdtemp(), "t2.nii.gz")
        >>> volume = Volume(np.arange(24.0).reshape(2, 3, 4), np.diag([2.0, 2.0, 2.0, 1.0]))
        >>> nifti.write(volume, path, provenance={"Synthetic": True})
        >>> nibabel.load(path).header["descrip"].item().decode()
        'synthetic, not for diagnosis; keras_mri_cyclegan'
        >>> sorted(os.listdir(os.path.dirname(path)))
        ['t2.json', 't2.nii.gz']
    """
    header_path, image_path = _files_to_write(path)
    single = header_path == image_path
    text = None if provenance is None else sidecar.to_json(provenance)
    if text is not None:
        sidecar.check_ours(path)
    plan = nifti_writing.plan(volume, path, single, provenance)
    # In this order, so that a scan is never readable without its sidecar.
    targets = [] if text is None else [sidecar.path_of(path)]
    targets += [image_path] if single else [image_path, header_path]
    with atomic.replacing_all(targets) as temporaries:
        if text is not None:
            with open(temporaries[0], "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
        if single:
            nifti_writing.write_parts(temporaries[-1], itertools.chain([plan.head], plan.voxels()))
        else:
            nifti_writing.write_parts(temporaries[-2], plan.voxels())
            nifti_writing.write_parts(temporaries[-1], [plan.head])


def _files_to_read(path: str) -> tuple[str, str]:
    pair = pair_of(path)
    if pair is None:
        return path, path
    missing = [name for name in pair if not os.path.isfile(name)]
    if missing and os.path.isfile(path):
        there = os.path.lexists(missing[0])
        found = f" that can be read ({members.fault_of(missing[0])})" if there else ""
        raise VolumeError(
            path,
            f"no {os.path.basename(missing[0])} beside it{found}. Expected both files of the pair: "
            "`.hdr` says where the voxels are, `.img` holds them.",
        )
    return pair


def _files_to_write(path: str) -> tuple[str, str]:
    files = files_to_write(path)
    if len(files) == 1 and not path.lower().endswith((".nii", ".nii.gz")):
        raise VolumeError(path, "not a NIfTI name. Expected .nii, .nii.gz, .hdr or .img.")
    return files[0], files[-1]
