"""Generator between two named contrasts of the head, with weights taught on simulated heads."""

import os
from typing import Any

import keras

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.layers import ConstantVector
from keras_mri_cyclegan.networks import parts, taught_weights
from keras_mri_cyclegan.networks.conditional_unet_generator import (
    check_arguments,
    tissue_shares,
    translation,
    unet_features,
)
from keras_mri_cyclegan.networks.contrast_code import HEAD_CONTRASTS, contrast_code
from keras_mri_cyclegan.simulation import TISSUES

T1_WEIGHTED = tuple(name for name in HEAD_CONTRASTS if name.startswith(("t1", "mprage")))
TISSUE_CLASSES = len(TISSUES) + 1  # the last is air


def contrast_generator(
    source: str | None,
    target: str,
    input_shape: tuple = (None, None, 1),
    weights: str | os.PathLike | None = "heads",
    depth: int = 4,
    filters: int = 16,
    blocks: int = 2,
    tissue_offsets: bool = False,
    name: str = "contrast_generator",
) -> keras.Model:
    """Build a generator from one named contrast of the head to another.

    With `weights="heads"` (the taught start) the generator translates without training: its weights
    were taught on heads simulated from label maps
    (:class:`keras_mri_cyclegan.simulation.SimulatedHeads`). The weights encode the location of each
    tissue and its average intensity in each contrast, but not the contrast of a particular scanner,
    which needs training. The network is :func:`keras_mri_cyclegan.conditional_unet_generator` with
    fixed conditions.

    Args:
        source: `"t1"`, or more specifically `"t1_se"` (spin echo), `"t1_gre"` (gradient echo) or
            `"mprage"`; `"t2"`, `"pd"` or `"flair"`. The suffix `"_fs"` means fat-suppressed, which
            most scans labelled plain FLAIR are. `None` for an unknown contrast.
        target: Another contrast, not `None`.
        input_shape: Shape of one image, `(height, width, 1)`, where each size must be a multiple of
            `2 ** depth`, or `None` for any such size. Defaults to `(None, None, 1)`.
        weights: `"heads"`; the path of a file from `save_weights_float16`; or `None` for random
            initial weights. Defaults to `"heads"`.
        depth: Integer of at least 1, number of halvings of the image. Defaults to 4.
        filters: Integer, filters at full size. Defaults to 16.
        blocks: Integer of at least 0, residual blocks at the smallest size. Defaults to 2.
        tissue_offsets: Boolean, whether an offset for each tissue, times its share in the pixel, is
            added to the translation. All offsets start at 0;
            `keras_mri_cyclegan.recipes.match_tissues` sets the offsets to match the tissue
            intensities of real images. Defaults to `False`.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, 1)` in [-1, 1], with air at -1 and
        the 99.5th percentile of the head at 1, to the same shape and range, float32.

    Raises:
        ValueError: An unsupported contrast, an argument out of range, a size that is not
            divisible, or weights of another network.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> t1_to_t2 = kmc.contrast_generator("t1", "t2")
        >>> t1, _ = kmc.datasets.load_phantom(slices=2, size=64)
        >>> t1_to_t2.predict(t1, verbose=0).shape
        (2, 64, 64, 1)
    """
    shape = _checks.input_shape(input_shape)
    check_arguments(shape, depth, filters, blocks)
    conditions = contrast_code(source, target)
    if source == target:
        raise ValueError(f"`source` and `target` must differ. Received: {source!r} twice.")
    _checks.one_of("tissue_offsets", tissue_offsets, (True, False))
    image = keras.Input(shape, name="image")
    vector: Any = ConstantVector(conditions, name="conditions")(image)
    features = unet_features(image, vector, depth, filters, blocks)
    offsets: Any = None
    if tissue_offsets:
        shares = tissue_shares(features, TISSUE_CLASSES)
        offsets = parts.convolution(
            shares, shape[-1], 1, use_bias=False, kernel_initializer="zeros", name="tissue_offsets"
        )
    model = keras.Model(image, translation(features, shape[-1], offsets), name=name)
    if weights is not None:
        taught_weights.load_into(model, weights)
    return model


def tissue_segmenter(
    contrast: str | None = None,
    input_shape: tuple = (None, None, 1),
    weights: str | os.PathLike | None = "heads",
    depth: int = 4,
    filters: int = 16,
    blocks: int = 2,
    name: str = "tissue_segmenter",
) -> keras.Model:
    """Build a tissue segmentation network for head images of any contrast.

    The network of `contrast_generator` with its second output, taught at the same time.

    Args:
        contrast: Contrast of the images, as `source` of `contrast_generator`; improves the
            segmentation. Defaults to `None`, unknown.
        input_shape: As in `contrast_generator`. Defaults to `(None, None, 1)`.
        weights: As in `contrast_generator`. Defaults to `"heads"`.
        depth: As in `contrast_generator`. Defaults to 4.
        filters: As in `contrast_generator`. Defaults to 16.
        blocks: As in `contrast_generator`. Defaults to 2.
        name: String, name of the model.

    Returns:
        A functional `keras.Model` from `(batch, height, width, 1)` in [-1, 1] to the share of each
        tissue in each pixel, `(batch, height, width, 24)`, float32, in the order of
        `keras_mri_cyclegan.simulation.TISSUES`, followed by air.

    Raises:
        ValueError: As in `contrast_generator`.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> t1, _ = kmc.datasets.load_phantom(slices=2, size=64)
        >>> kmc.tissue_segmenter("t1").predict(t1, verbose=0).shape
        (2, 64, 64, 24)
    """
    shape = _checks.input_shape(input_shape)
    check_arguments(shape, depth, filters, blocks)
    image = keras.Input(shape, name="image")
    # The network was never trained to translate a contrast to itself.
    target = "t2" if contrast in T1_WEIGHTED else "t1"
    code = contrast_code(contrast, target, source_argument="contrast")
    vector: Any = ConstantVector(code, name="conditions")(image)
    features = unet_features(image, vector, depth, filters, blocks)
    model = keras.Model(image, tissue_shares(features, TISSUE_CLASSES), name=name)
    if weights is not None:
        taught_weights.load_into(model, weights)
    return model
