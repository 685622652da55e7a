import numpy as np
import pytest

from keras_mri_cyclegan.preprocessing import Patches, Slices
from keras_mri_cyclegan.translation.planes import plane_cutters
from keras_mri_cyclegan.volumes import Volume


def test_none_is_the_cutters_own_plane():
    cutter = Slices("coronal", size=(8, 8))
    assert plane_cutters(cutter, None) == [cutter]


def test_every_plane_keeps_the_neighbours():
    scan = Volume(np.random.default_rng(0).normal(size=(5, 6, 7)), np.eye(4))
    cutters = plane_cutters(Slices("axial", neighbours=1), ["sagittal", "axial"])
    assert [cutter.cut(scan).shape for cutter in cutters] == [(5, 7, 6, 3), (7, 6, 5, 3)]


def test_one_name_is_one_plane():
    (cutter,) = plane_cutters(Slices(), "sagittal")
    assert cutter.plane == "sagittal"


@pytest.mark.parametrize("planes", [(), ("axial", "axial"), 3, ("oblique",), "top", (3,)])
def test_other_planes_are_an_error(planes):
    with pytest.raises(ValueError, match="`planes` must be some of 'axial', 'coronal'"):
        plane_cutters(Slices(), planes)


def test_patches_have_no_planes():
    with pytest.raises(ValueError, match="planes=None"):
        plane_cutters(Patches((4, 4, 4)), ("axial",))
