"""What is air in a scan, and whether it is the darkest as it should be."""

import dataclasses

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan._notices import notice
from keras_mri_cyclegan.volumes import Volume, VolumeError

APART = 0.05  # of the scan's range: noise and interpolation leave some voxels below air
ONE_VALUE, NOISE = 0.5, 0.8  # shares of the voxels on the edges that are air
DARKER = 0.05  # share of the voxels that are not air
SAMPLE = 2**18


@dataclasses.dataclass(frozen=True)
class Air:
    """The air around the head in a scan.

    Args:
        value: Its value, the middle one where it is noisy.
        reach: How far from `value` it still is air; 0 where all of it has one value.
        darker: The share of the other voxels that is darker than air.
    """

    value: float
    reach: float
    darker: float


def air_among_tissue(volume: Volume) -> Air | None:
    """Return the air of a scan in which many other voxels are darker than air, or else `None`.

    So it is in scans that were brought to a mean of 0 after their skull was stripped: air is 0,
    and half of the brain is below.
    """
    air = _air(volume)
    return air if air is not None and air.darker > DARKER else None


def notice_bright_air(volume: Volume) -> None:
    """Give notice if air is not the darkest of a prepared scan, in [-1, 1]."""
    air = air_among_tissue(volume)
    if air is not None:
        notice(
            "air",
            volume.path,
            f"air is at {air.value:.2f} after the preprocessing, and {air.darker:.0%} of all other "
            "voxels are darker. Expected air to be the darkest, near -1, as padding is. Put "
            "`ForegroundMask(blank=True)` in front of the normalisation, which makes air as dark "
            "as the darkest tissue, or use a scan whose air is dark.",
        )


def check_range(volume: Volume) -> None:
    """Raise a `VolumeError` if a scan that nothing normalises is not in [-1, 1]."""
    low, high = float(volume.array.min()), float(volume.array.max())
    if low < -1 - _checks.RANGE_TOLERANCE or high > 1 + _checks.RANGE_TOLERANCE:
        raise VolumeError(
            volume.path,
            f"values in [{low:g}, {high:g}], and no step of the preprocessing normalises them. "
            "Expected [-1, 1]. Add one: `Percentile()`, `MinMax()`, `ZScore()`, `Nyul()` or "
            "`WhiteStripe()`.",
        )
    if low >= 0:
        notice(
            "[0, 1]",
            volume.path,
            f"values in [{low:g}, {high:g}], and no step of the preprocessing normalises them. "
            "Expected [-1, 1], air at -1. Add `MinMax()`.",
        )


def without_air(volume: Volume) -> np.ndarray:
    """Return where `volume` is not air, `(i, j, k)`: what is brighter, or else what differs.

    Where air has no value of its own, that is what is above 0, or in a scan with many values below
    0 what is above its lowest.
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
    """Look for air on the twelve edges of the volume, where a head hardly ever is."""
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
    below = middle - (reach if one_value else 2 * reach)  # the noise of air itself does not count
    darker = float(np.mean(others < below)) if others.size else 0.0
    return Air(float(middle), 0.0 if one_value else reach, darker)


def _sample(volume: Volume) -> np.ndarray:
    values = volume.array.reshape(-1)
    return values[:: max(1, values.size // SAMPLE)]
