"""What each tissue of the phantom is to a scanner: T1, T2 and proton density.

Spin-echo images depend on a tissue through three numbers: the longitudinal relaxation time T1,
the transverse relaxation time T2 (both in ms, both change with the field) and the proton density
PD (relative to cerebrospinal fluid in BrainWeb's table). All are published values; where none
was found for a tissue, a neighbour's was taken, and the comment says so.

Sources:
    BrainWeb: the parameters of the McGill simulated brain database at 1.5 T; Kwan, Evans and
        Pike, IEEE Trans. Med. Imaging 18 (1999) 1085.
    Wright: Wright et al., MAGMA 21 (2008) 121. T1 in the same four people at 1.5 T and 3 T.
    Gelman: Gelman et al., Radiology 210 (1999) 759. R2 = 1/T2 at 3 T: 14.4/s in prefrontal
        cortex, 18.0/s in frontal white matter, 25.8/s in the globus pallidus, and over the grey
        nuclei a straight line in the iron concentration that starts at 12.7/s.
    Hallgren: Hallgren and Sourander, J. Neurochem. 3 (1958) 41. Iron in mg per 100 g: globus
        pallidus 21.3, putamen 13.3, caudate nucleus 9.3, thalamus 4.8.
    Gach: Gach, Tanase and Boada, 19th Int. Conf. Systems Engineering (2008) 501. Scalp and
        marrow with T1 = A * B0**C, cerebrospinal fluid without dependence on the field.
    Lu: Lu et al., J. Magn. Reson. Imaging 22 (2005) 13. T2 is 12 % to 19 % shorter at 3 T.
    Stanisz: Stanisz et al., Magn. Reson. Med. 54 (2005) 507. Skeletal muscle at 3 T.
"""

from typing import NamedTuple

import numpy as np


class Tissue(NamedTuple):
    """Relaxation times in ms and proton density of one tissue at one field strength."""

    t1: float
    t2: float
    pd: float


# The order of the last axis of every array of tissue fractions.
TISSUES = (
    "air",
    "muscle",  # and skin
    "fat",
    "bone",
    "marrow",
    "csf",
    "grey_matter",
    "white_matter",
    "caudate",
    "putamen",
    "pallidum",
    "thalamus",
    "lesion",
)

# T2 at 1.5 T over T2 at 3 T for the deep nuclei: cortical grey's, 83 ms (BrainWeb) over 69.4 ms
# (Gelman), which lies within the 12 % to 19 % of Lu.
_T2_RATIO = 83.0 * 14.4e-3


def _nucleus_t2(iron: float) -> float:
    """T2 [ms] at 3 T of a grey nucleus: Gelman's line through Hallgren's iron."""
    slope = (25.8 - 12.7) / 21.3
    return 1000.0 / (12.7 + slope * iron)


_NOTHING = Tissue(0.0, 0.0, 0.0)  # no signal at the echo times of a spin echo (BrainWeb)

_PROPERTIES = {
    1.5: {
        "air": _NOTHING,
        "muscle": Tissue(900.0, 47.0, 1.0),  # BrainWeb, muscle and skin
        "fat": Tissue(342.5, 70.0, 0.8),  # Gach, scalp: 324 * 1.5**0.137
        "bone": _NOTHING,
        "marrow": Tissue(552.4, 50.0, 0.8),  # Gach, marrow: 533 * 1.5**0.088; PD: fat's
        "csf": Tissue(4200.0, 1990.0, 0.98),  # Gach
        "grey_matter": Tissue(1197.0, 83.0, 0.86),  # Wright; BrainWeb
        "white_matter": Tissue(646.0, 70.0, 0.77),  # Wright; BrainWeb
        "caudate": Tissue(1109.0, _T2_RATIO * _nucleus_t2(9.3), 0.86),  # Wright; PD: cortex
        "putamen": Tissue(1084.0, _T2_RATIO * _nucleus_t2(13.3), 0.86),  # Wright; PD: cortex
        # T1 and PD of its neighbour, the white matter of the internal capsule.
        "pallidum": Tissue(646.0, _T2_RATIO * _nucleus_t2(21.3), 0.77),
        # T1 of the putamen: among the 700 to 1400 ms of the thalamic nuclei (Deoni et al., Hum.
        # Brain Mapp. 25 (2005) 353). PD: cortex.
        "thalamus": Tissue(1084.0, _T2_RATIO * _nucleus_t2(4.8), 0.86),
        # BrainWeb, multiple sclerosis: T1 752 ms beside 500 ms of its white matter, kept in
        # this ratio to Wright's.
        "lesion": Tissue(646.0 * 752.0 / 500.0, 237.0, 0.76),
    },
    3.0: {
        "air": _NOTHING,
        "muscle": Tissue(1412.0, 50.0, 1.0),  # Stanisz; PD: BrainWeb
        "fat": Tissue(376.6, 70.0, 0.8),  # Gach, scalp: 324 * 3**0.137
        "bone": _NOTHING,
        "marrow": Tissue(587.1, 50.0, 0.8),  # Gach, marrow: 533 * 3**0.088; PD: fat's
        "csf": Tissue(4200.0, 1990.0, 0.98),  # Gach
        "grey_matter": Tissue(1607.0, 69.4, 0.86),  # Wright; Gelman; PD: BrainWeb
        "white_matter": Tissue(838.0, 55.6, 0.77),  # Wright; Gelman; PD: BrainWeb
        "caudate": Tissue(1395.0, _nucleus_t2(9.3), 0.86),  # Wright; PD: cortex
        "putamen": Tissue(1332.0, _nucleus_t2(13.3), 0.86),  # Wright; PD: cortex
        "pallidum": Tissue(838.0, _nucleus_t2(21.3), 0.77),  # T1, PD: white matter
        "thalamus": Tissue(1332.0, _nucleus_t2(4.8), 0.86),  # T1: putamen; PD: cortex
        # None was found at 3 T: BrainWeb's at 1.5 T, changed as white matter's T1 and T2 change.
        "lesion": Tissue(838.0 * 752.0 / 500.0, 237.0 * 55.6 / 70.0, 0.76),
    },
}


def tissue_properties(field_strength: float = 1.5) -> dict[str, Tissue]:
    """T1 [ms], T2 [ms] and proton density of every tissue of the phantom.

    Args:
        field_strength: 1.5 or 3.0 tesla. Defaults to 1.5.

    Returns:
        A dictionary from the names in `TISSUES`, in their order, to `Tissue(t1, t2, pd)`. Air
        and cortical bone have no signal, which is written as three zeros.

    Raises:
        ValueError: Another field strength.

    Example:
        >>> from keras_mri_cyclegan.datasets.phantom import tissue_properties
        >>> tissue_properties(3.0)["white_matter"].t1
        838.0
    """
    if isinstance(field_strength, bool) or field_strength not in _PROPERTIES:
        raise ValueError(
            "`field_strength` must be 1.5 or 3.0 (tesla), for which relaxation times are known. "
            f"Received: {field_strength!r}."
        )
    found = _PROPERTIES[float(field_strength)]
    return {name: found[name] for name in TISSUES}


def property_arrays(field_strength: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T1, T2 and PD as float64 arrays in the order of `TISSUES`."""
    table = np.array(list(tissue_properties(field_strength).values()), dtype="float64")
    return table[:, 0], table[:, 1], table[:, 2]
