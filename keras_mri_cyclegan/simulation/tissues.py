"""Tissues of a head: T1, T2 and proton density from 0.5 to 7 T.

An image depends on a tissue through the longitudinal relaxation time T1, the transverse relaxation
time T2 (both in ms, both change with the field) and the proton density PD (relative to
cerebrospinal fluid in BrainWeb's table). All are published values; where none was found for a
tissue, a neighbour's was taken, and the comment says so.

Sources:
    BrainWeb: the parameters of the McGill simulated brain database at 1.5 T; Kwan, Evans and
        Pike, IEEE Trans. Med. Imaging 18 (1999) 1085.
    Wright: Wright et al., MAGMA 21 (2008) 121. T1 in the same four people at 1.5 T, 3 T and 7 T.
    Gelman: Gelman et al., Radiology 210 (1999) 759. R2 = 1/T2 at 3 T: 14.4/s in prefrontal
        cortex, 18.0/s in frontal white matter, 25.8/s in the globus pallidus, and over the grey
        nuclei a straight line in the iron concentration that starts at 12.7/s. R2' = 1/T2* - 1/T2
        in the same way: 12.0/s in the globus pallidus, and a line that starts at 2.2/s.
    Hallgren: Hallgren and Sourander, J. Neurochem. 3 (1958) 41. Iron in mg per 100 g: globus
        pallidus 21.3, putamen 13.3, caudate nucleus 9.3, thalamus 4.8.
    Gach: Gach, Tanase and Boada, 19th Int. Conf. Systems Engineering (2008) 521. Scalp and
        marrow with T1 = A * B0**C, cerebrospinal fluid without dependence on the field.
    Lu: Lu et al., J. Magn. Reson. Imaging 22 (2005) 13. T2 is 12 % to 19 % shorter at 3 T.
    Stanisz: Stanisz et al., Magn. Reson. Med. 54 (2005) 507. Skeletal muscle at 3 T, blood at
        1.5 T and 3 T.
    Yacoub: Yacoub et al., Magn. Reson. Med. 49 (2003) 655. T2 of grey and white matter at 7 T.
    Rooney: Rooney et al., Magn. Reson. Med. 57 (2007) 308. T1 grows as a power of the field from
        0.2 T to 7 T.
    Bottomley: Bottomley et al., Med. Phys. 11 (1984) 425. T1 grows as a power of the field, T2
        hardly depends on it at low fields.
    Reichert: Reichert et al., Magn. Reson. Imaging 23 (2005) 611. Cortical bone: T1 140 ms to
        260 ms, T2* about 0.5 ms.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from keras_mri_cyclegan import _checks

LOWEST_FIELD, HIGHEST_FIELD = 0.5, 7.0  # tesla


class Tissue(NamedTuple):
    """Relaxation times in ms and proton density of one tissue at one field strength."""

    t1: float
    t2: float
    pd: float


def _nucleus_t2(iron: float) -> float:
    """T2 [ms] at 3 T of a grey nucleus: Gelman's line through Hallgren's iron."""
    slope = (25.8 - 12.7) / 21.3
    return 1000.0 / (12.7 + slope * iron)


def _nucleus_r2_prime(iron: float) -> float:
    """R2' [1/ms] at 3 T of a grey nucleus, in the same way."""
    slope = (12.0 - 2.2) / 21.3
    return (2.2 + slope * iron) / 1000.0


def mixture(a: Tissue, b: Tissue, share_of_b: float) -> Tissue:
    """A voxel's water that visits both tissues quickly: their relaxation rates are averaged."""
    share_of_a = 1 - share_of_b
    return Tissue(
        1 / (share_of_a / a.t1 + share_of_b / b.t1),
        1 / (share_of_a / a.t2 + share_of_b / b.t2),
        share_of_a * a.pd + share_of_b * b.pd,
    )


