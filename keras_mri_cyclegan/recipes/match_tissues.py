"""Intensities first: every tissue of a translation as bright as it is in the target's scans."""

from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan.networks import tissue_segmenter
from keras_mri_cyclegan.recipes.measure_contrast import seen_tissues
from keras_mri_cyclegan.simulation import TISSUES

LARGEST = 0.6  # of the range of [-1, 1]: more is a wrong tissue, not another scanner


def match_tissues(
    generator: keras.Model,
    a: Any,
    b: Any,
    target: str | None = None,
    segmenter: keras.Model | None = None,
    batch_size: int = 8,
) -> dict[str, tuple[float, float]]:
    """Set the tissue offsets of a generator, so that tissues are as bright as in scans of B.

    Which tissue is where is found in the translations of `a` and in `b` by the same network, so no
    pair is needed. It takes seconds.

    Args:
        generator: Of `contrast_generator(..., tissue_offsets=True)`, from A to B. It is changed.
        a: Images of A, `(images, height, width, 1)` in [-1, 1].
        b: Images of B; other people, another number.
        target: The name of the contrast of B, as of `contrast_generator`; it helps to find the
            tissues. Defaults to `None`.
        segmenter: What finds the tissues in `b`. Defaults to `tissue_segmenter(target)`.
        batch_size: Images at once. Defaults to 8.

    Returns:
        For each tissue that was found in both: its intensity in the translations before, and in B.

    Raises:
        ValueError: A generator without tissue offsets.
    """
    try:
        layer = generator.get_layer("tissue_offsets")
    except ValueError:
        raise ValueError(
            "`generator` must be of `contrast_generator(..., tissue_offsets=True)`. Received: "
            f"{generator.name!r}, which has no tissue offsets."
        ) from None
    segmenter = tissue_segmenter(target) if segmenter is None else segmenter
    layer.set_weights([np.zeros(layer.kernel.shape, "float32")])
    translated = generator.predict(a, batch_size=batch_size, verbose=0)
    shares = keras.Model(generator.input, generator.get_layer("tissues").output)
    before = seen_tissues(translated, shares.predict(a, batch_size=batch_size, verbose=0))
    wanted = seen_tissues(b, segmenter.predict(b, batch_size=batch_size, verbose=0))
    kernel = np.zeros(layer.kernel.shape, "float32")
    both = {name: (before[name][0], wanted[name][0]) for name in before if name in wanted}
    for name, (now, then) in both.items():
        kernel[..., TISSUES.index(name), :] = np.clip(then - now, -LARGEST, LARGEST)
    layer.set_weights([kernel])
    return both
