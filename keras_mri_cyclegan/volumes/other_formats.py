"""Unsupported formats, and how to convert them."""

import os
from collections.abc import Iterable

from keras_mri_cyclegan.volumes.names import MODULES, suffix_of

SIMPLE_ITK = "`SimpleITK.WriteImage(SimpleITK.ReadImage(path), 't1.nii.gz')` converts it"
UNPACK = "unpack it first: `{} FILE`"
PICTURE = (
    "lossy, or of colours: take the original scans, or make a grey PNG of it with "
    "`PIL.Image.open(path).convert('L').save('1.png')`"
)
PAR = "`parrec2 FILE.par` of nibabel converts it"
MIF = "`mrconvert FILE t1.nii.gz` of MRtrix converts it"
TORCH = "`numpy.save('t1.npy', torch.load(path).numpy())`"
WAYS = {
    **dict.fromkeys((".nrrd", ".nhdr", ".mha", ".mhd", ".gipl", ".vtk"), SIMPLE_ITK),
    ".mat": (
        "one of version 7.3 is HDF5: copy it to a name with `.h5`; an older one: "
        "`numpy.save('t1.npy', scipy.io.loadmat(path)['name'])`"
    ),
    **dict.fromkeys((".bz2", ".tbz2"), UNPACK.format("bunzip2")),
    ".xz": UNPACK.format("unxz"),
    ".zst": UNPACK.format("unzstd"),
    ".zip": UNPACK.format("unzip"),
    ".7z": UNPACK.format("7z x"),
    **dict.fromkeys((".tar", ".tgz", ".tar.gz"), UNPACK.format("tar xf")),
    ".gz": UNPACK.format("gunzip"),
    **dict.fromkeys((".par", ".rec"), PAR),
    **dict.fromkeys((".head", ".brik"), "`3dAFNItoNIFTI` of AFNI converts it"),
    **dict.fromkeys((".mif", ".mih", ".mif.gz"), MIF),
    **dict.fromkeys((".jpg", ".jpeg", ".bmp", ".gif", ".webp"), PICTURE),
    **dict.fromkeys((".pt", ".pth"), TORCH),
    ".raw": "`Volume(numpy.fromfile(path, dtype).reshape(shape), affine)`, if you know the three",
    ".v": "convert ECAT with nibabel: `nibabel.save(nibabel.load(path), 't1.nii.gz')`",
}


def ways_from(paths: Iterable[str]) -> str:
    """Return sentences on how to convert these files to a supported format.

    Example:
        >>> from keras_mri_cyclegan.volumes.other_formats import ways_from
        >>> ways_from(["t1.nii.bz2", "t1.json", "t2.nii.gz"])
        ' For .bz2: unpack it first: `bunzip2 FILE`.'
    """
    suffixes = [
        suffix
        for path in paths
        if suffix_of(path) not in MODULES
        for suffix in (suffix_of(path), os.path.splitext(path)[1].lower())
        if suffix in WAYS
    ]
    known = list(dict.fromkeys(suffixes))
    return "".join(f" For {suffix}: {WAYS[suffix]}." for suffix in known[:3])