# T2 at 1.5 T over T2 at 3 T for the deep nuclei: cortical grey's, 83 ms (BrainWeb) over 69.4 ms
# (Gelman), which lies within the 12 % to 19 % of Lu.
_T2_RATIO = 83.0 * 14.4e-3

# Gach. In people at 3 T: T1 4309 ms and T2 1886 ms around the brain, 4454 ms and 2373 ms in the
# lateral ventricles (https://pmc.ncbi.nlm.nih.gov/articles/PMC10696635).
_CSF = Tissue(4200.0, 1990.0, 0.98)
_BONE = Tissue(200.0, 0.5, 0.2)  # Reichert; PD: a fifth of bone is water

# What was measured, by field strength in tesla.
_MEASURED: dict[str, dict[float, Tissue]] = {
    "white_matter": {
        1.5: Tissue(646.0, 70.0, 0.77),  # Wright; BrainWeb
        3.0: Tissue(838.0, 55.6, 0.77),  # Wright; Gelman; PD: BrainWeb
        7.0: Tissue(1126.0, 45.9, 0.77),  # Wright; Yacoub; PD: BrainWeb
    },
    "grey_matter": {
        1.5: Tissue(1197.0, 83.0, 0.86),  # Wright; BrainWeb
        3.0: Tissue(1607.0, 69.4, 0.86),  # Wright; Gelman; PD: BrainWeb
        7.0: Tissue(1939.0, 55.0, 0.86),  # Wright; Yacoub; PD: BrainWeb
    },
    "caudate": {
        1.5: Tissue(1109.0, _T2_RATIO * _nucleus_t2(9.3), 0.86),  # Wright; PD: cortex
        3.0: Tissue(1395.0, _nucleus_t2(9.3), 0.86),  # Wright; PD: cortex
        # Wright; T2 changes from 3 T as cortical grey matter's does.
        7.0: Tissue(1684.0, _nucleus_t2(9.3) * 55.0 / 69.4, 0.86),
    },
    "putamen": {
        1.5: Tissue(1084.0, _T2_RATIO * _nucleus_t2(13.3), 0.86),  # as the caudate nucleus
        3.0: Tissue(1332.0, _nucleus_t2(13.3), 0.86),
        7.0: Tissue(1644.0, _nucleus_t2(13.3) * 55.0 / 69.4, 0.86),
    },
    # T1 and PD of its neighbour, the white matter of the internal capsule.
    "pallidum": {
        1.5: Tissue(646.0, _T2_RATIO * _nucleus_t2(21.3), 0.77),
        3.0: Tissue(838.0, _nucleus_t2(21.3), 0.77),
        7.0: Tissue(1126.0, _nucleus_t2(21.3) * 55.0 / 69.4, 0.77),
    },
    # T1 of the putamen: among the 700 to 1400 ms of the thalamic nuclei (Deoni et al., Hum.
    # Brain Mapp. 25 (2005) 353). PD: cortex.
    "thalamus": {
        1.5: Tissue(1084.0, _T2_RATIO * _nucleus_t2(4.8), 0.86),
        3.0: Tissue(1332.0, _nucleus_t2(4.8), 0.86),
        7.0: Tissue(1644.0, _nucleus_t2(4.8) * 55.0 / 69.4, 0.86),
    },
    "csf": {1.5: _CSF},
    # BrainWeb, multiple sclerosis: T1 752 ms beside 500 ms of its white matter, kept in this
    # ratio to Wright's. None was found at 3 T: changed as white matter's T1 and T2 change.
    "lesion": {
        1.5: Tissue(646.0 * 752.0 / 500.0, 237.0, 0.76),
        3.0: Tissue(838.0 * 752.0 / 500.0, 237.0 * 55.6 / 70.0, 0.76),
    },
    "blood": {
        1.5: Tissue(1441.0, 290.0, 0.86),  # Stanisz; PD: grey matter
        3.0: Tissue(1932.0, 275.0, 0.86),
    },
    "fat": {
        1.5: Tissue(342.5, 70.0, 0.8),  # Gach, scalp: 324 * 1.5**0.137
        3.0: Tissue(376.6, 70.0, 0.8),  # Gach, scalp: 324 * 3**0.137
    },
    "muscle": {
        0.5: Tissue(900.0 * 428.0 / 646.0, 47.0, 1.0),  # changed as white matter's T1 changes
        1.5: Tissue(900.0, 47.0, 1.0),  # BrainWeb, muscle and skin
        3.0: Tissue(1412.0, 50.0, 1.0),  # Stanisz; PD: BrainWeb
        7.0: Tissue(1412.0 * 1126.0 / 838.0, 50.0, 1.0),  # changed as white matter's T1 changes
    },
    "marrow": {
        1.5: Tissue(552.4, 50.0, 0.8),  # Gach, marrow: 533 * 1.5**0.088; PD: fat's
        3.0: Tissue(587.1, 50.0, 0.8),  # Gach, marrow: 533 * 3**0.088; PD: fat's
    },
    "bone": {1.5: _BONE},
}

