"""The network that translates: which one, what sizes it takes, and one batch through it."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from keras_mri_cyclegan import _checks
from keras_mri_cyclegan.cyclegan import CycleGAN

# How many times the strides' product an image's size is made a multiple of at most: a border that
# is reflected needs a few pixels more, a block that is used twice has strides that count twice.
LARGEST_FACTOR = 8
# What to do with a network from several contrasts, which are not one scan.
CONTRASTS = (
    "a scan is one contrast. Prepare each, put their slices together, and join what the network "
    "makes: `prepared = [preprocessing.prepare(scan) for scan in scans]`, `images = np.concatenate("
    "[preprocessing.cutter.cut(one.volume) for one in prepared], axis=-1)`, `volume = "
    "preprocessing.cutter.join(generator.predict(images), like=prepared[0].volume)`, "
    "`preprocessing.restore(volume, prepared[0], 'target', 'b')`, all scans on one grid."
)
# Windows in a batch: more than 16 make a GPU no faster, and a CPU slower.
MOST_AT_ONCE, UNKNOWN_BATCH = 16, 1
ROOM, FLOAT = 2**28, 4  # bytes: of the largest layer's output, and of one number of it


def pick_generator(model: Any, direction: str) -> keras.Model:
    """Return the network that translates in `direction`.

    Args:
        model: A `CycleGAN`, or a generator by itself, which is taken for any direction.
        direction: `"ab"` or `"ba"`.

    Returns:
        A `keras.Model` with one input and one output, `(batch, *spatial, channels)`.

    Raises:
        ValueError: Another direction, or something that is no such model.

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
            f"{model!r}. Load a file first: `keras.models.load_model(path)`."
        )
    shapes = [getattr(model, name, None) for name in ("input_shape", "output_shape")]
    if not all(isinstance(shape, tuple) and len(shape) in (4, 5) for shape in shapes):
        raise ValueError(
            "`model` must take one image, (batch, [depth,] height, width, channels), and give one. "
            f"Received: {model.name!r}, which takes {shapes[0]} and gives {shapes[1]}."
        )
    return model


def check_channels(network: keras.Model, channels: int, rank: int, cutter: str) -> None:
    """Raise a `ValueError` unless `network` can take what a cutter makes of a scan.

    Args:
        network: The generator.
        channels: How many channels an image of the cutter's has.
        rank: Its number of spatial axes.
        cutter: What cuts, for the message: `"Slices(neighbours=1)"`.
    """
    takes, gives = network.input_shape, network.output_shape
    if len(takes) - 2 != rank:
        raise ValueError(
            f"{cutter} of `preprocessing` makes {rank}-D images, and the network takes "
            f"{len(takes) - 2}-D ones: {takes[1:]}. Use Slices with a 2-D network, Patches with a "
            "3-D one."
        )
    if takes[-1] != channels:
        way_out = (
            f"If it was trained on neighbouring slices, `Slices(neighbours={takes[-1] // 2})`, "
            "pass the preprocessing that it was trained with. If on several contrasts:"
            if takes[-1] % 2
            else "Neighbouring slices are an odd number. If these are several contrasts:"
        )
        raise ValueError(
            f"{cutter} of `preprocessing` makes images of {channels} channel(s), and the network "
            f"takes {takes[-1]}. {way_out} {CONTRASTS}"
        )
    if gives[-1] not in (1, channels):
        raise ValueError(
            f"The network gives {gives[-1]} channels. Expected 1, or as many as it takes "
            f"({channels}), of which the one in the middle is the slice itself."
        )


