"""Differentiable augmentation (DiffAugment) of the discriminators' inputs, real and generated."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_mri_cyclegan import _checks

AIR = -1.0


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class DifferentiableAugmentation(keras.layers.Layer):
    """Random shifts, flips, cutouts and intensity changes, differentiable in the images.

    A discriminator that sees only a few dozen images memorises them, and its gradient then drives
    the generator towards noise. Placed in front of the discriminator, for real *and* generated
    images, this layer enlarges the discriminator's training set and leaves the translations
    themselves unchanged. (Augmenting only the training images is not the same: the
    discriminator would learn the augmentation as a part of the contrast.)

    Each image of a batch is shifted independently, by whole pixels; pixels from outside the image
    are air. Training and inference do not differ: the CycleGAN uses the layer only in training.

    Args:
        shift: Largest shift in either direction, as a fraction of each spatial axis, in
            [0, 1). Defaults to 1/8, as in the paper.
        flip: Whether to flip the last spatial axis (left-right in an axial slice) with
            probability 0.5. Defaults to `True`.
        cutout: Size of a box that is replaced by air, as a fraction of each spatial axis, in
            [0, 1). Defaults to 0, no cutout: a hole is no anatomy.
        intensity: Largest relative change of the signal above air, in [0, 1): the signal of each
            image is multiplied by a factor from `[1 - intensity, 1 + intensity]`. Air stays air,
            and values may exceed 1. Defaults to 0, no change: contrasts differ by their
            intensities. Use 0.1 or 0.2 at most, for scans whose intensities vary anyway.
        seed: Integer or `None`. Defaults to `None`, a random seed.
        **kwargs: Arguments of `keras.layers.Layer`.

    Input shape:
        `(batch, height, width, channels)` or `(batch, depth, height, width, channels)` of known
        spatial size, in [-1, 1].

    Output shape:
        The same.

    Raises:
        ValueError: An argument out of its range, or images of unknown spatial size.

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
        """Validate the shape of the images."""
        if len(input_shape) not in (4, 5) or None in input_shape[1:-1]:
            raise ValueError(
                "DifferentiableAugmentation takes (batch, height, width, channels) or (batch, "
                f"depth, height, width, channels) of known size. Received: {tuple(input_shape)}."
            )
        self.built = True

    def call(self, images: Any) -> Any:
        """Return the augmented images."""
        signal = images - AIR  # 0 is air, as are the pixels shifted in from outside
        spatial = len(images.shape) - 2
        for axis in range(1, spatial + 1):
            signal = self._moved(signal, axis, mirrored=self.flip and axis == spatial)
        if self.cutout:
            signal = signal * self._hole(images)
        if self.intensity:
            signal = signal * self._factor(images)
        return signal + AIR

    def _moved(self, signal: Any, axis: int, mirrored: bool) -> Any:
        """Shift, and possibly flip, each image along one axis.

        Implemented as a product with a matrix that selects one source for each pixel: every backend
        differentiates a matrix product, and no gather operation is needed.
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
            # All whole shifts in [-limit, limit] are equally likely.
            source = source + ops.floor(self._uniform((batch, 1)) * (2 * limit + 1)) - limit
        elif not mirrored:
            return signal
        picks = ops.cast(ops.abs(source[:, :, None] - here) < 0.5, signal.dtype)
        moved = ops.matmul(picks, ops.reshape(_to_front(signal, axis), (batch, size, -1)))
        return _from_front(moved, signal, axis)

    def _hole(self, images: Any) -> Any:
        """Return 0 inside a randomly placed box, 1 elsewhere."""
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
        """Return a random factor in `[1 - intensity, 1 + intensity]` for each image."""
        one_each = (ops.shape(images)[0], *[1] * (len(images.shape) - 1))
        change = self.intensity * (2 * self._uniform(one_each) - 1)
        return ops.cast(1 + change, images.dtype)

    def _uniform(self, shape: tuple) -> Any:
        return keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `input_shape`."""
        return input_shape

    def save_own_variables(self, store: Any) -> None:
        """Save the state of the seed generator, which Keras does not save."""
        store["random"] = ops.convert_to_numpy(self.seed_generator.state)

    def load_own_variables(self, store: Any) -> None:
        """Load the variables that `save_own_variables` wrote."""
        self.seed_generator.state.assign(store["random"])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
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
    """Move one axis directly after the batch axis."""
    return ops.transpose(images, _order(images, axis))


def _from_front(rows: Any, like: Any, axis: int) -> Any:
    """Invert `_to_front` and restore the shape of `like`."""
    order = _order(like, axis)
    shape = (ops.shape(like)[0], *(like.shape[k] for k in order[1:]))
    return ops.transpose(ops.reshape(rows, shape), np.argsort(order).tolist())
