"""Augmentation of what the discriminators see, of some images and not of others."""

from typing import Any

import keras
from keras import ops


class ProbableAugmentation(keras.layers.Layer):
    """Base class of augmentations with a probability that changes in training.

    Each of several augmentations is applied with this probability, each to each image by a draw of
    its own. After each step a `CycleGAN` calls `adjust`, which a subclass defines.

    Args:
        augmentation: `keras.layers.Layer` that hands gradients back to the images, or a list.
        seed: Integer or `None`.
        **kwargs: Those of `keras.layers.Layer`.
    """

    def __init__(self, augmentation: Any, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.augmentations = _checked(augmentation)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # Made here and not in `build`, so that it is there to be loaded, and to be carried through
        # a compiled step.
        self.probability = self._state_weight("probability")

    def _state_weight(self, name: str) -> keras.Variable:
        # Replicas of a `tf.distribute` strategy agree on their mean.
        return self.add_weight(
            shape=(),
            initializer="zeros",
            dtype="float32",
            trainable=False,
            autocast=False,
            aggregation="mean",
            name=name,
        )

    def build(self, input_shape: tuple) -> None:
        """Build the augmentations."""
        for layer in self.augmentations:
            if not layer.built:
                layer.build(input_shape)
        self.built = True

    def call(self, images: Any) -> Any:
        """Return the images as a discriminator is to see them."""
        one_each = (ops.shape(images)[0], *[1] * (len(images.shape) - 1))
        for layer in self.augmentations:
            draw = keras.random.uniform(one_each, dtype="float32", seed=self.seed_generator)
            images = ops.where(draw < self.probability, layer(images), images)
        return images

    def adjust(self, sign: Any, count: Any) -> None:
        """Set the probability for the next step.

        Args:
            sign: The mean of 1 for each patch of a scan that is called real, -1 for each fake.
            count: How many scans each discriminator was shown.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `adjust(sign, count)`.")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return the images' own shape."""
        return input_shape

    def save_own_variables(self, store: Any) -> None:
        """Save the weights and, which Keras leaves out, the state of the random numbers."""
        for name, variable in self._state().items():
            store[name] = ops.convert_to_numpy(variable)

    def load_own_variables(self, store: Any) -> None:
        """Load what `save_own_variables` saved."""
        for name, variable in self._state().items():
            variable.assign(store[name])

    def _state(self) -> dict[str, keras.Variable]:
        return {"probability": self.probability, "random": self.seed_generator.state}

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make this layer again."""
        layers = [keras.saving.serialize_keras_object(x) for x in self.augmentations]
        return {**super().get_config(), "augmentation": layers, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict) -> "ProbableAugmentation":
        """Make the layer that `get_config` described."""
        layers = [keras.saving.deserialize_keras_object(x) for x in config["augmentation"]]
        return cls(**{**config, "augmentation": layers})


def _checked(augmentation: Any) -> list[keras.layers.Layer]:
    layers = list(augmentation) if isinstance(augmentation, (list, tuple)) else [augmentation]
    if not layers or not all(isinstance(layer, keras.layers.Layer) for layer in layers):
        raise ValueError(
            "`augmentation` must be a `keras.layers.Layer`, such as "
            "`keras_mri_cyclegan.layers.DifferentiableAugmentation()`, or a list of them. "
            f"Received: {augmentation!r}."
        )
    return layers
