"""An image in which each tissue has a given intensity, whatever sequence it may be of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.simulation.sequences.sequence import Sequence
from keras_mri_cyclegan.simulation.tissues import TISSUES, Tissue

# What is hardly ever told apart from a neighbour, and the most that it differs.
_LIKE = {
    "caudate": ("grey_matter", 0.05),
    "putamen": ("grey_matter", 0.07),
    "thalamus": ("grey_matter", 0.07),
    "pallidum": ("white_matter", 0.07),
    "brain_stem": ("white_matter", 0.05),
    "nerve": ("white_matter", 0.05),
    "ventricle": ("csf", 0.03),
    "vitreous": ("csf", 0.05),
    "choroid_plexus": ("csf", 0.2),
}


@dataclass(frozen=True)
class TissueIntensities(Sequence):
    """Intensities that were measured, or drawn, in the place of a signal equation.

    Args:
        intensities: The intensity of each tissue, at least 0, by name. A tissue that is not named
            has none.
        texture: How much the intensity changes within a tissue, by name: the change at one
            standard deviation of the water content. Defaults to none.
        scaled: Whether 1 is the brightest that an image can be. Otherwise the whole head's
            percentile is scaled to it, as with every sequence. Defaults to `False`.

    Raises:
        ValueError: A tissue that is not in `TISSUES`, or an intensity that is negative or not
            finite.

    Example:
        >>> from keras_mri_cyclegan.simulation import TissueIntensities
        >>> TissueIntensities({"csf": 0.9, "grey_matter": 0.4}).intensities["csf"]
        0.9
    """

    intensities: Mapping[str, float]
    texture: Mapping[str, float] = field(default_factory=dict)
    scaled: bool = False
    fat: float = field(default=1.0, init=False)

    def __post_init__(self) -> None:
        for name, values in (("intensities", self.intensities), ("texture", self.texture)):
            unknown = sorted(set(values) - set(TISSUES))
            if unknown:
                raise ValueError(f"`{name}` names tissues that are not known: {unknown}.")
        for name, value in self.intensities.items():
            _checks.weight(f"intensities[{name!r}]", value)
        for name, value in self.texture.items():
            _checks.weight(f"texture[{name!r}]", abs(value))
        _checks.one_of("scaled", self.scaled, (True, False))

    def signal(self, t1: Any, t2: Any, pd: Any) -> np.ndarray:
        """There is none: intensities are of tissues, whatever their relaxation times.

        Raises:
            ValueError: Always; `tissue_signals` has the intensities.
        """
        raise ValueError("`TissueIntensities` follow no signal equation: use `tissue_signals`.")

    def tissue_signals(
        self, tissues: Mapping[str, Tissue], field_strength: float = 1.5
    ) -> dict[str, float]:
        """The intensity of each tissue, whatever its relaxation times."""
        return {name: float(self.intensities.get(name, 0.0)) for name in tissues}

    def texture_signals(
        self, tissues: Mapping[str, Tissue], wetter: Mapping[str, Tissue], field_strength: float
    ) -> dict[str, float]:
        """The intensity of each tissue where its texture is one standard deviation."""
        signals = self.tissue_signals(tissues, field_strength)
        return {name: value + self.texture.get(name, 0.0) for name, value in signals.items()}


@dataclass(frozen=True)
class MeasuredTissues:
    """A contrast as it was measured in scans: each tissue's intensity, and how much it varies.

    A contrast of `SimulatedHeads`, for which `TissueIntensities` are drawn anew for each head.

    Args:
        intensities: The intensity of each tissue, by name: 0 is air and 1 the brightest.
        spreads: The standard deviation of the intensity of each tissue. Defaults to none.

    Raises:
        ValueError: As of `TissueIntensities`.
    """

    intensities: Mapping[str, float]
    spreads: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        TissueIntensities(self.intensities, self.spreads)
        for name, value in self.spreads.items():
            _checks.weight(f"spreads[{name!r}]", value)

    def draw(self, rng: np.random.Generator) -> TissueIntensities:
        """Draw one scan's intensities: some of the spread between scans, some within."""
        between = 0.6 * rng.standard_normal(len(self.intensities))
        within = 0.8 * rng.choice([-1.0, 1.0], len(self.intensities))
        intensities, texture = {}, {}
        for (name, value), b, w in zip(self.intensities.items(), between, within, strict=True):
            spread = self.spreads.get(name, 0.0)
            intensities[name] = max(0.0, value + float(b) * spread)
            texture[name] = float(w) * spread
        return TissueIntensities(intensities, texture, scaled=True)


def draw_intensities(rng: np.random.Generator) -> TissueIntensities:
    """Draw any contrast: an intensity for each tissue, with texture; neighbours stay alike."""
    names = [name for name in TISSUES if name != "soft_tissue"]
    intensities = dict(zip(names, rng.uniform(0, 1, len(names)).tolist(), strict=True))
    for name, (other, most) in _LIKE.items():
        changed = intensities[other] + rng.uniform(-most, most)
        intensities[name] = float(np.clip(changed, 0, 1))
    texture = rng.normal(0, 0.03, len(names)).tolist()
    return TissueIntensities(intensities, dict(zip(names, texture, strict=True)))
