"""What the discriminators see, changed at random: real and fake alike, gradients go through."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks

AIR = -1.0


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class DifferentiableAugmentation(keras.layers.Layer):
    """Shifts, mirrors, cuts holes and changes intensities at random, and hands gradients back.

    A discriminator that sees a few dozen images learns them by heart, and its generator is then
    told how to make noise. Put between the images and the discriminator, for scans *and*
    translations, this layer multiplies what there is to learn by heart, and the translations
    themselves stay where they are. (Augmenting the training images alone is not the same: the
    discriminator would learn the augmentation as a part of the contrast.)

    Each image of a batch is moved by an amount of its own, by whole pixels; what moves in is air.
    It is the same in training and inference: the CycleGAN uses it in training alone.

    Args:
        shift: The largest shift in either direction, as a fraction of each spatial axis, in
            [0, 1). Defaults to 1/8, as in the paper.
        flip: Whether to mirror the last spatial axis (left-right in an axial slice) in half of the
            cases. Defaults to `True`.
        cutout: The size of a box that is replaced by air, as a fraction of each spatial axis, in
            [0, 1). Defaults to 0, none: a hole is no anatomy.
        intensity: The largest relative change of the signal above air, in [0, 1): that of each
            image is multiplied by a factor from `[1 - intensity, 1 + intensity]`. Air stays air,
            and values may exceed 1. Defaults to 0, none: intensities are what tells contrasts
            apart, and 0.1 or 0.2 is enough where scans differ in them anyway.
        seed: Integer or `None`. Defaults to `None`, a random one.
        **kwargs: Those of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, depth, height, width, channels)` of known
        spatial size, in [-1, 1].

    Output shape:
        The same.

    Raises:
        ValueError: An argument out of its range, or images of open size.

    Example:
        >>> import numpy as np
        >>> from keras import ops
        >>> import keras_mri_cyclegan as kmc
        >>> image = np.full((1, 16, 16, 1), 0.5, "float32")
        >>> seen = ops.convert_to_numpy(kmc.layers.DifferentiableAugmentation(seed=1)(image))
        >>> seen.shape, sorted(set(seen.ravel().tolist()))
        ((1, 16, 16, 1), [-1.0, 0.5])

    References:
        - Zhao et al., "Differentiable Augmentation for Data-Efficient GAN Training", NeurIPS 2020,
          https://arxiv.org/abs/2006.10738
    """

    def __init__(
        self,
        shift: float = 0.125,
        flip: bool = True,
        cutout: float = 0.0,
        intensity: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.shift = _checks.fraction("shift", shift)
        self.flip = _checks.one_of("flip", flip, (True, False))
        self.cutout = _checks.fraction("cutout", cutout)
        self.intensity = _checks.fraction("intensity", intensity)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple) -> None:
        """Check the images' shape."""
        if len(input_shape) not in (4, 5) or None in input_shape[1:-1]:
            raise ValueError(
                "DifferentiableAugmentation takes (batch, height, width, channels) or (batch, "
                f"depth, height, width, channels) of known size. Received: {tuple(input_shape)}."
            )
        self.built = True

    def call(self, images: Any) -> Any:
        """Return the images as a discriminator is to see them."""
        signal = images - AIR  # so that what moves in, 0, is air
        spatial = len(images.shape) - 2
        for axis in range(1, spatial + 1):
            signal = self._moved(signal, axis, mirrored=self.flip and axis == spatial)
        if self.cutout:
            signal = signal * self._hole(images)
        if self.intensity:
            signal = signal * self._factor(images)
        return signal + AIR

    def _moved(self, signal: Any, axis: int, mirrored: bool) -> Any:
        """Shift, and perhaps mirror, each image along one axis.

        As a product with a matrix that picks one source for each pixel: every backend has its
        gradient, and needs no gathering.
        """
        size = signal.shape[axis]
        batch = ops.shape(signal)[0]
        limit = int(self.shift * size)
        here = ops.arange(size, dtype="float32")
        source = ops.broadcast_to(here[None], (batch, size))
        if mirrored:
            turned = self._uniform((batch, 1)) < 0.5
            source = ops.where(turned, size - 1 - source, source)
        if limit:
            # Every whole shift in [-limit, limit] is as likely as the others.
            source = source + ops.floor(self._uniform((batch, 1)) * (2 * limit + 1)) - limit
        elif not mirrored:
            return signal
        picks = ops.cast(ops.abs(source[:, :, None] - here) < 0.5, signal.dtype)
        moved = ops.matmul(picks, ops.reshape(_to_front(signal, axis), (batch, size, -1)))
        return _from_front(moved, signal, axis)

    def _hole(self, images: Any) -> Any:
        """Return 0 inside a box at a random place, 1 elsewhere."""
        batch, spatial = ops.shape(images)[0], len(images.shape) - 2
        inside = ops.ones((batch, *[1] * (spatial + 1)), images.dtype)
        for axis in range(spatial):
            size = images.shape[axis + 1]
            width = int(self.cutout * size)
            first = ops.floor(self._uniform((batch, 1)) * (size - width + 1))
            here = ops.arange(size, dtype="float32")
            covered = ops.logical_and(here >= first, here < first + width)
            shape = [1] * (spatial + 1)
            shape[axis] = size
            inside = inside * ops.reshape(ops.cast(covered, images.dtype), (batch, *shape))
        return 1 - inside

    def _factor(self, images: Any) -> Any:
        """Return a number about 1 for each image."""
        one_each = (ops.shape(images)[0], *[1] * (len(images.shape) - 1))
        change = self.intensity * (2 * self._uniform(one_each) - 1)
        return ops.cast(1 + change, images.dtype)

    def _uniform(self, shape: tuple) -> Any:
        return keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the images' own shape."""
        return input_shape

    def save_own_variables(self, store: Any) -> None:
        """Save the state of the random numbers, which Keras leaves out."""
        store["random"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store: Any) -> None:
        """Load what `save_own_variables` saved."""
        self.seed_generator.state.assign(store["random"])

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        return {
            **super().get_config(),
            "shift": self.shift,
            "flip": self.flip,
            "cutout": self.cutout,
            "intensity": self.intensity,
            "seed": self.seed,
        }


def _order(images: Any, axis: int) -> list[int]:
    return [0, axis, *(k for k in range(1, len(images.shape)) if k != axis)]


def _to_front(images: Any, axis: int) -> Any:
    """Bring one axis behind the batch axis."""
    return ops.transpose(images, _order(images, axis))


def _from_front(rows: Any, like: Any, axis: int) -> Any:
    """Undo `_to_front` and give back the shape of `like`."""
    order = _order(like, axis)
    shape = (ops.shape(like)[0], *(like.shape[k] for k in order[1:]))
    return ops.transpose(ops.reshape(rows, shape), np.argsort(order).tolist())
