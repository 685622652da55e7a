"""Tissue intensities of one contrast, measured in unpaired scans."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.networks import tissue_segmenter
from keras_mri_cyclegan.simulation import (
    TISSUES,
    MeasuredTissues,
    draw_sequence,
    draw_tissues,
)

SURE = 0.5  # share of a pixel from which it counts as one tissue
LEAST = 300  # pixels of a tissue, below which it was not seen
UNSEEN_SPREAD = 0.1  # of the intensity of a tissue that was not seen
DRAWS = 40
STRIDE = 16  # of the taught network
NO_TISSUE = (
    "No tissue was found in {}. They must be heads with air at -1, axial slices with the front on "
    "top, and pixels of 0.9 to 1.8 mm: `keras_mri_cyclegan.preprocessing.head_preprocessing`."
)

# Where no contrast is named, an unseen tissue is as bright as its neighbour.
_NEIGHBOURS = {
    "caudate": "grey_matter",
    "putamen": "grey_matter",
    "thalamus": "grey_matter",
    "pallidum": "white_matter",
    "brain_stem": "white_matter",
    "nerve": "white_matter",
    "lesion": "grey_matter",
    "tumour": "grey_matter",
    "oedema": "grey_matter",
    "ventricle": "csf",
    "vitreous": "csf",
    "choroid_plexus": "grey_matter",
    "blood": "grey_matter",
    "mucosa": "muscle",
    "skin": "muscle",
    "marrow": "fat",
}


@_checks.one_range_warning()
def measure_contrast(
    images: Any,
    contrast: str | None = None,
    segmenter: keras.Model | None = None,
    batch_size: int = 8,
) -> MeasuredTissues:
    """Measure each tissue's intensity in unpaired scans of one contrast.

    A network finds the tissues; an intensity is the median over pixels of which one tissue has more
    than half, 300 at least. A tissue that is not seen (bone in stripped heads, tumours) has what
    the signal equations of the named contrast say at 1.5 T, in proportion to the tissues that are
    seen; without a name, its neighbour's, or the median of all.

    Args:
        images: Images `(images, height, width, 1)` in [-1, 1], air -1; each size a multiple of 16.
        contrast: The name of the contrast, as in `contrast_generator`, or `None` for one without.
            Defaults to `None`.
        segmenter: What finds the tissues. Defaults to `tissue_segmenter(contrast)`.
        batch_size: Images at once. Defaults to 8.

    Returns:
        `MeasuredTissues`, from which `SimulatedHeads` simulates this contrast: 0 is air, 1 the
        brightest. Check its table by eye.

    Raises:
        ValueError: Images that are not as above, an unknown contrast, or no tissue was found.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, _ = kmc.datasets.load_phantom(slices=4, size=96)
        >>> found = kmc.recipes.measure_contrast(t1, "t1").intensities
        >>> found["csf"] < found["grey_matter"] < found["white_matter"]
        True
    """
    images = checked_heads("images", images)
    segmenter = tissue_segmenter(contrast) if segmenter is None else segmenter
    shares = segmenter.predict(images, batch_size=batch_size, verbose=0)
    seen = seen_tissues(images, shares)
    if not seen:
        raise ValueError(NO_TISSUE.format("`images`"))
    intensities = {name: (median + 1) / 2 for name, (median, _) in seen.items()}
    spreads = {name: spread / 2 for name, (_, spread) in seen.items()}
    unseen = _named(contrast, intensities) if contrast else _neighbours(intensities)
    for name, value in unseen.items():
        intensities.setdefault(name, value)
        spreads.setdefault(name, UNSEEN_SPREAD * value)
    return MeasuredTissues(intensities, spreads)


def seen_tissues(images: Any, shares: np.ndarray) -> dict[str, tuple[float, float]]:
    """Intensity of each tissue of which enough is seen.

    Args:
        images: Images `(images, height, width, 1)` in [-1, 1].
        shares: Their tissues, `(images, height, width, 24)`, as of `tissue_segmenter`.

    Returns:
        A dictionary from the names in `TISSUES` to the median, and the standard deviation by the
        median absolute deviation, in [-1, 1].
    """
    values = np.asarray(images)[..., 0]
    found = {}
    for place, name in enumerate(TISSUES):
        inside = values[shares[..., place] > SURE]
        if inside.size >= LEAST:
            median = float(np.median(inside))
            found[name] = median, 1.4826 * float(np.median(np.abs(inside - median)))
    return found


def checked_heads(name: str, images: Any) -> np.ndarray:
    """Return images of one channel and of sizes that the taught network can take, as float32."""
    array = _checks.images(name, images)
    if array.ndim != 4 or array.shape[-1] != 1 or any(n % STRIDE for n in array.shape[1:3]):
        raise ValueError(
            f"`{name}` must be (images, height, width, 1), each size a multiple of {STRIDE}. "
            f"Received: {array.shape}. Pad them with -1: `Slices(size=...)`."
        )
    _checks.warn_range(name, array)
    return array


def _named(contrast: str, seen: dict[str, float]) -> dict[str, float]:
    """What the signal equations say, in proportion to the tissues that are seen."""
    rng = np.random.default_rng(0)
    names = [name for name in TISSUES if name != "soft_tissue"]
    total = np.zeros(len(names))
    for _ in range(DRAWS):
        sequence = draw_sequence(contrast, rng)
        signals = sequence.tissue_signals(draw_tissues(1.5, rng))
        values = np.abs([signals[name] for name in names])
        total += values / values.max()
    both = [k for k, name in enumerate(names) if name in seen]
    expected, found = total[both], np.array([seen[names[k]] for k in both])
    factor = (expected @ found) / (expected @ expected)
    return {name: float(np.clip(factor * total[k], 0, 1.5)) for k, name in enumerate(names)}


def _neighbours(seen: dict[str, float]) -> dict[str, float]:
    """The intensities of the neighbours of tissues that are not seen."""
    middle = float(np.median(list(seen.values())))
    return {
        name: seen.get(name, seen.get(_NEIGHBOURS.get(name, name), middle))
        for name in TISSUES
        if name not in ("soft_tissue", "bone")
    } | {"bone": seen.get("bone", 0.05)}
