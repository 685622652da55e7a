"""Heads in several contrasts, clean and with scanner effects, from tissue maps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.simulation import sequences as mr
from keras_mri_cyclegan.simulation._ranges import checked_range
from keras_mri_cyclegan.simulation.brightness import Brightness
from keras_mri_cyclegan.simulation.contrast_images import (
    contrast_images,
    draw_tissues,
    signal_table,
)
from keras_mri_cyclegan.simulation.deformation import Deformation, warp
from keras_mri_cyclegan.simulation.fat_and_muscle import draw_fat_and_muscle
from keras_mri_cyclegan.simulation.gains import draw_gains
from keras_mri_cyclegan.simulation.head_maps import HeadMaps
from keras_mri_cyclegan.simulation.pathology import Pathology
from keras_mri_cyclegan.simulation.scanner import Scanner
from keras_mri_cyclegan.simulation.skull_strip import brain_mask
from keras_mri_cyclegan.simulation.smooth_field import smooth_field
from keras_mri_cyclegan.simulation.sulci import narrow_sulci
from keras_mri_cyclegan.simulation.tissues import OUTSIDE, TISSUES, checked_field

_BRIGHT = 99.5  # percentile of the head that becomes 1
_NARROWER = (-0.2, 0.9)  # amount of sulci
_CELLS = 5  # of the coil's shading, along each axis
_OUTSIDE = [TISSUES.index(name) for name in OUTSIDE]
_LEAST_HEAD = 0.03  # of a picture
_TRIES = 50


@dataclass(frozen=True, eq=False)
class SimulatedHead:
    """One head in several contrasts, pixel by pixel the same anatomy.

    Args:
        clean: Images without noise, bias field, blur and motion, by contrast: float32
            `([depth,] height, width, 1)` in [-1, 1], air -1.
        degraded: The same as a scanner would give them.
        tissues: float32 `([depth,] height, width, tissues)` in the order of `TISSUES`: of what the
            images show, the brain only if they are stripped.
        head: Boolean `([depth,] height, width)`: not air.
        brain: Boolean: what skull stripping leaves.
        stripped: Whether the images are of the brain only.
        field_strength: In tesla.
        sequences: The MR sequence of each contrast.
    """

    clean: dict[str, np.ndarray]
    degraded: dict[str, np.ndarray]
    tissues: np.ndarray
    head: np.ndarray
    brain: np.ndarray
    stripped: bool
    field_strength: float
    sequences: dict[str, mr.Sequence]


class SimulatedHeads:
    """An endless source of heads in several contrasts, each drawn anew.

    A slice's tissue maps are deformed; lesions and masses come in; tissues, field strength and
    timings are drawn; each contrast is computed, and degraded as a scanner would. Images are scaled
    so that the 99.5th percentile of the whole head (of its brain, if stripped), not of the slice,
    is 1 and air -1; what is brighter becomes 1, as `preprocessing.Percentile` has it.

    `heads[k]` depends on `seed` and `k` only.

    Args:
        maps: `HeadMaps`, of `draw_head_maps`.
        contrasts: Names as in `draw_sequence`, or a dictionary from names of your own to such
            a name, to a `Sequence` or `MeasuredTissues`, or to several of them, of which one is
            drawn each time.
            Defaults to `("t1", "t2", "flair")`.
        size: Size of the images, one integer or `([depth,] height, width)`. Defaults to the size of
            the maps.
        pixel: Side of a pixel in mm; finer maps give sharper images. Defaults to the maps'.
        field_strengths: The field strengths in tesla to draw from. Defaults to `(1.5, 3.0)`.
        texture: Range of the standard deviation of T1 within a tissue, relative. Defaults to
            `(0, 0.08)`.
        strip: Probability that the skull is stripped. Defaults to 0.5.
        deformation: A `Deformation`. Defaults to its defaults.
        pathology: A `Pathology`. Defaults to its defaults.
        scanner: A `Scanner`. Defaults to its defaults.
        seed: Seed of `heads[k]`, at least 0. Defaults to 0.

    Raises:
        ValueError: An argument out of its range.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.simulation import LabelHead, SimulatedHeads, draw_head_maps
        >>> from keras_mri_cyclegan.volumes import Volume
        >>> labels = np.zeros((20, 20, 20))
        >>> labels[2:18, 2:18, 2:18] = 3
        >>> labels[6:14, 6:14, 6:14] = 2
        >>> head = LabelHead(Volume(labels, np.diag([8, 8, 8, 1])), "freesurfer")
        >>> heads = SimulatedHeads(draw_head_maps([head], count=3, size=32, pixel=7), ("t1", "t2"))
        >>> one = heads[0]
        >>> one.degraded["t1"].shape, one.clean["t2"].shape, one.tissues.shape
        ((32, 32, 1), (32, 32, 1), (32, 32, 23))
        >>> t1, t2 = heads.pairs("t1", "t2", count=5)
        >>> t1.shape, t2.shape
        ((5, 32, 32, 1), (5, 32, 32, 1))
    """

    def __init__(
        self,
        maps: HeadMaps,
        contrasts: Sequence[str] | Mapping[str, Any] = ("t1", "t2", "flair"),
        size: int | Sequence[int] | None = None,
        pixel: float | None = None,
        field_strengths: Sequence[float] = (1.5, 3.0),
        texture: tuple[float, float] = (0.0, 0.08),
        strip: float = 0.5,
        deformation: Deformation | None = None,
        pathology: Pathology | None = None,
        scanner: Scanner | None = None,
        seed: int = 0,
    ):
        if not isinstance(maps, HeadMaps):
            raise ValueError(
                f"`maps` must be `HeadMaps`, of `draw_head_maps`. Received: {type(maps).__name__}."
            )
        self.maps = maps
        self.contrasts = _checked_contrasts(contrasts)
        self.size = _checked_size(size, maps.maps.shape[1:-1])
        self.pixel = maps.pixel if pixel is None else _checks.weight("pixel", pixel)
        if not self.pixel:
            raise ValueError(f"`pixel` must be above 0 (in mm). Received: {pixel!r}.")
        self.field_strengths = tuple(checked_field(value) for value in field_strengths)
        if not self.field_strengths:
            raise ValueError("`field_strengths` must hold at least one.")
        self.texture = checked_range("texture", texture)
        self.strip = _checks.weight("strip", strip)
        if self.strip > 1:
            raise ValueError(f"`strip` must be at most 1, a probability. Received: {strip!r}.")
        self.deformation = deformation or Deformation()
        self.pathology = pathology or Pathology()
        self.scanner = scanner or Scanner()
        self.seed = _checks.positive_int("seed", seed, minimum=0)
        self._brightness = Brightness(maps, _BRIGHT)
        self._places = np.array([TISSUES.index(name) for name in maps.tissues])

    def __getitem__(self, index: int) -> SimulatedHead:
        """Head number `index`, of at least 0; the same each time."""
        index = _checks.positive_int("index", index, minimum=0)
        return self.draw(np.random.default_rng([self.seed, index]))

    def draw(
        self, rng: np.random.Generator, contrasts: Sequence[str] | None = None
    ) -> SimulatedHead:
        """Draw a head.

        Args:
            rng: `numpy.random.Generator`.
            contrasts: The contrasts to compute, some of these heads'. Defaults to all.

        Returns:
            A `SimulatedHead`.

        Raises:
            ValueError: A contrast that these heads do not have; no head was in the field of view
                time and again.
        """
        names = tuple(self.contrasts) if contrasts is None else tuple(contrasts)
        for name in names:
            _checks.one_of("contrasts", name, tuple(self.contrasts))
        for _ in range(_TRIES):
            number = int(rng.integers(len(self.maps)))
            maps = self._draw_maps(number, rng)
            stripped = bool(rng.random() < self.strip)
            head = maps.sum(axis=0) > 0.5
            brain = brain_mask(maps, self.pixel)
            mask = brain if stripped else head
            if mask.mean() >= _LEAST_HEAD:
                whose = int(self.maps.heads[number])
                return self._images(names, whose, maps, head, brain, stripped, rng)
        raise ValueError(
            f"No head was in the field of view in {_TRIES} draws. Use a larger `size` or `pixel`, "
            "or smaller shifts in `deformation`."
        )

    def pairs(self, source: str, target: str, count: int, first: int = 0) -> tuple:
        """Degraded images of one contrast with the clean ones of another, as one needs to train.

        `UnpairedDataset(paired=heads.pairs("t1", "t2", count=200))`.

        Args:
            source: A contrast, degraded.
            target: Another one, clean.
            count: How many.
            first: The index of the first head. Defaults to 0.

        Returns:
            Two float32 arrays `(count, [depth,] height, width, 1)` in [-1, 1].

        Raises:
            ValueError: A contrast that these heads do not have.
        """
        for name, value in (("source", source), ("target", target)):
            _checks.one_of(name, value, tuple(self.contrasts))
        count = _checks.positive_int("count", count)
        heads = [self[first + k] for k in range(count)]
        return (
            np.stack([head.degraded[source] for head in heads]),
            np.stack([head.clean[target] for head in heads]),
        )

    def _draw_maps(self, number: int, rng: np.random.Generator) -> np.ndarray:
        """Deformed tissue maps with lesions: float32 `(tissues, *size)`."""
        stored = self.maps.maps[number]
        step = self.pixel / self.maps.pixel
        places = self.deformation.draw(stored.shape[:-1], self.size, step, rng)
        maps = np.zeros((len(TISSUES), *self.size), "float32")
        present = np.flatnonzero(stored.any(axis=tuple(range(len(self.size)))))
        maps[self._places[present]] = warp(stored[..., present], places)
        narrow_sulci(maps, rng.uniform(*_NARROWER))
        self.pathology.apply(maps, self.pixel, rng)
        draw_fat_and_muscle(maps, rng)
        return maps

    def _images(self, names, whose, maps, head, brain, stripped, rng) -> SimulatedHead:
        field_strength = self.field_strengths[rng.integers(len(self.field_strengths))]
        sequences = {name: _one_of(self.contrasts[name], rng, field_strength) for name in names}
        drawn = draw_tissues(field_strength, rng)
        each = list(sequences.values())
        gains = [draw_gains(sequence, rng) for sequence in each]
        texture = rng.uniform(*self.texture)
        images = contrast_images(maps, each, drawn, field_strength, texture, gains, rng)
        signals = signal_table(each, drawn, field_strength, gains)
        shading = [rng.uniform(*self.scanner.shading) for _ in each]
        bright = self._brightness(whose, stripped, signals, shading)
        mask = brain if stripped else None
        clean, degraded = {}, {}
        bright = [
            1.0 if isinstance(one, mr.TissueIntensities) and one.scaled else level
            for one, level in zip(each, bright, strict=True)
        ]
        outside = maps[_OUTSIDE].sum(axis=0)
        for name, image, level, spread in zip(sequences, images, bright, shading, strict=True):
            shade = np.exp(outside * np.float32(spread) * smooth_field(self.size, _CELLS, rng))
            clean[name] = _scaled(image, level, mask)
            degraded[name] = _scaled(self.scanner.degrade(image, level, rng, shade), level, mask)
        tissues = np.moveaxis(maps * brain if stripped else maps, 0, -1)
        return SimulatedHead(
            clean, degraded, tissues, head, brain, stripped, field_strength, sequences
        )


def _one_of(choices: tuple, rng: np.random.Generator, field_strength: float) -> mr.Sequence:
    choice = choices[rng.integers(len(choices))]
    if isinstance(choice, str):
        return mr.draw_sequence(choice, rng, field_strength)
    if isinstance(choice, mr.MeasuredTissues):
        return choice.draw(rng)
    return choice


def _scaled(image: np.ndarray, bright: float, mask: np.ndarray | None) -> np.ndarray:
    """Magnitudes to [-1, 1], air outside the mask, with the channel axis."""
    image = np.minimum(image * np.float32(2 / bright), np.float32(2))
    if mask is not None:
        image *= mask
    image -= np.float32(1)
    return image[..., None]


def _checked_contrasts(contrasts: Any) -> dict[str, tuple]:
    if isinstance(contrasts, str):
        contrasts = (contrasts,)
    named = dict(contrasts) if isinstance(contrasts, Mapping) else {c: c for c in contrasts}
    if not named:
        raise ValueError("`contrasts` must name at least one, for example ('t1', 't2').")
    several = {
        name: tuple(choices) if isinstance(choices, (tuple, list)) else (choices,)
        for name, choices in named.items()
    }
    for name, choices in several.items():
        if not choices:
            raise ValueError(f"`contrasts` must have a sequence for {name!r}. Received: none.")
        for choice in choices:
            if not isinstance(choice, (mr.Sequence, mr.MeasuredTissues)):
                _checks.one_of("contrasts", choice, mr.CONTRASTS)
    return several


def _checked_size(size: Any, source: tuple) -> tuple[int, ...]:
    if size is None:
        return tuple(source)
    sides = [size] * len(source) if isinstance(size, (int, np.integer)) else list(size)
    if len(sides) != len(source):
        raise ValueError(
            f"`size` must be one integer or {len(source)}, as the maps have axes. Received: "
            f"{size!r}."
        )
    return tuple(_checks.positive_int("size", side) for side in sides)
