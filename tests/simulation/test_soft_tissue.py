"""Fat below the skin, at its depth."""

import numpy as np
import pytest

from keras_mri_cyclegan.simulation import TISSUES
from keras_mri_cyclegan.simulation.soft_tissue import divide_soft_tissue

NUMBER = {name: 1 + k for k, name in enumerate(TISSUES)}


@pytest.mark.parametrize("skin", [True, False])
def test_depth_of_fat_in_mm(skin):
    tissues = np.zeros((9, 9, 30), "uint8")
    tissues[..., 4:] = NUMBER["soft_tissue"]
    if skin:
        tissues[..., 4] = NUMBER["skin"]
    found = divide_soft_tissue(tissues, (1, 1, 0.5), fat_depth=3.0)[4, 4]
    first = 5 if skin else 4
    assert (found[first : first + 6] == NUMBER["fat"]).all()  # 6 voxels of 0.5 mm
    assert (found[first + 6 :] == NUMBER["soft_tissue"]).all()
    assert tissues[4, 4, 6] == NUMBER["soft_tissue"]  # the argument is as it was


def test_air_inside_is_not_the_outside():
    tissues = np.full((21, 21, 21), NUMBER["soft_tissue"], "uint8")
    tissues[:1] = 0
    tissues[14:16, 10:12, 10:12] = 0
    found = divide_soft_tissue(tissues, (1, 1, 1), fat_depth=2)
    assert (found[1:3] == NUMBER["fat"]).all()
    assert (found[13, 10:12, 10:12] == NUMBER["soft_tissue"]).all()


def test_eyes_lie_in_fat_and_nothing_else_changes():
    tissues = np.full((41, 41, 41), NUMBER["soft_tissue"], "uint8")
    tissues[18:23, 18:23, 18:23] = NUMBER["vitreous"]
    tissues[30:, :, :] = NUMBER["bone"]
    found = divide_soft_tissue(tissues, (1, 1, 1))
    assert found[20, 20, 26] == NUMBER["fat"]
    assert found[20, 20, 40] == NUMBER["soft_tissue"]
    assert ((found == tissues) | (tissues == NUMBER["soft_tissue"])).all()
