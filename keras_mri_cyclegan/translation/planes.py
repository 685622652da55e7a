"""Samplers of the planes whose translations are averaged."""

from collections.abc import Sequence
from typing import Any

from keras_mri_cyclegan.preprocessing import Cutter, Slices
from keras_mri_cyclegan.preprocessing.slices import PLANES


def plane_cutters(cutter: Cutter, planes: Any) -> Sequence[Cutter]:
    """Return a sampler for each plane of the translation.

    Args:
        cutter: The sampler of the preprocessing.
        planes: Names out of `"axial"`, `"coronal"`, `"sagittal"`; `None` for the plane of
            `cutter`.

    Returns:
        Samplers, in the order of `planes`.

    Raises:
        ValueError: `planes` is empty, has another name or a name twice, or `cutter` has no planes.

    Example:
        >>> from keras_mri_cyclegan.preprocessing import Slices
        >>> from keras_mri_cyclegan.translation.planes import plane_cutters
        >>> [cutter.plane for cutter in plane_cutters(Slices(), ("coronal", "axial"))]
        ['coronal', 'axial']
    """
    if planes is None:
        return [cutter]
    names = list(planes) if isinstance(planes, (list, tuple)) else [planes]
    if not names or any(name not in PLANES for name in names) or len(set(names)) < len(names):
        raise ValueError(
            f"`planes` must be some of {', '.join(map(repr, PLANES))}, each once. Received: "
            f"{planes!r}."
        )
    if not isinstance(cutter, Slices):
        raise ValueError(
            f"`planes` is for slices, but the preprocessing samples with {cutter!r}. Pass "
            "planes=None: the volume is translated as a whole."
        )
    config = cutter.get_config()
    # `size` applies to training images of the original plane only.
    return [type(cutter).from_config({**config, "plane": name, "size": None}) for name in names]
