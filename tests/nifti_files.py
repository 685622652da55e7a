"""NIfTI files for the tests, whole and damaged, made with nibabel."""

import gzip

import nibabel as nib
import numpy as np
import pytest

from keras_mri_cyclegan.volumes import VolumeError, nifti

SHAPE = (5, 7, 3)
SUFFIXES = ("nii", "nii.gz", "hdr")
PROVENANCE = {
    "Synthetic": True,
    "Warning": "Synthetic, not for diagnosis.",
    "GeneratedBy": {"Name": "keras_mri_cyclegan", "Version": "0.3.1"},
}


def rotation(degrees=20.0):
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ [[1, 0, 0], [0, c, -s], [0, s, c]]


def oblique(zooms=(0.9, 1.1, 4.0)):
    affine = np.eye(4)
    affine[:3, :3] = rotation() @ np.diag(zooms)
    affine[:3, 3] = -90.5, 126.25, -72.1
    return affine


def voxels(dtype="int16", shape=SHAPE, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return rng.normal(0, 300, shape).astype(dtype)
    limits = np.iinfo(dtype)
    return rng.integers(max(limits.min, -1000), min(limits.max, 3000), shape).astype(dtype)


def image(data=None, affine=None, kind=nib.Nifti1Image, slope=None, inter=None, order="<"):
    """A nibabel image whose header holds something in every field that has to come back."""
    data = voxels() if data is None else data
    pair = {nib.Nifti1Image: nib.Nifti1Header, nib.Nifti2Image: nib.Nifti2Header}
    header = pair.get(kind, kind.header_class)(endianness=order)
    header.set_data_dtype(data.dtype)
    header.set_xyzt_units("mm", "sec")
    header["intent_code"], header["cal_max"], header["descrip"] = 1001, 2500, b"a scanner's words"
    header.extensions.append(nib.nifti1.Nifti1Extension("comment", b"kept"))
    made = kind(data, oblique() if affine is None else affine, header)
    made.set_sform(made.affine, 4)
    made.set_qform(made.affine, 1)
    if slope is not None:
        made.header.set_slope_inter(slope, inter)
    return made


def save(made, path):
    made.to_filename(path)
    return str(path)


def file(tmp_path, data=None, name="t1.nii", **kwargs):
    return save(image(data, **kwargs), tmp_path / name)


def raw_file(tmp_path, change=None, name="t1.nii", data=None, cls=nib.Nifti1Header, tail=b""):
    """A file whose header nibabel would not write: `change(header)` edits any field."""
    data = voxels() if data is None else data
    header = cls()
    header.set_data_shape(data.shape)
    header.set_data_dtype(data.dtype)
    header.set_sform(np.diag([1.0, 1.0, 2.0, 1.0]), 1)
    header["vox_offset"] = header.single_vox_offset
    if change is not None:
        change(header)
    content = header.binaryblock + b"\0" * 4 + data.tobytes(order="F") + tail
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    return str(path)


def setting(**fields):
    def change(header):
        for name, value in fields.items():
            header[name] = value

    return change


def refused(path, match, **kwargs):
    with pytest.raises(VolumeError, match=match) as caught:
        nifti.read(path, **kwargs)
    assert path in str(caught.value)
    return str(caught.value)


def written(volume, path, provenance=None):
    nifti.write(volume, str(path), provenance)
    return nib.load(path)
