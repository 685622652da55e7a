import os

import nibabel as nib
import numpy as np
import pytest
from nifti_files import image, oblique, voxels

from keras_mri_cyclegan.data import image_cache
from keras_mri_cyclegan.preprocessing import Preprocessing
from keras_mri_cyclegan.translation.provenance import describe_source
from keras_mri_cyclegan.volumes import (
    VolumeError,
    check_target,
    find_volumes,
    read_volume,
    write_volume,
)
from keras_mri_cyclegan.volumes.scan_files import files_of, files_to_write, pair_of

HALVES = [
    ("scan.hdr", "scan.img"),
    ("scan.hdr", "scan.img.gz"),
    ("scan.hdr.gz", "scan.img"),
    ("scan.hdr.gz", "scan.img.gz"),
    ("scan.HDR", "scan.IMG"),
    ("scan.HDR", "scan.img.gz"),
    ("scan.hdr.gz", "scan.IMG"),
]


def _pair(folder, header, picture, data=None):
    """Write a pair with nibabel, and give its halves these names; return them."""
    made = image(voxels() if data is None else data, oblique(), nib.Nifti1Pair)
    for name in (header, picture):
        made.to_filename(folder / f"made.img{'.gz' if name.endswith('.gz') else ''}")
        half = "made" + name[len("scan") :].lower()
        os.replace(folder / half, folder / name)
        for left in folder.glob("made.*"):
            left.unlink()
    return str(folder / header), str(folder / picture)


@pytest.mark.parametrize("names", HALVES)
def test_every_part_of_the_library_knows_both_files_of_a_pair(tmp_path, names):
    """D1: changed voxels of a packed image gave stale cache entries and an unchanged hash."""
    pair = _pair(tmp_path, *names)

    def known():
        entries = [image_cache.entry_path("", path, Preprocessing(), "a") for path in pair]
        return entries + [describe_source(path)["SHA256"] for path in pair]

    for path in pair:
        assert files_of(path) == sorted(pair)
        assert pair_of(path) == pair
        np.testing.assert_array_equal(read_volume(path).array, voxels())
    assert find_volumes(tmp_path) == [pair[0]]
    assert find_volumes(f"{tmp_path}/*") == [pair[0]]
    before = known()
    _pair(tmp_path, *names, data=voxels(seed=1))
    np.testing.assert_array_equal(read_volume(pair[0]).array, voxels(seed=1))
    assert not set(before) & set(known())


def test_files_of_anything_else(tmp_path):
    for name in ("a.nii", "b.h5", "c.img", "x/2.dcm", "x/1.dcm", "x/.DS_Store", "x/deep/3.dcm"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    # The DICOM reader takes hidden files too.
    (tmp_path / "x" / ".hidden").write_bytes(bytes(128) + b"DICM")
    series = [str(tmp_path / "x" / name) for name in (".hidden", "1.dcm", "2.dcm")]
    assert files_of(tmp_path / "x") == files_of(f"{tmp_path / 'x'}::1.2.3") == series
    for name in ("a.nii", "c.img", "missing.nii", "missing.hdr"):
        assert files_of(tmp_path / name) == [str(tmp_path / name)]
    assert files_of(f"{tmp_path}/b.h5::scans/t1") == [f"{tmp_path}/b.h5"]


def test_the_unpacked_image_is_read_if_there_are_two(tmp_path):
    header, picture = _pair(tmp_path, "scan.hdr", "scan.img")
    (tmp_path / "scan.img.gz").write_bytes(b"another")
    assert files_of(header) == [header, picture]
    assert find_volumes(tmp_path) == [header]


def test_a_pair_is_written_unpacked(tmp_path):
    for name in ("a.hdr", "a.img"):
        assert files_to_write(name) == ["a.hdr", "a.img"]
    assert files_to_write("A.IMG") == ["A.HDR", "A.IMG"]
    header, picture = _pair(tmp_path, "scan.hdr", "scan.img.gz")
    volume = read_volume(header)
    os.remove(header)
    with pytest.raises(VolumeError, match=r"`scan\.img\.gz` exists already"):
        check_target(header)  # it would become the header of another scan's image
    with pytest.raises(VolumeError, match=r"kind \.img\.gz cannot be written"):
        write_volume(volume, picture, overwrite=True)
