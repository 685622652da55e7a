"""Consistency checks of voxel sizes, among training scans and at translation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.preprocessing.cutter import Cutter
from keras_mri_cyclegan.preprocessing.normalization import is_number, short
from keras_mri_cyclegan.preprocessing.slices import PLANES, Slices
from keras_mri_cyclegan.volumes import Volume

# Relative tolerance of pixel sizes: human heads differ in size by about as much.
TOLERANCE = 0.05
# Thick slices: slice spacing of at least 2.5 pixels and at least 3 mm.
THICK, MILLIMETRES = 2.5, 3.0
WORLD = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}

Size = tuple[float, float, float]  # of a voxel: left-right, front-back, feet-head, in mm
Sizes = list[tuple[str, Size]]  # name of the scan and size of its voxels
Range = list[list[float]]  # smallest and largest voxel size of a domain's scans


def voxel_size(volume: Volume) -> Size | None:
    """Return the size of a volume's voxels, or `None` if its file format stores no geometry."""
    from nibabel.orientations import io_orientation

    if volume.header is not None and not volume.header.has_geometry:
        return None
    size = [0.0, 0.0, 0.0]
    for axis, world in enumerate(io_orientation(volume.affine)[:, 0]):
        size[int(world)] = volume.spacing[axis]
    return size[0], size[1], size[2]


def range_of(sizes: Sizes) -> Range:
    """Return the smallest and the largest voxel size along each axis."""
    all_sizes = np.array([size for _, size in sizes])
    return [all_sizes.min(0).tolist(), all_sizes.max(0).tolist()]


def of_range(domain: str, sizes: Range) -> Sizes:
    """Return the range of a domain's voxel sizes as `Sizes`, to compare with other scans."""
    low, high = (tuple(size) for size in sizes)
    return [(f"a scan of domain {domain}", low), (f"a scan of domain {domain}", high)]  # type: ignore[list-item]


def compare(sizes: Sizes, cutter: Cutter) -> None:
    """Warn if the pixel sizes of the training scans differ."""
    shown = _shown(cutter)
    if not sizes:
        return
    all_sizes = np.array([size for _, size in sizes])
    ratios = all_sizes.max(0) / all_sizes.min(0)
    axis = max(shown, key=lambda candidate: ratios[candidate])
    if ratios[axis] <= 1 + TOLERANCE:
        return
    (small, small_size), (large, large_size) = (
        sizes[int(pick(all_sizes[:, axis]))] for pick in (np.argmin, np.argmax)
    )
    notice(
        "spacing",
        small,
        f"pixels of {_listed(small_size, shown)} mm, but `{large}`, in the same training, has "
        f"pixels of {_listed(large_size, shown)} mm. Expected one pixel size, to {TOLERANCE:.0%}: "
        f"in the images of the network, equal heads differ in size by a factor of "
        f"{ratios[axis]:.2g}. Put {_resample(np.median(all_sizes, axis=0), shown)} after "
        "`Reorient()` in the preprocessing.",
    )


def notice_other_size(
    volume: Volume, trained: Range, domain: str, own: Cutter, cutter: Cutter | None = None
) -> None:
    """Warn if the pixel size of a prepared scan differs from that of the training scans.

    Args:
        volume: The prepared scan.
        trained: The range of voxel sizes of the training scans of `domain`.
        domain: `"a"` or `"b"`.
        own: The sampler of the training.
        cutter: The sampler of this translation. Defaults to `None`: that of the training.
    """
    size = voxel_size(volume)
    if size is None:
        return
    shown, trained_on = _shown(cutter or own), _shown(own)
    low, high = trained
    if all(
        low[expected] / (1 + TOLERANCE) <= size[axis] <= high[expected] * (1 + TOLERANCE)
        for axis, expected in zip(shown, trained_on, strict=True)
    ):
        return
    expected_sizes = _listed(low, trained_on)
    if expected_sizes != _listed(high, trained_on):
        expected_sizes += f" to {_listed(high, trained_on)}"
    turned = cutter is not None and shown != trained_on
    way_out = (
        "Leave this plane out of `planes`, or train on scans of equal spacing along all axes."
        if turned
        else f"Train with {_resample((np.array(low) + high) / 2, shown)} after `Reorient()` in the "
        "preprocessing: it brings every scan to this pixel size, and its translation back."
    )
    plane = f" in its {cutter.plane} slices" if turned and isinstance(cutter, Slices) else ""
    notice(
        f"trained spacing{plane}",
        volume.path,
        f"pixels of {_listed(size, shown)} mm{plane}, but the training scans of domain {domain} "
        f"have pixels of {expected_sizes} mm. Expected the same pixel size, to {TOLERANCE:.0%}: "
        f"networks are reliable only for heads of the size that they were trained on. {way_out}",
    )


def notice_cut_across(volume: Volume, cutter: Cutter) -> None:
    """Warn if a scan of thick slices is sampled in another plane than it was acquired in.

    Takes the scan as it was read, before any resampling.
    """
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
        f"thick {measured} slices, {apart:.3g} mm apart with pixels of {pixel:.3g} mm, but the "
        f"preprocessing extracts {cutter.plane} slices. Expected the plane of acquisition: "
        f"use `Slices({measured!r})`, or `head_preprocessing(plane={measured!r})`, "
        f"or scans that were acquired in the {cutter.plane} plane.",
    )


def checked_ranges(value: Any, domains: Sequence[str]) -> dict[str, Range]:
    """Validate ranges of voxel sizes by domain, as saved in a file."""
    good = isinstance(value, dict) and set(value) <= set(domains)
    for sizes in value.values() if good else ():
        good = good and isinstance(sizes, list) and len(sizes) == 2
        for size in sizes if good else ():
            good = good and isinstance(size, list) and len(size) == 3
            good = good and all(is_number(length) and length > 0 for length in size)
    if not good:
        raise ValueError(
            "A preprocessing's 'spacing' must give, for each domain, the smallest and the largest "
            f"voxel size, each as three numbers above 0. Received: {short(value)}."
        )
    return value


def _shown(cutter: Cutter) -> tuple[int, ...]:
    """Return the axes of the network's images, as indices into a `Size`.

    For single slices these are rows and columns; with neighbours, and for patches, all three.
    """
    plane = cutter.plane if isinstance(cutter, Slices) else "axial"
    axes = tuple(WORLD[letter] for letter in PLANES[plane])
    return axes[1:] if isinstance(cutter, Slices) and not cutter.neighbours else axes


def _listed(size: Sequence[float], shown: tuple[int, ...]) -> str:
    return " x ".join(f"{size[axis]:.3g}" for axis in shown)


def _resample(size: Any, shown: tuple[int, ...]) -> str:
    spacing = [f"{size[axis]:.2g}" if axis in shown else "None" for axis in range(3)]
    return f"`Resample(({', '.join(spacing)}))`"
