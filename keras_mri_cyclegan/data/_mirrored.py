"""Check that an augmentation mirrors images only along the patient's left-right axis."""

from collections.abc import Sequence
from typing import Any

from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.data.augmentation.random_flip import RandomFlip
from keras_mri_cyclegan.preprocessing import Cutter, Patches, Slices
from keras_mri_cyclegan.preprocessing.slices import PLANES

DIRECTIONS = {"A": "front to back", "P": "front to back", "S": "head to feet", "I": "head to feet"}


def notice_mirrored(augment: Sequence[Any], cutter: Cutter) -> None:
    """Notify of an augmentation that mirrors images along another axis than left-right.

    Args:
        augment: Augmentations; custom functions are not checked.
        cutter: The sampler that cuts scans into images.
    """
    if isinstance(cutter, Slices):
        plane, names = cutter.plane, ("", "height", "width")
    elif isinstance(cutter, Patches):
        plane, names = "axial", ("depth", "height", "width")
    else:
        return
    points = dict(zip(names, PLANES[plane], strict=True))
    for function in augment:
        if not isinstance(function, RandomFlip) or not function.probability:
            continue
        direction = DIRECTIONS.get(points.get(function.axis, ""))
        if direction is not None:
            way_out = (
                "leave it out, as `mri_augmentation('sagittal')` does"
                if plane == "sagittal"
                else "use `RandomFlip('width')`, as `mri_augmentation()` does"
            )
            notice(
                f"mirrored {direction}",
                "augment",
                f"{function!r} mirrors heads from {direction} in images of {cutter!r}, which "
                f"yields anatomy that does not exist. Expected a left-right flip, or no flip: "
                f"{way_out}.",
            )
