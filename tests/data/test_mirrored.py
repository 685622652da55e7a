import numpy as np
import pytest

from keras_mri_cyclegan.data import (
    RandomFlip,
    UnpairedDataset,
    VolumeImages,
    from_volumes,
    mri_augmentation,
)
from keras_mri_cyclegan.preprocessing import (
    MinMax,
    Patches,
    Preprocessing,
    Reorient,
    ScanWarning,
    Slices,
)
from keras_mri_cyclegan.volumes import Volume

SCANS = [
    [Volume(np.random.default_rng(k).uniform(0, 9, (8, 8, 8)), np.eye(4), path=f"{k}.nii")]
    for k in range(3)
]


def made(cutter, augment):
    chain = Preprocessing([Reorient(), MinMax()], cutter)
    return from_volumes(*SCANS[:2], chain, augment=augment, verbose=0)


@pytest.mark.parametrize(
    ("cutter", "augment", "direction"),
    [
        (Slices("sagittal"), mri_augmentation(), "front to back"),
        (Slices("sagittal"), RandomFlip(), "front to back"),
        (Slices("sagittal"), RandomFlip("height"), "head to feet"),
        (Slices("axial"), RandomFlip("height"), "front to back"),
        (Slices("coronal"), [RandomFlip("width"), RandomFlip("height")], "head to feet"),
        (Patches((4, 4, 4)), RandomFlip("height"), "front to back"),
        (Patches((4, 4, 4)), RandomFlip("depth"), "head to feet"),
    ],
)
def test_heads_that_are_mirrored_along_another_axis_than_left_right(cutter, augment, direction):
    with pytest.warns(ScanWarning, match=f"`augment`: RandomFlip.* from {direction}") as said:
        made(cutter, augment)
    assert len(said) == 1
    chain = Preprocessing([Reorient(), MinMax()], cutter)
    a, b, same = (VolumeImages(SCANS[k], chain, verbose=0) for k in (0, 1, 0))
    for arguments in (
        {"a": a, "b": b},
        {"paired": (a, same)},
        {"a": a, "b": b, "paired": (a, same)},
    ):
        with pytest.warns(ScanWarning, match=direction) as said:
            UnpairedDataset(**arguments, augment=augment)
        assert len(said) == 1


@pytest.mark.parametrize(
    ("cutter", "augment"),
    [
        (Slices("axial"), mri_augmentation()),
        (Slices("coronal"), mri_augmentation("coronal")),
        (Slices("sagittal"), mri_augmentation("sagittal")),
        (Patches((4, 4, 4)), mri_augmentation()),
        (Slices("sagittal"), RandomFlip(probability=0)),
        (Slices("sagittal"), lambda image, rng: image),
    ],
)
def test_left_and_right_may_change_places(cutter, augment):
    made(cutter, augment)  # a warning is an error here
