"""Damaged files over every reader: an error of ours, or a sound volume."""

import gzip
import io
import resource
import struct
import time
import warnings

import h5py
import nibabel as nib
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from keras_mri_cyclegan.volumes import Volume, VolumeError, read_volume

SECONDS = 10.0
BYTES = 2**30


def voxels(shape=(4, 5, 3), dtype="int16"):
    return np.random.default_rng(0).integers(0, 900, shape).astype(dtype)


def nifti(kind=nib.Nifti1Image, dtype="int16"):
    image = kind(voxels(dtype=dtype), np.diag([-1, 2, 3, 1]))
    return image.to_bytes()


def hdf5():
    file = io.BytesIO()
    with h5py.File(file, "w") as opened:
        opened.create_dataset("group/x", data=voxels(), chunks=(2, 5, 3), compression="gzip")
    return file.getvalue()


def npy(save=np.save):
    file = io.BytesIO()
    save(file, voxels(dtype="float32"))
    return file.getvalue()


def dicom():
    pydicom = pytest.importorskip("pydicom")
    path = pydicom.data.get_testdata_file("MR_small.dcm", download=False)
    with open(path, "rb") as file:
        return file.read()


def picture(dtype, kind):
    file = io.BytesIO()
    Image.fromarray(voxels((9, 8), dtype)).save(file, format=kind)
    return file.getvalue()


FORMATS = {
    "x.nii": nifti,
    "y.nii": lambda: nifti(nib.Nifti2Image, "float64"),
    "x.nii.gz": lambda: gzip.compress(nifti(), mtime=0),
    "x.h5": hdf5,
    "x.npy": npy,
    "x.npz": lambda: npy(np.savez_compressed),
    "x.dcm": dicom,
    "x.png": lambda: picture("uint8", "PNG"),
    "x.tif": lambda: picture("uint16", "TIFF"),
}
# What a damaged length, size or pointer looks like.
NUMBERS = [0, 1, -1, 2**15 - 1, -(2**15), 2**31 - 1, -(2**31), 2**62, -(2**62)]


@st.composite
def damages(draw):
    """A list of (what, where as a fraction, with what)."""
    one = st.tuples(
        st.sampled_from(["flip", "byte", "number", "cut", "insert", "repeat"]),
        # Headers are short and stand in front: half of the damage is done to the first bytes.
        st.one_of(st.floats(0, 1, exclude_max=True), st.integers(0, 400)),
        st.integers(0, 255),
    )
    return draw(st.lists(one, min_size=1, max_size=4))


def damaged(content, changes):
    content = bytearray(content)
    for what, where, value in changes:
        if not content:
            break
        at = min(where, len(content) - 1) if where >= 1 else int(where * len(content))
        at = int(at)
        if what == "flip":
            content[at] ^= 1 << value % 8
        elif what == "byte":
            content[at] = value
        elif what == "number":
            size, code = ((2, "h"), (4, "i"), (8, "q"))[value % 3]
            number = NUMBERS[value % len(NUMBERS)] % 2 ** (8 * size)
            content[at : at + size] = struct.pack("<" + code.upper(), number)
        elif what == "cut":
            del content[at : None if value % 2 else at + value]
        elif what == "insert":
            content[at:at] = bytes([value]) * (value % 16)
        else:
            content[at:at] = content[at : at + value]
    return bytes(content)


@pytest.mark.parametrize("cases", [40, pytest.param(600, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", FORMATS)
def test_damaged_files(name, cases, tmp_path):
    original = FORMATS[name]()
    path = tmp_path / name
    path.write_bytes(original)
    assert isinstance(read_volume(path), Volume)
    refused = []

    @settings(
        max_examples=cases,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(damages())
    def check(changes):
        path.write_bytes(damaged(original, changes))
        before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                volume = read_volume(path)
            except VolumeError as error:
                refused.append(str(error))
            else:
                assert np.isfinite(volume.array).all()
                assert np.isfinite(volume.affine).all()
        assert time.monotonic() - started < SECONDS
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < BYTES

    check()
    assert len(refused) > cases / 20  # the damage is real
    assert all(name in message for message in refused)
