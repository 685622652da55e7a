"""Base class of structure losses: calls, input validation and serialisation."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks


class StructureLoss:
    """Base class of structure losses; subclass it for a custom loss.

    A structure loss measures how well a translation preserves the anatomy of its input. No pairs
    are needed: the loss compares images of different contrasts, such as a T1 slice and its
    translation to T2. A call returns the mean over the batch, `per_image` one number per image.

    Images are in [-1, 1] with air at -1, of shape `(batch, height, width, channels)` or
    `(batch, depth, height, width, channels)`, the same for both arguments; channels are compared
    separately and averaged. Everything is computed in float32 for every dtype of the images, hence
    also under mixed precision; gradients flow through both arguments and are finite everywhere,
    including constant images.

    A subclass defines `compare`. To be saved with a model, it needs
    `@keras.saving.register_keras_serializable`.

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

    # Smallest spatial size of images that the loss accepts.
    minimum_size = 1

    def __call__(self, source: Any, translated: Any) -> Any:
        """Return the mean of `per_image` over the batch.

        Args:
            source: Input images of a generator, `(batch, [depth,] height, width, channels)` in
                [-1, 1].
            translated: Output images of the generator, of the same shape.

        Returns:
            Float32 scalar, lower where the structure is preserved.

        Raises:
            ValueError: Shapes that differ, are of another rank or are too small for the loss, or
                values that are not floating point numbers.
        """
        return ops.mean(self.per_image(source, translated))

    def per_image(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image, float32 `(batch,)`; arguments and errors as for a call."""
        return self.compare(*_as_float32_pair(source, translated, self.minimum_size))

    def compare(self, source: Any, translated: Any) -> Any:
        """Return the loss of each image from two float32 tensors of equal, validated shape."""
        raise TypeError(f"{type(self).__name__} must define `compare(source, translated)`.")

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> "StructureLoss":
        """Build the loss from the result of `get_config`."""
        return cls(**config)


def positive(name: str, value: Any) -> float:
    """Validate that `value` is a finite number above 0, and return it as a float."""
    if _checks.weight(name, value) == 0:
        raise ValueError(f"`{name}` must be above 0. Received: {value!r}.")
    return float(value)


def spatial_axes(images: Any) -> tuple[int, ...]:
    """Return the axes of height and width, or of depth, height and width."""
    return tuple(range(1, len(images.shape) - 1))


def _as_float32_pair(source: Any, translated: Any, minimum_size: int) -> tuple:
    """Validate that both batches can be compared image by image; return them as float32 tensors.

    Sizes that are unknown while a graph is being traced (`None`) are assumed to match.
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
            f"pixel by pixel. Received: {shapes[0]} and {shapes[1]}. Use a generator that "
            "preserves the size, or omit the structure loss."
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
