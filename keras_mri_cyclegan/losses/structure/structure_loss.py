"""What every structure loss shares: how it is called, what it accepts, how it is saved."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks


class StructureLoss:
    """Base class of the structure losses; subclass it for one of your own.

    A structure loss says whether a translation kept the anatomy of its input. No pair is needed:
    it compares the two although their contrasts differ, a T1 slice with its translation to T2.
    Call it with both; or ask for one number an image with `per_image`.

    Images lie in [-1, 1] and air is -1. They may be `(batch, height, width, channels)` or
    `(batch, depth, height, width, channels)`, both of one shape; channels are compared one by one
    and averaged. Everything is computed in float32, whatever the dtype of the images, so that
    mixed precision does no harm; gradients flow through both arguments and are finite everywhere,
    constant images included.

    A subclass defines `compare`, and needs `@keras.saving.register_keras_serializable` if it is to
    be saved with a model.

    Example:
        >>> from keras import ops
        >>> import keras_mri_cyclegan as kmc
        >>> class BlurredDifference(kmc.losses.StructureLoss):
        ...     def compare(self, source, translated):
        ...         error = ops.average_pool(ops.abs(source - translated), 4, strides=4)
        ...         return ops.mean(error, axis=(1, 2, 3))
        >>> loss = BlurredDifference()
        >>> float(loss(ops.zeros((2, 8, 8, 1)), ops.ones((2, 8, 8, 1))))
        1.0
        >>> loss.per_image(ops.zeros((2, 8, 8, 1)), ops.ones((2, 8, 8, 1))).shape[0]
        2
    """

    # The smallest spatial size that the loss can be computed for.
    minimum_size = 1

    def __call__(self, source: Any, translated: Any) -> Any:
        """Return the mean of `per_image` over the batch.

        Args:
            source: The images that went into a generator, `(batch, [depth,] height, width,
                channels)` in [-1, 1].
            translated: What came out, of the same shape.

        Returns:
            Float32 scalar, lower where the structure is kept.

        Raises:
            ValueError: Shapes that differ, are neither of the two above or are too small for the
                loss, or values that are not real numbers.
        """
        return ops.mean(self.per_image(source, translated))

    def per_image(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image, float32 `(batch,)`; arguments and errors as for a call."""
        return self.compare(*_as_float32_pair(source, translated, self.minimum_size))

    def compare(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image from two float32 tensors of the same, checked shape."""
        raise TypeError(f"{type(self).__name__} must define `compare(source, translated)`.")

    def get_config(self) -> dict:
        """Return the arguments that make this loss again."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "StructureLoss":
        """Make the loss that `get_config` described."""
        return cls(**config)


def positive(name: str, value: Any) -> float:
    """Return `value` as a float if it is a finite number above 0."""
    if _checks.weight(name, value) == 0:
        raise ValueError(f"`{name}` must be above 0. Received: {value!r}.")
    return float(value)


def spatial_axes(images: Any) -> tuple[int, ...]:
    """Return the axes of height and width, or of depth, height and width."""
    return tuple(range(1, len(images.shape) - 1))


def _as_float32_pair(source: Any, translated: Any, minimum_size: int) -> tuple:
    """Return both batches as float32 tensors if they can be compared image by image.

    Sizes that are unknown while a graph is being traced (`None`) are taken to be right.
    """
    source, translated = _as_float32("source", source), _as_float32("translated", translated)
    shapes = tuple(source.shape), tuple(translated.shape)
    if len(shapes[0]) not in (4, 5):
        raise ValueError(
            "`source` and `translated` must have shape (batch, height, width, channels) or (batch, "
            f"depth, height, width, channels). Received: shape {shapes[0]}. A single image needs a "
            "batch axis (`x[None]`), a grey image a channel axis (`x[..., None]`)."
        )
    differ = len(shapes[0]) != len(shapes[1]) or any(
        None not in (size, other) and size != other for size, other in zip(*shapes, strict=True)
    )
    if differ:
        raise ValueError(
            "`source` and `translated` must have the same shape, since their structure is compared "
            f"place by place. Received: {shapes[0]} and {shapes[1]}. Use a generator that keeps "
            "the size, or leave the structure loss out."
        )
    if any(size is not None and size < minimum_size for size in shapes[0][1:-1]):
        raise ValueError(
            f"`source` and `translated` must have at least {minimum_size} pixels along each "
            f"spatial axis for this structure loss. Received: {shapes[0]}."
        )
    return source, translated


def _as_float32(name: str, value: Any) -> Any:
    tensor = ops.convert_to_tensor(value)
    dtype = keras.backend.standardize_dtype(tensor.dtype)
    if "float" not in dtype:
        raise ValueError(
            f"`{name}` must hold floating point numbers in [-1, 1]. Received: dtype {dtype}. "
            "Convert it first, for example `x.astype('float32') / 127.5 - 1` for 8-bit images."
        )
    return ops.cast(tensor, "float32")
