"""Images from tissue maps: the signal of each tissue, with texture."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_mri_cyclegan.simulation import sequences as mr
from keras_mri_cyclegan.simulation.smooth_field import smooth_field
from keras_mri_cyclegan.simulation.tissues import BRAIN, TISSUES, Tissue, mixture, tissue_properties

# Standard deviations of log T1, log T2 and log PD between people. Wright et al., MAGMA 21 (2008)
# 121, find 4 % to 11 % in T1 of one tissue; ill and extracranial tissue varies more.
_HEALTHY, _SICK = (0.05, 0.06, 0.02), (0.08, 0.1, 0.03)
_FLUIDS, _OUTSIDE = (0.015, 0.1, 0.01), (0.12, 0.12, 0.05)
_FLUID = ("csf", "ventricle", "vitreous")
_LESION_SHARE = (0.25, 1.0)
# Published T2 of muscle at 3 T: 34 ms (Pai et al., Magn. Reson. Imaging 26 (2008) 1215, mean over
# sequences) to 50 ms (Stanisz), which the table has.
_SHORTER_T2, _MUSCULAR = (0.66, 1.0), ("muscle", "skin")
_ILL = ("lesion", "tumour", "oedema")


def draw_tissues(field_strength: float, rng: np.random.Generator) -> dict[str, Tissue]:
    """Draw one person's tissues: the published values with the variation between people.

    Lesions are anything from a quarter of BrainWeb's (the rest white matter's) to all of it: those
    of most people are less bright in FLAIR than these. The T2 of muscle and skin is the table's or
    up to a third shorter, as publications differ by so much.

    Args:
        field_strength: In tesla, from 0.5 to 7.
        rng: `numpy.random.Generator`.

    Returns:
        A dictionary from the names of the tissues to their properties.
    """
    tissues = tissue_properties(field_strength)
    share = rng.uniform(*_LESION_SHARE)
    tissues["lesion"] = mixture(tissues["white_matter"], tissues["lesion"], share)
    spread = np.array([_spread(name) for name in tissues])
    factors = np.exp(spread * np.clip(rng.standard_normal(spread.shape), -2, 2))
    factors[[name in _MUSCULAR for name in tissues], 1] *= rng.uniform(*_SHORTER_T2)
    return {
        name: Tissue(*(np.array(tissue) * factor).tolist())
        for (name, tissue), factor in zip(tissues.items(), factors, strict=True)
    }


def _spread(name: str) -> tuple[float, float, float]:
    if name in _FLUID:
        return _FLUIDS
    if name in _ILL:
        return _SICK
    return _HEALTHY if name in BRAIN else _OUTSIDE


def contrast_images(
    maps: np.ndarray,
    sequences: Sequence[mr.Sequence],
    tissues: Mapping[str, Tissue],
    field_strength: float = 1.5,
    texture: float = 0.0,
    gains: Sequence[Mapping[str, float]] | None = None,
    rng: np.random.Generator | None = None,
) -> np.ndarray:
    """The magnitude images of one slice or volume in several contrasts.

    In a mixed pixel the tissues' signals are added before the magnitude is taken. Texture is a
    change of the water content from place to place, the same in all contrasts: where there is more,
    T1, T2 and PD are larger. Fluids have none.

    Args:
        maps: float32 array `(tissues, [depth,] height, width)` in the order of `TISSUES`; what is
            left as `"soft_tissue"` has no signal.
        sequences: One MR sequence for each image.
        tissues: Properties by name.
        field_strength: In tesla, for the dephasing of gradient echoes. Defaults to 1.5.
        texture: Standard deviation of the change of T1 within a tissue, relative. Defaults to 0.
        gains: What the signals of some tissues are multiplied by in each sequence, as of
            `draw_gains`. Defaults to none.
        rng: `numpy.random.Generator`, for the texture.

    Returns:
        float32 array `(sequences, [depth,] height, width)`, at least 0.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import (
        ...     TISSUES, SpinEcho, contrast_images, tissue_properties
        ... )
        >>> maps = np.zeros((len(TISSUES), 1, 2), "float32")
        >>> maps[TISSUES.index("white_matter"), 0, 0] = 1
        >>> maps[TISSUES.index("csf"), 0, 1] = 1
        >>> t1, t2 = contrast_images(maps, [SpinEcho(500, 14), SpinEcho(4000, 100)],
        ...                          tissue_properties())
        >>> bool(t1[0, 0] > t1[0, 1]), bool(t2[0, 0] < t2[0, 1])
        (True, True)
    """
    gains = [{}] * len(sequences) if gains is None else gains
    flat = maps.reshape(len(maps), -1)
    table = signal_table(sequences, tissues, field_strength, gains)
    if not texture:
        images = table @ flat
    else:
        if rng is None:
            raise ValueError("`rng` must be given where `texture` is above 0.")
        wetter = {
            name: _wetter(tissue, texture) if name not in _FLUID else tissue
            for name, tissue in tissues.items()
        }
        change = signal_table(sequences, tissues, field_strength, gains, wetter) - table
        both = (np.concatenate([table, change]) @ flat).reshape(2, len(sequences), -1)
        field = smooth_field(maps.shape[1:], int(rng.integers(5, 16)), rng)
        fine = smooth_field(maps.shape[1:], int(rng.integers(16, 64)), rng)
        images = both[0] + both[1] * (np.float32(0.7) * (field + fine)).ravel()
    return np.abs(images).reshape(len(sequences), *maps.shape[1:])


def _wetter(tissue: Tissue, share: float) -> Tissue:
    """T1, T2 and PD where there is more water: T1 and T2 change by `share`, PD by a quarter."""
    return Tissue(tissue.t1 * (1 + share), tissue.t2 * (1 + share), tissue.pd * (1 + share / 4))


def signal_table(
    sequences: Sequence[mr.Sequence],
    tissues: Mapping[str, Tissue],
    field_strength: float,
    gains: Sequence[Mapping[str, float]],
    wetter: Mapping[str, Tissue] | None = None,
) -> np.ndarray:
    """Signed signals of pure tissues, or of wetter ones: `(sequences, tissues)`, float32."""
    table = np.zeros((len(sequences), len(TISSUES)), "float32")
    places = [TISSUES.index(name) for name in tissues]
    for row, sequence, gain in zip(table, sequences, gains, strict=True):
        if wetter is None:
            signals = sequence.tissue_signals(tissues, field_strength)
        else:
            signals = sequence.texture_signals(tissues, wetter, field_strength)
        row[places] = list(signals.values())
        for name, factor in gain.items():
            row[TISSUES.index(name)] *= factor
    return table
