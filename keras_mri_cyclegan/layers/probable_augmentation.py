"""Base class: augmentation of the discriminators' inputs with a variable probability."""

from typing import Any

import keras
from keras import ops


class ProbableAugmentation(keras.layers.Layer):
    """Base class of augmentations whose probability changes during training.

    Each augmentation is drawn independently for each image, with the same probability. After each
    step a `CycleGAN` calls `adjust`, which subclasses define.

    Args:
        augmentation: Differentiable `keras.layers.Layer`, or a list of such layers.
        seed: Integer or `None`.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, augmentation: Any, seed: int | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.augmentations = _checked(augmentation)
        self.seed = seed
        self.seed_generator = keras.random.SeedGenerator(seed)
        # Created here and not in `build`, so that the probability can be loaded before the first
        # call and is part of a compiled step's state.
        self.probability = self._state_weight("probability")

    def _state_weight(self, name: str) -> keras.Variable:
        # Replicas of a `tf.distribute` strategy are averaged.
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
        """Return the augmented images."""
        one_each = (ops.shape(images)[0], *[1] * (len(images.shape) - 1))
        for layer in self.augmentations:
            draw = keras.random.uniform(one_each, dtype="float32", seed=self.seed_generator)
            images = ops.where(draw < self.probability, layer(images), images)
        return images

    def adjust(self, sign: Any, count: Any) -> None:
        """Set the probability for the next step.

        Args:
            sign: Mean over the patches of real images, 1 for each patch called real, -1 for each
                called fake.
            count: Number of real images shown to each discriminator.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `adjust(sign, count)`.")

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        """Return `input_shape`."""
        return input_shape

    def save_own_variables(self, store: Any) -> None:
        """Save the weights and the state of the seed generator, which Keras does not save."""
        for name, variable in self._state().items():
            store[name] = ops.convert_to_numpy(variable)

    def load_own_variables(self, store: Any) -> None:
        """Load the variables that `save_own_variables` wrote."""
        for name, variable in self._state().items():
            variable.assign(store[name])

    def _state(self) -> dict[str, keras.Variable]:
        return {"probability": self.probability, "random": self.seed_generator.state}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        layers = [keras.saving.serialize_keras_object(x) for x in self.augmentations]
        return {**super().get_config(), "augmentation": layers, "seed": self.seed}

    @classmethod
    def from_config(cls, config: dict) -> "ProbableAugmentation":
        """Build the layer from the result of `get_config`."""
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
