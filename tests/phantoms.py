"""Scans and images that tests make up."""

import itertools

import numpy as np

from keras_mri_cyclegan.volumes import Volume

ORIENTATIONS = [
    "".join(letters)
    for axes in itertools.permutations(("RL", "AP", "SI"))
    for letters in itertools.product(*axes)
]


def rng(seed=0):
    return np.random.default_rng(seed)


def image(*shape):
    """Return one image of random values in [-1, 1]."""
    return rng(7).uniform(-1, 1, shape).astype("float32")


def affine(orientation="RAS", tilt=0.0, spacing=(0.8, 1.1, 2.5)):
    """Return the affine of axes that point as `orientation` says, turned by `tilt` radians."""
    found = np.eye(4)
    for axis, letter in enumerate(orientation):
        world = next(i for i, pair in enumerate(("RL", "AP", "SI")) if letter in pair)
        found[:3, axis] = 0
        found[world, axis] = (1 if letter in "RAS" else -1) * spacing[axis]
    a, b = np.cos(tilt), np.sin(tilt)
    turn = np.array([[a, -b, 0], [b, a, 0], [0, 0, 1]]) @ [[1, 0, 0], [0, a, -b], [0, b, a]]
    found[:3, :3] = turn @ found[:3, :3]
    found[:3, 3] = (3, -20, 11.5)
    return found


def scan(orientation="RAS", tilt=0.0, shape=(5, 7, 9), seed=0, scale=300.0, **arguments):
    """Return a scan of odd sizes whose spacings and voxels are all different.

    Its values have a mean of a third of `scale` and a standard deviation of `scale`;
    `arguments` are more of those of `Volume`.
    """
    array = rng(seed).normal(scale / 3, scale, shape).astype("float32")
    return Volume(array, affine(orientation, tilt), **{"path": "scan.nii", **arguments})


class ReferenceImage:
    """An image as `intensity_normalization` takes it, in float64."""

    def __init__(self, array):
        self.array = np.asarray(array, "float64")

    def get_data(self):
        return self.array

    def with_data(self, array):
        return ReferenceImage(array)
