"""The size of voxels: alike in the scans of a training, and in those that are translated later."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.preprocessing.cutter import Cutter
from keras_mri_cyclegan.preprocessing.normalization import is_number, short
from keras_mri_cyclegan.preprocessing.slices import PLANES, Slices
from keras_mri_cyclegan.volumes import Volume

# Heads differ in size by as much among people.
TOLERANCE = 0.05
THICK, MILLIMETRES = 2.5, 3.0  # slices that are so many pixels, and so many mm, apart
WORLD = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}

Size = tuple[float, float, float]  # of a voxel: left-right, front-back, feet-head, in mm
Sizes = list[tuple[str, Size]]  # with the name of the scan
Range = list[list[float]]  # the smallest and the largest size of the scans of a domain


def voxel_size(volume: Volume) -> Size | None:
    """Return the size of a volume's voxels, or `None` if its file says nothing of it."""
    from nibabel.orientations import io_orientation

    if volume.header is not None and not volume.header.has_geometry:
        return None
    size = [0.0, 0.0, 0.0]
    for axis, world in enumerate(io_orientation(volume.affine)[:, 0]):
        size[int(world)] = volume.spacing[axis]
    return size[0], size[1], size[2]


def range_of(sizes: Sizes) -> Range:
    """Return the smallest and the largest size along each axis."""
    all_sizes = np.array([size for _, size in sizes])
    return [all_sizes.min(0).tolist(), all_sizes.max(0).tolist()]


def of_range(domain: str, found: Range) -> Sizes:
    """Return what was kept of a domain's scans as sizes to compare with others."""
    low, high = (tuple(size) for size in found)
    return [(f"a scan of domain {domain}", low), (f"a scan of domain {domain}", high)]  # type: ignore[list-item]


def compare(sizes: Sizes, cutter: Cutter) -> None:
    """Give notice if the scans of one training differ in the size of their pixels."""
    shown = _shown(cutter)
    if not sizes:
        return
    all_sizes = np.array([size for _, size in sizes])
    ratios = all_sizes.max(0) / all_sizes.min(0)
    axis = max(shown, key=lambda one: ratios[one])
    if ratios[axis] <= 1 + TOLERANCE:
        return
    (small, small_size), (large, large_size) = (
        sizes[int(pick(all_sizes[:, axis]))] for pick in (np.argmin, np.argmax)
    )
    notice(
        "spacing",
        small,
        f"pixels of {_listed(small_size, shown)} mm, and those of `{large}` have "
        f"{_listed(large_size, shown)} mm, in the same training. Expected one size, to "
        f"{TOLERANCE:.0%}: one head is {ratios[axis]:.2g} times as large as another in the images "
        f"that a network sees. Put {_resample(np.median(all_sizes, axis=0), shown)} after "
        "`Reorient()` in the preprocessing.",
    )


def notice_other_size(
    volume: Volume, trained: Range, domain: str, own: Cutter, cutter: Cutter | None = None
) -> None:
    """Give notice if a prepared scan's pixels are not of the size that was trained on.

    Args:
        volume: The scan, prepared.
        trained: The range of the training scans of its domain.
        domain: `"a"` or `"b"`.
        own: The cutter of the training.
        cutter: The one that cuts now. Defaults to `None`: the same.
    """
    size = voxel_size(volume)
    if size is None:
        return
    shown, trained_on = _shown(cutter or own), _shown(own)
    low, high = trained
    if all(
        low[there] / (1 + TOLERANCE) <= size[here] <= high[there] * (1 + TOLERANCE)
        for here, there in zip(shown, trained_on, strict=True)
    ):
        return
    were = _listed(low, trained_on)
    if were != _listed(high, trained_on):
        were += f" to {_listed(high, trained_on)}"
    turned = cutter is not None and shown != trained_on
    way_out = (
        "Leave this plane out of `planes`, or train with scans of equal spacing along all axes."
        if turned
        else f"Train with {_resample((np.array(low) + high) / 2, shown)} after `Reorient()` in the "
        "preprocessing, which brings every scan to this size, and back after its translation."
    )
    plane = f" in its {cutter.plane} slices" if turned and isinstance(cutter, Slices) else ""
    notice(
        f"trained spacing{plane}",
        volume.path,
        f"pixels of {_listed(size, shown)} mm{plane}, and the scans of domain {domain} that the "
        f"preprocessing was fitted on have {were} mm. Expected the same size, to {TOLERANCE:.0%}: "
        f"a network knows heads of the size that it was trained on. {way_out}",
    )


def notice_cut_across(volume: Volume, cutter: Cutter) -> None:
    """Give notice if a scan of thick slices, as it was read, is cut across them."""
    size = voxel_size(volume)
    if size is None or not isinstance(cutter, Slices):
        return
    apart, pixel = sorted(size)[2], sorted(size)[1]
    measured = next(name for name, codes in PLANES.items() if size[WORLD[codes[0]]] == apart)
    if apart < max(THICK * pixel, MILLIMETRES) or measured == cutter.plane:
        return
    notice(
        "plane",
        volume.path,
        f"its slices are {measured}, {apart:.3g} mm apart with pixels of {pixel:.3g} mm, and the "
        f"preprocessing cuts it across them, into {cutter.plane} slices. Expected slices as they "
        f"were measured: use `Slices({measured!r})`, or `head_preprocessing(plane={measured!r})`, "
        f"or scans that were measured in the {cutter.plane} plane.",
    )


def checked_ranges(value: Any, domains: Sequence[str]) -> dict[str, Range]:
    """Return `value` if it is what `range_of` gives, for some of `domains`."""
    good = isinstance(value, dict) and set(value) <= set(domains)
    for found in value.values() if good else ():
        good = good and isinstance(found, list) and len(found) == 2
        for size in found if good else ():
            good = good and isinstance(size, list) and len(size) == 3
            good = good and all(is_number(one) and one > 0 for one in size)
    if not good:
        raise ValueError(
            "A preprocessing's 'spacing' must give, for each domain, the smallest and the largest "
            f"size of a voxel, three numbers above 0 each. Received: {short(value)}."
        )
    return value


def _shown(cutter: Cutter) -> tuple[int, ...]:
    """Return the axes that a network sees, as indices into a `Size`; of slices rows and columns."""
    plane = cutter.plane if isinstance(cutter, Slices) else "axial"
    axes = tuple(WORLD[letter] for letter in PLANES[plane])
    return axes[1:] if isinstance(cutter, Slices) and not cutter.neighbours else axes


def _listed(size: Sequence[float], shown: tuple[int, ...]) -> str:
    return " x ".join(f"{size[axis]:.3g}" for axis in shown)


def _resample(size: Any, shown: tuple[int, ...]) -> str:
    wanted = [f"{size[axis]:.2g}" if axis in shown else "None" for axis in range(3)]
    return f"`Resample(({', '.join(wanted)}))`"