# Not measured values: white matter with this share of free water, so that T1 and T2 are long, as
# they are in every published tumour, and never as long as fluid's.
_FREE_WATER = {"tumour": 0.45, "oedema": 0.65}


def _with_neighbours(of: dict[str, Tissue]) -> dict[str, Tissue]:
    """The tissues of which no measurement was found, from their neighbours."""
    found = dict(of)
    found["brain_stem"] = mixture(of["white_matter"], of["thalamus"], 0.25)  # tracts and nuclei
    found["choroid_plexus"] = mixture(of["grey_matter"], of["csf"], 0.3)  # folds in fluid
    found["ventricle"] = found["vitreous"] = of["csf"]  # the vitreous body is nearly all water
    # BrainWeb's class "muscle/skin". Its class "skin" has fluid's T1 and T2, as no skin has.
    found["skin"] = of["muscle"]
    found["nerve"] = of["white_matter"]
    found["mucosa"] = mixture(of["muscle"], of["blood"], 0.55)  # rich in vessels
    for name, share in _FREE_WATER.items():
        found[name] = mixture(of["white_matter"], of["csf"], share)
    return found


# The order of the tissues in every map. "soft_tissue" is what a label map calls so without saying
# whether it is fat or muscle; it has no properties and must be divided first.
TISSUES = (
    "white_matter",
    "grey_matter",
    "caudate",
    "putamen",
    "pallidum",
    "thalamus",
    "brain_stem",
    "lesion",
    "tumour",
    "oedema",
    "ventricle",  # fluid in the ventricles
    "csf",  # fluid around the brain
    "nerve",  # spinal cord and optic nerve
    "choroid_plexus",
    "blood",
    "fat",
    "muscle",
    "soft_tissue",
    "mucosa",
    "skin",
    "bone",
    "marrow",
    "vitreous",
)

BRAIN = TISSUES[: TISSUES.index("ventricle")]
OUTSIDE = ("fat", "marrow", "skin", "muscle", "mucosa")  # of the skull, and near the coil
FATTY = ("fat", "marrow")  # what fat suppression darkens

# R2' = 1/T2* - 1/T2 at 1.5 T, in 1/ms, from BrainWeb's T2 and T2*; the nuclei: half of Gelman's at
# 3 T; other tissues: white matter's.
_R2_PRIME = {
    "grey_matter": 1 / 69 - 1 / 83,
    "white_matter": 1 / 61 - 1 / 70,
    "fat": 1 / 58 - 1 / 70,
    "muscle": 1 / 30 - 1 / 47,
    "csf": 1 / 58 - 1 / 329,
    "ventricle": 1 / 58 - 1 / 329,
    "lesion": 1 / 204 - 1 / 237,
    "caudate": _nucleus_r2_prime(9.3) / 2,
    "putamen": _nucleus_r2_prime(13.3) / 2,
    "pallidum": _nucleus_r2_prime(21.3) / 2,
    "thalamus": _nucleus_r2_prime(4.8) / 2,
}


