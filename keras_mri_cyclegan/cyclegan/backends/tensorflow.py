"""The steps on TensorFlow, where Keras calls `step(data) -> logs`."""

from typing import Any

import keras
import tensorflow as tf

from keras_mri_cyclegan.cyclegan.objective import objective

NESTED = (tuple,)  # tf.data takes a list for a tensor


def prepare(network: keras.Model) -> None:
    """Leave a network as it is."""


def train_step(model: Any, data: Any) -> dict[str, Any]:
    """Update every network once and return the terms' running means."""
    real_a, real_b = model.unpack(data)
    pairs = model.unpack_pairs(data)
    with tf.GradientTape() as tape:
        loss, terms = objective(model, real_a, real_b, pairs)
        # The optimizers add up the gradients of all replicas of a `tf.distribute` strategy.
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
        scaled = model.optimizer.scale_loss(loss / replicas)
    variables = model.trainable_variables
    model.optimizer.apply(tape.gradient(scaled, variables), variables)
    return model.progress.update_terms(loss, terms, real_a)


def test_step(model: Any, data: Any) -> dict[str, Any]:
    """Score the translations of a batch of pairs and return the running means."""
    return model.score(*model.unpack(data))
