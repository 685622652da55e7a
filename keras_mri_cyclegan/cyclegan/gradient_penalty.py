"""R1: a discriminator pays for how much its verdict on a scan changes with the scan."""

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
    """Return the R1 penalty of each discriminator in every k-th step, k times, and 0 in the others.

    Its mean over the steps is that of a penalty in each, for a k-th of the work. See `r1`.

    Args:
        discriminators: The discriminators.
        scans: For each its scans, as it sees them, `(batch, height, width, channels)`.
        input_gradient: The backend's function of (function, images), see `r1`.
        step: Integer tensor, the number of steps done so far.
        every: Integer of at least 1, k.
        cond: As `keras.ops.cond`, which is the default.

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
    """Return half of the mean squared length of the gradient of the logits in the scans.

    Of a PatchGAN's many logits it is the gradient of their sum, squared, summed over the pixels
    and divided by the number of logits. For patches without overlap this is the mean of each
    patch's own penalty, whatever the size of the image; for a single logit it is the paper's.

    Args:
        discriminator: Images to logits.
        scans: `(batch, height, width, channels)`.
        input_gradient: The backend's function of (function, images): the gradient of the scalar
            `function(images)` in the images, which can itself be differentiated in the weights.

    References:
        - Mescheder et al., "Which Training Methods for GANs do actually Converge?", ICML 2018,
          https://arxiv.org/abs/1801.04406
    """
    weights = [ops.convert_to_tensor(v.value) for v in discriminator.trainable_variables]
    state = [ops.convert_to_tensor(v.value) for v in discriminator.non_trainable_variables]

    def verdict(images: Any) -> Any:
        # A call that leaves no trace in the network, whose state has its own call in each step.
        logits, _ = discriminator.stateless_call(weights, state, images, training=True)
        patches = ops.sum(ops.ones_like(logits[0], dtype="float32"))
        return ops.sum(ops.cast(logits, "float32")) / ops.sqrt(patches)

    gradient = ops.cast(input_gradient(verdict, ops.stop_gradient(scans)), "float32")
    axes = tuple(range(1, len(gradient.shape)))
    return ops.mean(ops.sum(ops.square(gradient), axis=axes)) / 2
