"""Effects beyond the signal equations: flow, magnetisation transfer, coil sensitivity."""

import numpy as np

from keras_mri_cyclegan.simulation.sequences import Sequence, TissueIntensities
from keras_mri_cyclegan.simulation.tissues import OUTSIDE

_STILL = 0.1  # of all images: blood that does not flow
_VOID, _INFLOW = (0.0, 0.5), (1.0, 3.0)
_LARGEST_SATURATION = 0.3
_PULSING = (0.7, 1.0)  # fluid that moves while a spin echo is refocused
_NEAR_THE_COIL, _FATTER = (0.7, 1.3), (0.9, 1.2)

# How much of a tissue's water exchanges with protons that are bound to large molecules, relative to
# white matter: none in fluids and fat. No measured values, but their order (Wolff and Balaban,
# Magn. Reson. Med. 10 (1989) 135; Stanisz et al., Magn. Reson. Med. 54 (2005) 507).
_BOUND = {
    "white_matter": 1.0,
    "nerve": 1.0,
    "brain_stem": 0.9,
    "pallidum": 0.9,
    "muscle": 0.9,
    "thalamus": 0.7,
    "caudate": 0.5,
    "putamen": 0.5,
    "grey_matter": 0.5,
    "lesion": 0.4,
    "tumour": 0.3,
    "oedema": 0.3,
}


def draw_gains(sequence: Sequence, rng: np.random.Generator) -> dict[str, float]:
    """Draw what the signals of some tissues are multiplied by in one image.

    Flow: blood that was excited leaves the slice before a spin echo is refocused (a flow void), and
    fresh blood is brighter than the saturated tissue around it in a gradient echo (Bradley and
    Waluch, Radiology 154 (1985) 443). In a tenth of the images the blood stands still. Fluid around
    the brain and in the ventricles pulses, and loses some of its signal in spin echoes.

    Magnetisation transfer: the pulses of the other slices saturate bound protons, which darkens
    white matter more than grey (Dixon et al., Magn. Reson. Imaging 8 (1990) 417), in spin echoes.

    Receive coils lie close to the scalp, so that what is outside of the skull is brighter in scans
    whose shading was not corrected; and how many protons of fat are seen differs from scanner to
    scanner.

    Args:
        sequence: An MR sequence.
        rng: `numpy.random.Generator`.

    Returns:
        A dictionary from names of tissues to factors; an empty one for `TissueIntensities`, which
        hold all this.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import SpinEcho, draw_gains
        >>> gains = draw_gains(SpinEcho(500, 14), np.random.default_rng(0))
        >>> 0.8 <= gains["white_matter"] < gains["grey_matter"] <= 1
        True
    """
    if isinstance(sequence, TissueIntensities):
        return {}
    moving = rng.random() > _STILL
    flow = rng.uniform(*(_INFLOW if sequence.gradient_echo else _VOID)) if moving else 1.0
    near = rng.uniform(*_NEAR_THE_COIL)
    gains = {"blood": flow} | dict.fromkeys(OUTSIDE, near)
    gains["fat"] *= rng.uniform(*_FATTER)
    if not sequence.gradient_echo:
        gains["csf"], gains["ventricle"] = rng.uniform(*_PULSING), rng.uniform(0.85, 1.0)
        saturation = rng.uniform(0, _LARGEST_SATURATION)
        for name, bound in _BOUND.items():
            gains[name] = gains.get(name, 1.0) * (1 - saturation * bound)
    return gains
