"""A small head of concentric balls, as a label map of FreeSurfer's and CHARM's numbers."""

import numpy as np

from keras_mri_cyclegan.volumes import Volume

# Radius in mm and label, from outside inwards: skin, soft tissue, bone, CSF, cortex, white matter.
SHELLS = ((90, 511), (86, 507), (78, 515), (72, 24), (68, 3), (60, 2))


def ball_volume(spacing=4.0, radius=96.0):
    """A head in air: ventricles, thalami and a vein in the white matter, eyes in the front."""
    n = int(2 * radius / spacing)
    place = (np.arange(n) - (n - 1) / 2) * spacing
    x, y, z = np.meshgrid(place, place, place, indexing="ij")
    r = np.sqrt(x**2 + y**2 + z**2)
    labels = np.zeros((n, n, n), "float32")
    for outer, label in SHELLS:
        labels[r < outer] = label
    for side, ventricle, thalamus, eye in ((-1, 4, 10, 506), (1, 43, 49, 506)):
        labels[(x - side * 14) ** 2 + y**2 / 9 + z**2 < 10**2] = ventricle
        labels[(x - side * 30) ** 2 + y**2 + z**2 < 12**2] = thalamus
        labels[(x - side * 30) ** 2 + (y - 70) ** 2 + (z + 30) ** 2 < 12**2] = eye
    labels[(np.abs(x) < 4) & (y < -64) & (y > -72)] = 514
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = place[0]
    return Volume(labels, affine)
