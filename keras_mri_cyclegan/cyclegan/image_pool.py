"""Image pool: a history of generated images that stabilises a discriminator's training."""

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_mri_cyclegan")
class ImagePool(keras.layers.Layer):
    """History of `size` generated images between a generator and a discriminator.

    The first `size` images are stored and returned. After that, each new image replaces a random
    image of the pool with probability 0.5, and the replaced image is returned; otherwise the new
    image is returned and not stored. The images, their number and the random state are part of the
    model's state and are saved with the model.

    Args:
        size: Integer, number of stored images; 50 in the papers.
        seed: Integer or `None`, seed of the random choices. Defaults to `None`, a random one.

    Example:
        >>> import numpy as np
        >>> from keras_mri_cyclegan.cyclegan.image_pool import ImagePool
        >>> pool = ImagePool(size=2, seed=1)
        >>> float(np.ravel(pool(np.full((1, 8, 8, 1), 0.5)))[0])
        0.5

    References:
        - Shrivastava et al., "Learning from Simulated and Unsupervised Images through Adversarial
          Training", CVPR 2017, https://arxiv.org/abs/1612.07828
    """

    def __init__(self, size: int, seed: int | None = None, **kwargs: Any):
        # Float32 whatever the policy: networks' outputs are float32.
        super().__init__(**{"dtype": "float32", "trainable": False, **kwargs})
        self.size = size
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape: tuple) -> None:
        """Create the weights."""
        self.images = self.add_weight(
            shape=(self.size, *input_shape[1:]),
            initializer="zeros",
            trainable=False,
            name="images",
        )
        self.filled = self.add_weight(
            shape=(), initializer="zeros", dtype="int32", trainable=False, name="filled"
        )
        super().build(input_shape)

    def call(self, images: Any) -> Any:
        """Return new or past images, `(batch, height, width, channels)` as the input."""
        images = ops.stop_gradient(images)
        count = ops.shape(images)[0]
        swaps = keras.random.uniform((count,), seed=self.seed_generator) < 0.5
        slots = keras.random.randint((count,), 0, self.size, seed=self.seed_generator)

        # Image by image, since an image may replace another image of its own batch.
        def query(index: Any, state: tuple) -> tuple:
            pool, filled, chosen = state
            full = filled >= self.size
            swap = ops.logical_and(full, swaps[index])
            slot = ops.where(full, slots[index], filled)
            new, old = chosen[index], pool[slot]
            kept = ops.where(ops.logical_or(swap, ops.logical_not(full)), new, old)
            handed_on = ops.where(swap, old, new)
            return (
                _write(pool, slot, kept),
                ops.minimum(filled + 1, self.size),
                _write(chosen, index, handed_on),
            )

        state = (ops.convert_to_tensor(self.images), ops.convert_to_tensor(self.filled), images)
        pool, filled, chosen = ops.fori_loop(0, count, query, state)
        self.images.assign(pool)
        self.filled.assign(filled)
        return chosen

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `input_shape`."""
        return input_shape

    def save_own_variables(self, store: Any) -> None:
        """Save the pool and its random state, which Keras leaves out."""
        for name, variable in self._state().items():
            store[name] = ops.convert_to_numpy(variable)

    def load_own_variables(self, store: Any) -> None:
        """Load what `save_own_variables` saved."""
        for name, variable in self._state().items():
            variable.assign(store[name])

    def _state(self) -> dict[str, keras.Variable]:
        return {
            "images": self.images,
            "filled": self.filled,
            "random": self.seed_generator.state,
        }

    def get_config(self) -> dict:
        """Return the layer's arguments."""
        return {**super().get_config(), "size": self.size, "seed": self.seed}


def _write(images: Any, index: Any, image: Any) -> Any:
    start = [index] + [0] * (len(images.shape) - 1)
    return ops.slice_update(images, start, ops.expand_dims(image, 0))
