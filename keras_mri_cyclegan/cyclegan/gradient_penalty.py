"""R1 gradient penalty on real images."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops


def gradient_penalties(
    discriminators: list[keras.Model],
    scans: list,
    input_gradient: Callable,
    step: Any,
    every: int,
    cond: Callable = ops.cond,
) -> list:
    """Return each discriminator's R1 penalty times k in every k-th step, and 0 in other steps.

    Lazy regularisation: the mean over the steps equals that of a penalty in every step, for 1/k of
    the computation. See `r1`.

    Args:
        discriminators: The discriminators.
        scans: For each discriminator its real images, augmented if the model has an augmentation,
            `(batch, height, width, channels)`.
        input_gradient: The backend's function of (function, images), see `r1`.
        step: Integer tensor, the number of training steps so far.
        every: Integer of at least 1, k.
        cond: Replacement of `keras.ops.cond`, which is the default.

    References:
        - Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020,
          https://arxiv.org/abs/1912.04958 (the penalty in every 16th step)
    """

    def penalties() -> list:
        return [
            r1(discriminator, images, input_gradient)
            for discriminator, images in zip(discriminators, scans, strict=True)
        ]

    if every == 1:
        return penalties()
    return cond(
        ops.equal(ops.mod(step, every), 0),
        lambda: [every * penalty for penalty in penalties()],
        lambda: [ops.zeros((), "float32") for _ in discriminators],
    )


def r1(discriminator: keras.Model, scans: Any, input_gradient: Callable) -> Any:
    """Return half of the mean squared norm of the gradient of the logits at real images.

    For a PatchGAN with many logits, it is the gradient of their sum, squared, summed over the
    pixels and divided by the number of logits. For patches without overlap this equals the mean
    penalty of the patches, independent of the image size; for a single logit, the paper's penalty.

    Args:
        discriminator: Model from images to logits.
        scans: Real images, `(batch, height, width, channels)`.
        input_gradient: The backend's function of (function, images): the gradient of the scalar
            `function(images)` with respect to the images, which can itself be differentiated with
            respect to the weights.

    References:
        - Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018,
          https://arxiv.org/abs/1801.04406
    """
    weights = [ops.convert_to_tensor(v.value) for v in discriminator.trainable_variables]
    state = [ops.convert_to_tensor(v.value) for v in discriminator.non_trainable_variables]

    def verdict(images: Any) -> Any:
        # Stateless: another call in each step updates the network's state.
        logits, _ = discriminator.stateless_call(weights, state, images, training=True)
        patches = ops.sum(ops.ones_like(logits[0], dtype="float32"))
        return ops.sum(ops.cast(logits, "float32")) / ops.sqrt(patches)

    gradient = ops.cast(input_gradient(verdict, ops.stop_gradient(scans)), "float32")
    axes = tuple(range(1, len(gradient.shape)))
    return ops.mean(ops.sum(ops.square(gradient), axis=axes)) / 2
