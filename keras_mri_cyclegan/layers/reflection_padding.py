"""Reflection padding for images and volumes."""

from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ReflectionPadding(keras.layers.Layer):
    """Pad images or volumes by reflection at their border.

    The border pixels are not repeated: `a b c d` padded by 2 becomes `c b a b c d c b`, as with
    `numpy.pad(..., mode="reflect")`. In front of a convolution with `padding="valid"` the layer
    preserves the size without the dark frame of zero padding.

    Args:
        padding: Width of the border in pixels: an integer of at least 0 for all spatial axes, or
            one such integer for each spatial axis. Defaults to 1.
        data_format: `"channels_last"` or `"channels_first"`. Defaults to
            `keras.config.image_data_format()`.
        **kwargs: Arguments of `keras.layers.Layer`, such as `name` and `dtype`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, depth, height, width, channels)`, with the
        channels second for `"channels_first"`. Every size may be unknown.

    Output shape:
        The input's shape, every spatial size enlarged by twice its padding.

    Raises:
        ValueError: An invalid `padding` or `data_format`, an input that is neither 4-D nor 5-D, a
            `padding` without exactly one entry for each spatial axis, or an image that is not
            larger than its padding.

    Example:
        >>> import numpy as np
        >>> import keras_mri_cyclegan as kmc
        >>> row = np.array([1.0, 2.0, 3.0, 4.0]).reshape((1, 1, 4, 1))
        >>> layer = kmc.layers.ReflectionPadding((0, 2), data_format="channels_last")
        >>> [int(value) for value in layer(row)[0, 0, :, 0]]
        [3, 2, 1, 2, 3, 4, 3, 2]

    References:
        Zhu, Park, Isola and Efros, "Unpaired Image-to-Image Translation using Cycle-Consistent
        Adversarial Networks", 2017, https://arxiv.org/abs/1703.10593 (appendix 7.2: "Reflection
        padding was used to reduce artifacts.")
    """

    def __init__(
        self,
        padding: int | tuple[int, ...] = 1,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.padding: int | tuple[int, ...]
        if isinstance(padding, (tuple, list)):
            self.padding = tuple(_checks.positive_int("padding", p, minimum=0) for p in padding)
        else:
            self.padding = _checks.positive_int("padding", padding, minimum=0)
        self.data_format = _checks.one_of(
            "data_format",
            keras.config.image_data_format() if data_format is None else data_format,
            ("channels_last", "channels_first"),
        )

    def build(self, input_shape: tuple) -> None:
        """Validate `padding` against the input's shape."""
        self.compute_output_shape(input_shape)
        self.input_spec = keras.layers.InputSpec(ndim=len(input_shape))
        self.built = True

    def call(self, inputs: Any) -> Any:
        """Return the padded images, of the same dtype."""
        shape = tuple(inputs.shape)
        self.compute_output_shape(shape)  # Validated again: sizes may differ from `build`.
        widths = self._widths(len(shape), self.data_format)
        if keras.backend.backend() == "torch":
            # torch only reflects the last three axes, which excludes channels-last volumes.
            for axis, (width, _) in enumerate(widths):
                inputs = _reflect(inputs, axis, width)
            return inputs
        # A size may be unknown until the graph runs. Then `ops.pad` checks the size; slices do not.
        return ops.pad(inputs, widths, mode="reflect")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the padded shape; unknown sizes stay unknown."""
        rank = len(input_shape)
        if rank not in (4, 5):
            raise ValueError(
                "ReflectionPadding takes images (4-D) or volumes (5-D), batch and channel axis "
                f"included. Received: input_shape={tuple(input_shape)}."
            )
        if isinstance(self.padding, tuple) and len(self.padding) != rank - 2:
            raise ValueError(
                f"`padding` must be an integer or hold one for each of the {rank - 2} spatial axes "
                f"of the input. Received: padding={self.padding} with "
                f"input_shape={tuple(input_shape)}."
            )
        widths = self._widths(rank, self.data_format)
        for size, (width, _) in zip(input_shape, widths, strict=True):
            if size is not None and 0 < width >= size:
                raise ValueError(
                    "Every spatial size must be greater than its padding, since reflection does "
                    f"not repeat the border pixel. Received: padding={self.padding} with "
                    f"input_shape={tuple(input_shape)} ({self.data_format}). Use a larger image "
                    "or a smaller padding."
                )
        return tuple(
            None if size is None else size + before + after
            for size, (before, after) in zip(input_shape, widths, strict=True)
        )

    def get_config(self) -> dict:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "padding": self.padding,
            "data_format": self.data_format,
        }

    def _widths(self, rank: int, data_format: str) -> list[tuple[int, int]]:
        """Return the padding before and after each axis, in the format of `ops.pad`."""
        padding = self.padding if isinstance(self.padding, tuple) else (self.padding,) * (rank - 2)
        spatial = [(width, width) for width in padding]
        if data_format == "channels_first":
            return [(0, 0), (0, 0), *spatial]
        return [(0, 0), *spatial, (0, 0)]


def _reflect(x: Any, axis: int, width: int) -> Any:
    """Pad `x` by reflection at both ends of one axis."""
    if width == 0:
        return x
    size = x.shape[axis]
    others = (slice(None),) * axis
    before = x[(*others, slice(1, width + 1))]
    after = x[(*others, slice(size - 1 - width, size - 1))]
    return ops.concatenate([ops.flip(before, axis), x, ops.flip(after, axis)], axis=axis)