def tissue_properties(field_strength: float = 1.5) -> dict[str, Tissue]:
    """T1 [ms], T2 [ms] and proton density of every tissue at a field strength.

    Between the measurements T1 and T2 follow a power of the field strength, and beyond them the
    power of the nearest two (Rooney; Bottomley), with one exception: below 1.5 T, T2 keeps its
    value (Bottomley).

    Args:
        field_strength: In tesla, from 0.5 to 7. Defaults to 1.5.

    Returns:
        A dictionary from the names in `TISSUES`, but for `"soft_tissue"`, to `Tissue(t1, t2, pd)`.

    Raises:
        ValueError: A field strength out of this range.

    Example:
        >>> from keras_mri_cyclegan.simulation import tissue_properties
        >>> tissue_properties(3.0)["white_matter"]
        Tissue(t1=838.0, t2=55.6, pd=0.77)
        >>> round(tissue_properties(0.5)["white_matter"].t1)
        428
    """
    field = checked_field(field_strength)
    measured = {
        name: Tissue(
            _power_law({b0: tissue.t1 for b0, tissue in of.items()}, field),
            _power_law({b0: tissue.t2 for b0, tissue in of.items()}, max(field, 1.5)),
            of[1.5].pd,
        )
        for name, of in _MEASURED.items()
    }
    found = _with_neighbours(measured)
    return {name: found[name] for name in TISSUES if name in found}


def effective_t2(field_strength: float = 1.5) -> dict[str, float]:
    """T2* [ms] of every tissue, the decay of a gradient echo.

    `1/T2* = 1/T2 + R2'`, where R2', the dephasing in an uneven field, is BrainWeb's at 1.5 T, or
    for the deep nuclei Gelman's at 3 T, and proportional to the field strength, as susceptibility
    is.

    Args:
        field_strength: In tesla, from 0.5 to 7. Defaults to 1.5.

    Returns:
        A dictionary from the names of the tissues to T2* in ms.

    Raises:
        ValueError: A field strength out of this range.

    Example:
        >>> from keras_mri_cyclegan.simulation import effective_t2
        >>> round(effective_t2(1.5)["grey_matter"], 6), round(effective_t2(7.0)["grey_matter"], 1)
        (69.0, 33.8)
    """
    of = tissue_properties(field_strength)
    t2 = np.array([tissue.t2 for tissue in of.values()])
    star = 1 / (1 / t2 + dephasing(of, field_strength))
    return dict(zip(of, star.tolist(), strict=True))


def dephasing(tissues: Iterable[str], field_strength: float) -> np.ndarray:
    """R2' in 1/ms of the named tissues, float64: what T2* has beyond T2."""
    usual = _R2_PRIME["white_matter"]
    return np.array([_R2_PRIME.get(name, usual) for name in tissues]) * field_strength / 1.5


def checked_field(value: float) -> float:
    """Return a field strength in tesla, if tissues are known there."""
    if not LOWEST_FIELD <= _checks.weight("field_strength", value) <= HIGHEST_FIELD:
        raise ValueError(
            f"`field_strength` must be from {LOWEST_FIELD:g} to {HIGHEST_FIELD:g} (tesla), where "
            f"relaxation times are known. Received: {value!r}."
        )
    return float(value)


def _power_law(values: dict[float, float], field: float) -> float:
    """The value at `field` on the curve that is straight in the logarithms of both."""
    if field in values:
        return values[field]
    fields = sorted(values)
    if len(fields) == 1:
        return values[fields[0]]
    k = min(max(int(np.searchsorted(fields, field)), 1), len(fields) - 1)
    low, high = fields[k - 1], fields[k]
    power = np.log(values[high] / values[low]) / np.log(high / low)
    return float(values[low] * (field / low) ** power)