def size_multiple(network: keras.Model) -> tuple[int, ...]:
    """Return what an image's sizes must be multiples of, for the network to give them back.

    That is the product of the strides on the way down. Where there are several ways (a shortcut
    that strides beside a convolution that strides), the product of all is too much; the smallest
    of its divisors with which the network keeps three odd sizes is taken.

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
            tried = [(*sizes[:axis], divisor * odd, *sizes[axis + 1 :]) for odd in (3, 5, 7)]
            if all(_output_size(network, size) == size for size in tried):
                multiple[axis] = divisor
                break
    return tuple(multiple)


def window_size(
    network: keras.Model, spatial: tuple[int, ...], most: tuple[int, ...] | None = None
) -> tuple[int, ...]:
    """Return the size at which the network is to see images of a size.

    That is the network's own where it has one; otherwise the image's, enlarged to what the
    network's strides divide.

    Args:
        network: The generator.
        spatial: The images' size, `([depth,] height, width)`.
        most: The largest window for a network of any size, such as the patches that it was
            trained on. Defaults to none.

    Returns:
        An integer for each spatial axis.

    Raises:
        ValueError: The network does not give back the size that it takes.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.translation.generator import window_size
        >>> window_size(kmc.resnet_generator((None, None, 1), blocks=1, filters=4), (181, 217))
        (184, 220)
    """
    fixed = network.input_shape[1:-1]
    wanted = spatial if most is None else tuple(map(min, spatial, most))
    steps = size_multiple(network) if None in fixed else (1,) * len(fixed)
    problem: Exception | None = None
    given: tuple | None = None
    size: tuple[int, ...] = ()
    for factor in range(1, 1 + LARGEST_FACTOR):
        size = tuple(
            -(-want // (factor * step)) * factor * step if own is None else own
            for want, step, own in zip(wanted, steps, fixed, strict=True)
        )
        try:
            given = tuple(network.compute_output_shape((1, *size, network.input_shape[-1]))[1:-1])
        except NotImplementedError:
            return size  # a network that cannot tell: its first batch will
        except ValueError as error:
            problem = error
            continue
        if given == size:
            return size
    raise ValueError(
        f"The network {network.name!r} does not give back the size that it takes: for images of "
        f"{size} it {f'fails ({problem})' if given is None else f'gives {given}'}. A translation "
        "has the size of its source: use a generator whose output is as large as its input."
    ) from problem


def batch_for(network: keras.Model, window: tuple[int, ...]) -> int:
    """Return how many windows to translate at once: as many as the largest layer leaves room for.

    Args:
        network: The generator.
        window: The windows' size, an integer for each spatial axis.

    Returns:
        An integer from 1 to 16, of which the largest output of a layer takes at most 256 MiB; 1
        where the network's layers do not tell (a subclass, or a layer that is used twice).

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
        return UNKNOWN_BATCH  # no functional model, or one whose layers are used twice
    largest = max(math.prod(shape) for shape in outputs)
    return max(1, min(MOST_AT_ONCE, ROOM // (FLOAT * largest)))


def predictor(network: keras.Model) -> Callable[[np.ndarray], np.ndarray]:
    """Return a function that translates one batch, and checks what comes out.

    Args:
        network: The generator.

    Returns:
        Function from float32 `(batch, *spatial, channels)` to float32 `(batch, *spatial, 1)`. Of a
        network that gives as many channels as it takes, neighbouring slices, this is the middle
        one. It raises a `ValueError` for another size, NaN or infinity.
    """

    def predict(batch: np.ndarray) -> np.ndarray:
        translated = np.asarray(network.predict_on_batch(batch), "float32")
        if translated.shape[:-1] != batch.shape[:-1]:
            raise ValueError(
                f"The network {network.name!r} made {translated.shape} of a batch of "
                f"{batch.shape}. Use a generator whose output is as large as its input."
            )
        bad = translated.size - int(np.isfinite(translated).sum())
        if bad:
            raise ValueError(
                f"The network {network.name!r} gave {bad} of {translated.size} values that are NaN "
                "or infinite; nothing was written. Its weights may have diverged in training: "
                "take an earlier checkpoint, or float32 in place of float16."
            )
        middle = translated.shape[-1] // 2
        return translated[..., middle : middle + 1]

    return predict


def _layers_within(layer: keras.layers.Layer) -> Iterator[keras.layers.Layer]:
    """Yield the layers of a model, of the models in it, and those that a wrapper wraps."""
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
