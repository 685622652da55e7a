"""The brain mask of a head of balls."""

import numpy as np
from label_heads import ball_volume

from keras_mri_cyclegan.simulation import TISSUES, LabelHead, brain_mask, tissue_maps


def test_brain_and_the_fluid_near_it():
    maps = tissue_maps(LabelHead(ball_volume(2.0), "synthseg"), 96, 2.0, 2.0, position=-24)
    mask = brain_mask(maps, 2.0)
    rows, columns = np.indices(mask.shape)
    radius = np.hypot(rows - 47.5, columns - 47.5) * 2
    cut = np.sqrt(68**2 - 24**2)  # the cortex ends here
    assert mask[radius < cut - 3].all()
    assert not mask[radius > np.sqrt(72**2 - 24**2) + 3].any()
    fluid = maps[TISSUES.index("csf")] > 0.9
    assert mask[fluid].mean() > 0.5
