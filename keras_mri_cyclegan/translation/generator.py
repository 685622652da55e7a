"""Selection, input sizes, batch size and prediction of the generator that translates."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN

# Largest factor on `size_multiple` that is tried: reflection padding needs a minimum size, and the
# strides of a layer that is used twice count twice.
LARGEST_FACTOR = 8
# Way out for networks whose input is several contrasts.
CONTRASTS = (
    "a scan is one contrast. With all scans on one grid, prepare each, concatenate their slices as "
    "channels, and join the network's output: `prepared = [preprocessing.prepare(scan) for scan in "
    "scans]`, `images = np.concatenate([preprocessing.cutter.cut(one.volume) for one in prepared], "
    "axis=-1)`, `volume = preprocessing.cutter.join(generator.predict(images), "
    "like=prepared[0].volume)`, `preprocessing.restore(volume, prepared[0], 'target', 'b')`."
)
# Windows per batch: more than 16 are no faster on a GPU, and slower on a CPU.
MOST_AT_ONCE, UNKNOWN_BATCH = 16, 1
ROOM, FLOAT = 2**28, 4  # bytes: budget of the largest layer output, and size of a float32


def pick_generator(model: Any, direction: str) -> keras.Model:
    """Return the network that translates in `direction`.

    Args:
        model: A `CycleGAN`, or a single generator, which is used for either direction.
        direction: `"ab"` or `"ba"`.

    Returns:
        A `keras.Model` with one input and one output, `(batch, *spatial, channels)`.

    Raises:
        ValueError: `direction` is invalid, or `model` is neither a `CycleGAN` nor a generator.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.translation.generator import pick_generator
        >>> generator = kmc.resnet_generator((32, 32, 1), blocks=1, filters=4)
        >>> pick_generator(generator, "ba") is generator
        True
    """
    _checks.one_of("direction", direction, ("ab", "ba"))
    if isinstance(model, CycleGAN):
        model = {"ab": model.generator_ab, "ba": model.generator_ba}[direction]
    if not isinstance(model, keras.Model):
        raise ValueError(
            "`model` must be a CycleGAN or a generator, a `keras.Model`. Received: "
            f"{model!r}. Load a saved model first: `keras.models.load_model(path)`."
        )
    shapes = [getattr(model, name, None) for name in ("input_shape", "output_shape")]
    if not all(isinstance(shape, tuple) and len(shape) in (4, 5) for shape in shapes):
        raise ValueError(
            "`model` must take one image, (batch, [depth,] height, width, channels), and return "
            f"one. Received: {model.name!r}, which takes {shapes[0]} and returns {shapes[1]}. For "
            "the generator of a custom model, pass the generator itself."
        )
    return model


def check_channels(network: keras.Model, channels: int, rank: int, cutter: str) -> None:
    """Raise a `ValueError` unless `network` takes the images of a sampler.

    Args:
        network: The generator.
        channels: Number of channels of the sampler's images.
        rank: Number of spatial axes of the sampler's images.
        cutter: The sampler as text for the message, such as `"Slices(neighbours=1)"`.
    """
    takes, gives = network.input_shape, network.output_shape
    if len(takes) - 2 != rank:
        raise ValueError(
            f"{cutter} of `preprocessing` extracts {rank}-D images, but the network takes "
            f"{len(takes) - 2}-D images of shape {takes[1:]}. Use Slices with a 2-D network, "
            "Patches with a 3-D network."
        )
    if takes[-1] != channels:
        way_out = (
            f"For a network trained on neighbouring slices, `Slices(neighbours={takes[-1] // 2})`, "
            "pass the preprocessing of its training. For a network of several contrasts:"
            if takes[-1] % 2
            else "Neighbouring slices give an odd number of channels. For several contrasts:"
        )
        raise ValueError(
            f"{cutter} of `preprocessing` extracts images of {channels} channel(s), but the "
            f"network takes {takes[-1]}. {way_out} {CONTRASTS}"
        )
    if gives[-1] not in (1, channels):
        raise ValueError(
            f"The network returns {gives[-1]} channels. Expected 1, or as many as the input has "
            f"({channels}), of which the middle channel is the slice itself."
        )


def size_multiple(network: keras.Model) -> tuple[int, ...]:
    """Return the divisors that image sizes need for the network's output to have the input's size.

    This is the product of the downsampling strides. With parallel paths (a strided shortcut beside
    a strided convolution) that product is too large; the smallest of its divisors for which the
    network preserves three odd multiples is used.

    Args:
        network: A `keras.Model` from `(batch, *spatial, channels)` to as many spatial axes.

    Returns:
        An integer for each spatial axis.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.translation.generator import size_multiple
        >>> size_multiple(kmc.unet_generator((None, None, 1), depth=3, filters=4))
        (8, 8)
    """
    rank = len(network.input_shape) - 2
    product = [1] * rank
    for layer in _layers_within(network):
        up = "Transpose" in type(layer).__name__
        strides = getattr(layer, "strides", None)
        if up or not isinstance(strides, (tuple, list)) or len(strides) != rank:
            continue
        product = [total * stride for total, stride in zip(product, strides, strict=True)]

    fixed = network.input_shape[1:-1]
    multiple = list(product)
    for axis in range(rank):
        for divisor in range(1, product[axis]):
            if fixed[axis] is not None or product[axis] % divisor:
                continue
            sizes = [own or 5 * most for own, most in zip(fixed, product, strict=True)]
            trials = [(*sizes[:axis], divisor * odd, *sizes[axis + 1 :]) for odd in (3, 5, 7)]
            if all(_output_size(network, size) == size for size in trials):
                multiple[axis] = divisor
                break
    return tuple(multiple)


def window_size(
    network: keras.Model, spatial: tuple[int, ...], most: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    """Return the size of the network's input for images of a given size.

    Axes of fixed size keep the network's size; others take the image's size, rounded up to a
    multiple of the network's strides.

    Args:
        network: The generator.
        spatial: Size of the images, `([depth,] height, width)`.
        most: Largest window for a network of any size, such as the size of its training patches.
            Defaults to `None`: no limit.

    Returns:
        An integer for each spatial axis.

    Raises:
        ValueError: The network's output has another size than its input.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.translation.generator import window_size
        >>> window_size(kmc.resnet_generator((None, None, 1), blocks=1, filters=4), (181, 217))
        (184, 220)
    """
    fixed = network.input_shape[1:-1]
    target = spatial if most is None else tuple(map(min, spatial, most))
    steps = size_multiple(network) if None in fixed else (1,) * len(fixed)
    problem: Exception | None = None
    output: tuple | None = None
    size: tuple[int, ...] = ()
    for factor in range(1, 1 + LARGEST_FACTOR):
        size = tuple(
            -(-length // (factor * step)) * factor * step if own is None else own
            for length, step, own in zip(target, steps, fixed, strict=True)
        )
        try:
            output = tuple(network.compute_output_shape((1, *size, network.input_shape[-1]))[1:-1])
        except NotImplementedError:
            return size  # output shape unknown: `predictor` checks the first batch
        except ValueError as error:
            problem = error
            continue
        if output == size:
            return size
    raise ValueError(
        f"The network {network.name!r} does not preserve the size of its input: for images of "
        f"{size} it {f'fails ({problem})' if output is None else f'returns {output}'}. A "
        "translation has the size of its source: use a generator whose output is as large as its "
        "input."
    ) from problem


def batch_for(network: keras.Model, window: tuple[int, ...]) -> int:
    """Return a batch size that limits the memory of the network's largest layer output.

    Args:
        network: The generator.
        window: Size of the windows, an integer for each spatial axis.

    Returns:
        An integer from 1 to 16, with which the largest layer output takes at most 256 MiB (unless
        one window exceeds them); 1 if layer shapes are unknown (a subclassed model, or a layer
        that is used twice).

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.translation.generator import batch_for
        >>> generator = kmc.resnet_generator((None, None, 1), blocks=1, filters=64)
        >>> batch_for(generator, (128, 128)), batch_for(generator, (512, 512))
        (16, 3)
    """
    try:
        every = keras.Model(network.inputs, [layer.output for layer in network.layers])
        outputs = every.compute_output_shape((1, *window, network.input_shape[-1]))
    except (AttributeError, NotImplementedError, ValueError):
        return UNKNOWN_BATCH  # not a functional model, or one with layers that are used twice
    largest = max(math.prod(shape) for shape in outputs)
    return max(1, min(MOST_AT_ONCE, ROOM // (FLOAT * largest)))


def predictor(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that translates one batch and validates the output.

    Args:
        network: The generator.

    Returns:
        Function from float32 `(batch, *spatial, channels)` to float32 `(batch, *spatial, 1)`, the
        middle channel if the network returns neighbouring slices. It raises a `ValueError` if the
        output has another size than the input, or holds NaN or infinity.
    """

    def predict(batch: np.ndarray) -> np.ndarray:
        translated = np.asarray(network.predict_on_batch(batch), "float32")
        if translated.shape[:-1] != batch.shape[:-1]:
            raise ValueError(
                f"The network {network.name!r} returns shape {translated.shape} for a batch of "
                f"{batch.shape}. Use a generator whose output is as large as its input."
            )
        bad = translated.size - int(np.isfinite(translated).sum())
        if bad:
            raise ValueError(
                f"The network {network.name!r} returned {bad} of {translated.size} values that are "
                "NaN or infinite; nothing was written. Its weights may have diverged in training: "
                "use an earlier checkpoint, or float32 instead of float16."
            )
        middle = translated.shape[-1] // 2
        return translated[..., middle : middle + 1]

    return predict


def _layers_within(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield all layers of a model, including those of nested models and wrappers."""
    for inner in (*getattr(layer, "layers", ()), getattr(layer, "layer", None)):
        if isinstance(inner, keras.layers.Layer):
            yield inner
            yield from _layers_within(inner)


def _output_size(network: keras.Model, size: tuple[int, ...]) -> tuple | None:
    try:
        shape = network.compute_output_shape((1, *size, network.input_shape[-1]))
    except (ValueError, NotImplementedError):
        return None
    return tuple(shape[1:-1])
