"""Detection of the air around the head, and of scans whose air is not the darkest."""

import dataclasses

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.volumes import Volume, VolumeError

APART = 0.05  # tolerance as a share of the scan's range, for noise and interpolation
ONE_VALUE, NOISE = 0.5, 0.8  # smallest share of air on the volume's edges: constant, noisy air
DARKER = 0.05  # share of darker voxels from which air counts as among tissue
SAMPLE = 2**18  # voxels of the subsample from which percentiles are computed


@dataclasses.dataclass(frozen=True)
class Air:
    """Intensity of the air around the head.

    Args:
        value: Intensity of air, the median if air is noisy.
        reach: Largest difference from `value` that still counts as air; 0 for constant air.
        darker: Share of the other voxels that are darker than air.
    """

    value: float
    reach: float
    darker: float


def air_among_tissue(volume: Volume) -> Air | None:
    """Return the air of a scan in which more than 5 % of the other voxels are darker, or `None`.

    Skull-stripped scans that were normalised to a mean of 0 have such air: it is 0, and half of
    the brain is darker.
    """
    air = _air(volume)
    return air if air is not None and air.darker > DARKER else None


def notice_bright_air(volume: Volume) -> None:
    """Warn if air is not the darkest part of a prepared scan, in [-1, 1]."""
    air = air_among_tissue(volume)
    if air is not None:
        notice(
            "air",
            volume.path,
            f"air is at {air.value:.2f} after the preprocessing, and {air.darker:.0%} of all other "
            "voxels are darker. Expected air to be the darkest, near -1, the value of padding. Put "
            "`ForegroundMask(blank=True)`, which makes air as dark as the darkest tissue, before "
            "the normalisation, or use a scan whose air is dark.",
        )


def check_range(volume: Volume) -> None:
    """Raise a `VolumeError` if an unnormalised scan is not in [-1, 1]; warn of [0, 1]."""
    low, high = float(volume.array.min()), float(volume.array.max())
    if low < -1 - _checks.RANGE_TOLERANCE or high > 1 + _checks.RANGE_TOLERANCE:
        raise VolumeError(
            volume.path,
            f"values in [{low:g}, {high:g}], and no step of the preprocessing normalises them. "
            "Expected [-1, 1]. Add a normalisation: `Percentile()`, `MinMax()`, `ZScore()`, "
            "`Nyul()` or `WhiteStripe()`.",
        )
    if low >= 0:
        notice(
            "[0, 1]",
            volume.path,
            f"values in [{low:g}, {high:g}], and no step of the preprocessing normalises them. "
            "Expected [-1, 1], air at -1. Add `MinMax()`.",
        )


def without_air(volume: Volume) -> np.ndarray:
    """Return a mask, `(i, j, k)`, of the voxels that are not air.

    These are the voxels brighter than air, or, if air lies among tissue, those that differ from
    air. If no constant air is found: the voxels above 0, or, in a scan with many values below 0,
    those above its lowest value.
    """
    air = _air(volume)
    if air is not None and air.darker > DARKER:
        return np.abs(volume.array - np.float32(air.value)) > air.reach
    if air is not None and not air.reach:
        return volume.array > air.value
    low, high = np.percentile(_sample(volume), (1, 99))
    lowest = float(volume.array.min()) if low < -APART * (high - low) else 0.0
    return volume.array > lowest


def _air(volume: Volume) -> Air | None:
    """Look for air on the twelve edges of the volume, which a head hardly ever touches."""
    lines = [np.moveaxis(volume.array, axis, 0) for axis in range(3)]
    edges = np.concatenate(
        [
            np.ravel(line[:, :: max(1, line.shape[1] - 1), :: max(1, line.shape[2] - 1)])
            for line in lines
        ]
    )
    middle = np.partition(edges, edges.size // 2)[edges.size // 2]
    values = _sample(volume)
    low, high = np.percentile(values, (0.5, 99.5))
    if low == high:
        return None
    reach = APART * float(high - low)
    one_value = np.mean(edges == middle) > ONE_VALUE
    if not one_value and np.mean(np.abs(edges - middle) <= reach) <= NOISE:
        return None
    others = values[values != middle] if one_value else values[np.abs(values - middle) > reach]
    below = middle - (reach if one_value else 2 * reach)  # excludes the noise of air itself
    darker = float(np.mean(others < below)) if others.size else 0.0
    return Air(float(middle), 0.0 if one_value else reach, darker)


def _sample(volume: Volume) -> np.ndarray:
    values = volume.array.reshape(-1)
    return values[:: max(1, values.size // SAMPLE)]
