"""Tissue intensities of a taught start, matched to unpaired scans of the target contrast."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.networks import tissue_segmenter
from keras_mri_cyclegan.recipes.measure_contrast import NO_TISSUE, checked_heads, seen_tissues
from keras_mri_cyclegan.simulation import TISSUES

LARGEST = 0.6


@_checks.one_range_warning()
def match_tissues(
    generator: keras.Model,
    a: Any,
    b: Any,
    target: str | None = None,
    segmenter: keras.Model | None = None,
    batch_size: int = 8,
) -> dict[str, tuple[float, float]]:
    """Set a generator's tissue offsets, so that each tissue has the intensity of scans of B.

    The generator segments the images of A, and a segmenter those of B, so no pair is needed. An
    offset is the difference of two medians, at most 0.6: a larger one means a wrong tissue, not
    another scanner. It takes seconds.

    Args:
        generator: Of `contrast_generator(..., tissue_offsets=True)`, from A to B. It is changed.
        a: Images of A, `(images, height, width, 1)` in [-1, 1]; each size a multiple of 16.
        b: Images of B: of other people, and as many as there are.
        target: The name of the contrast of B, as of `contrast_generator`; it helps the
            segmentation. Defaults to `None`.
        segmenter: Tissue network for `b`. Defaults to `tissue_segmenter(target)`.
        batch_size: Images at once. Defaults to 8.

    Returns:
        For each tissue that was found in both: its intensity in the translations without offsets,
        and in B. Check this table by eye.

    Raises:
        ValueError: A generator without tissue offsets, images that are not as above, or no tissue
            that is found in both. The generator is then as it was.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> generator = kmc.contrast_generator("t1", "t2", tissue_offsets=True)
        >>> a, _ = kmc.datasets.load_phantom(slices=4, size=96, subjects=[0])
        >>> _, b = kmc.datasets.load_phantom(slices=4, size=96, subjects=[1])
        >>> "white_matter" in kmc.recipes.match_tissues(generator, a, b, "t2")
        True
    """
    try:
        layer, scores = generator.get_layer("tissue_offsets"), generator.get_layer("output")
    except ValueError:
        raise ValueError(
            "`generator` must be of `contrast_generator(..., tissue_offsets=True)`. Received: "
            f"{generator.name!r}, which has no tissue offsets."
        ) from None
    a, b = checked_heads("a", a), checked_heads("b", b)
    segmenter = tissue_segmenter(target) if segmenter is None else segmenter
    # What the offsets are added to, before it is cut off at -1 and 1.
    parts = keras.Model(generator.input, [scores.output, generator.get_layer("tissues").output])
    translated, shares = parts.predict(a, batch_size=batch_size, verbose=0)
    before = seen_tissues(translated, shares)
    wanted = seen_tissues(b, segmenter.predict(b, batch_size=batch_size, verbose=0))
    both = {name: (before[name][0], wanted[name][0]) for name in before if name in wanted}
    if not both:
        raise ValueError(NO_TISSUE.format("both `a` and `b`"))
    kernel = np.zeros(layer.kernel.shape, "float32")
    for name, (now, then) in both.items():
        kernel[..., TISSUES.index(name), :] = np.clip(then - now, -LARGEST, LARGEST)
    layer.set_weights([kernel])
    return both
