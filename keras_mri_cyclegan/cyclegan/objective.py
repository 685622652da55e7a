"""CycleGAN objective: all terms in both directions, from one batch of each domain."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan.cyclegan.gradient_penalty import gradient_penalties
from keras_mri_cyclegan.cyclegan.identity_mapping import lazy_identity
from keras_mri_cyclegan.cyclegan.recompute import recomputed
from keras_mri_cyclegan.cyclegan.together import can_go_together, in_training, together


def objective(
    model: Any,
    real_a: Any,
    real_b: Any,
    pairs: tuple | None,
    input_gradient: Callable,
    cond: Callable = ops.cond,
    call: Callable = in_training,
) -> tuple[Any, dict[str, Any]]:
    """Return the loss to differentiate, and its unweighted terms.

    One gradient of this loss is the right gradient for every network: the generators' terms use
    discriminators with constant weights, and the discriminators' terms use generated images without
    gradient. The step equals the paper's order (first the generators, then the discriminators on
    the generated images of the same step), since neither update depends on the other.

    Args:
        model: A compiled `CycleGAN`.
        real_a: Real images of domain A, `(batch, height, width, channels)`.
        real_b: Real images of domain B, likewise.
        pairs: Paired real images of A and B, each the truth for the other's translation; `()` where
            `real_a` and `real_b` are pairs; `None` without pairs.
        input_gradient: The backend's function of (function, images), for the gradient penalty.
        cond: The backend's replacement of `keras.ops.cond`, to compute a term only in some steps.
        call: The backend's function to call a network in training. Defaults to `in_training`.

    Returns:
        A scalar, and a dictionary from the terms' names to scalars.
    """
    terms = {}
    loss = 0.0
    weights, step = model.term_weights, model.optimizer.iterations
    adversarial = model.adversarial_loss
    generate = _in_full_precision(recomputed if model.recompute else call)
    call = _in_full_precision(call)

    identity_now = weights.identity and weights.identity_every == 1
    fake_b, same_b = _translated(model.generator_ab, real_a, real_b, identity_now, generate)
    fake_a, same_a = _translated(model.generator_ba, real_b, real_a, identity_now, generate)

    # === Adversarial terms: the discriminators take the translations for real ===
    if weights.adversarial:
        terms["adversarial_ab"] = adversarial.generator(
            call(model.discriminator_b, model.seen(fake_b), frozen=True)
        )
        terms["adversarial_ba"] = adversarial.generator(
            call(model.discriminator_a, model.seen(fake_a), frozen=True)
        )
        loss += weights.adversarial(step) * (terms["adversarial_ab"] + terms["adversarial_ba"])

    # === Cycle consistency: A to B to A, and B to A to B, return the image ===
    # Each generator is part of both cycles and learns from both.
    if weights.cycle:
        terms["cycle_a"] = _l1(real_a, generate(model.generator_ba, fake_b))
        terms["cycle_b"] = _l1(real_b, generate(model.generator_ab, fake_a))
        loss += weights.cycle(step) * (terms["cycle_a"] + terms["cycle_b"])

    # === Identity mapping: an image of the target domain stays unchanged ===
    if weights.identity:
        if identity_now:
            same_a = generate(model.generator_ba, real_a) if same_a is None else same_a
            same_b = generate(model.generator_ab, real_b) if same_b is None else same_b
            terms["identity_a"], terms["identity_b"] = _l1(real_a, same_a), _l1(real_b, same_b)
        else:
            terms["identity_a"], terms["identity_b"] = lazy_identity(
                [model.generator_ba, model.generator_ab],
                [real_a, real_b],
                _l1,
                step,
                weights.identity_every,
                cond,
            )
        loss += weights.identity(step) * (terms["identity_a"] + terms["identity_b"])

    # === Structure: the translation preserves the anatomy ===
    for structure in model.structure:
        terms[f"{structure.name}_ab"] = structure.loss(real_a, fake_b)
        terms[f"{structure.name}_ba"] = structure.loss(real_b, fake_a)
        both = terms[f"{structure.name}_ab"] + terms[f"{structure.name}_ba"]
        loss += structure.weight(step) * both

    # === Pairs: supervised loss between the translation and the truth ===
    if pairs is not None:
        if pairs:
            truth_a, truth_b = pairs
            made_b = generate(model.generator_ab, truth_a)
            made_a = generate(model.generator_ba, truth_b)
        else:
            truth_a, truth_b, made_a, made_b = real_a, real_b, fake_a, fake_b
        terms["paired_ab"] = model.paired(truth_b, made_b)
        terms["paired_ba"] = model.paired(truth_a, made_a)
        both = terms["paired_ab"] + terms["paired_ba"]
        loss += model.paired.weight(step) * both

    # === Discriminators: real images against past and present translations ===
    seen_a, seen_b = model.seen(real_a), model.seen(real_b)
    past_a, past_b = model.seen(model.pooled("a", fake_a)), model.seen(model.pooled("b", fake_b))
    logits_a, fake_logits_a = together(model.discriminator_a, seen_a, past_a, call=call)
    logits_b, fake_logits_b = together(model.discriminator_b, seen_b, past_b, call=call)
    terms["discriminator_a"] = adversarial.discriminator(logits_a, fake_logits_a)
    terms["discriminator_b"] = adversarial.discriminator(logits_b, fake_logits_b)
    loss += terms["discriminator_a"] + terms["discriminator_b"]

    # === R1 gradient penalty of the discriminators on real images ===
    if weights.r1:
        terms["r1_a"], terms["r1_b"] = gradient_penalties(
            [model.discriminator_a, model.discriminator_b],
            [seen_a, seen_b],
            input_gradient,
            step,
            weights.r1_every,
            cond,
        )
        loss += weights.r1(step) * (terms["r1_a"] + terms["r1_b"])

    # === Adaptive augmentation: stronger as the discriminators overfit to the real images ===
    if _adapts(model):
        signs = [ops.mean(adversarial.says_real(logits)) for logits in (logits_a, logits_b)]
        model.augmentation.adjust((signs[0] + signs[1]) / 2, ops.shape(real_a)[0])
        terms["augmentation_probability"] = ops.convert_to_tensor(model.augmentation.probability)

    # === Weight regularisation of the networks' layers ===
    if model.regularized:
        terms["regularization"] = sum(v.regularizer(v.value) for v in model.regularized)
        loss += terms["regularization"]

    return loss, terms


def term_names(model: Any) -> list[str]:
    """Return the names under which `fit` logs the loss and its terms."""
    weights = model.term_weights
    names = ["loss"]
    names += ["adversarial_ab", "adversarial_ba"] if weights.adversarial else []
    names += ["cycle_a", "cycle_b"] if weights.cycle else []
    names += ["identity_a", "identity_b"] if weights.identity else []
    names += [f"{term.name}_{way}" for term in model.structure for way in ("ab", "ba")]
    names += ["paired_ab", "paired_ba"] if model.paired else []
    names += ["discriminator_a", "discriminator_b"]
    names += ["r1_a", "r1_b"] if weights.r1 else []
    names += ["augmentation_probability"] if _adapts(model) else []
    names += ["regularization"] if model.regularized else []
    return names


def _adapts(model: Any) -> bool:
    """Whether the augmentation adapts to the discriminators' outputs for real images."""
    return hasattr(model.augmentation, "adjust")


def _in_full_precision(call: Callable) -> Callable:
    """Return the same function with half-precision outputs cast to float32.

    The library's networks end in float32; a custom network may not.
    """

    def called(*arguments: Any, **options: Any) -> Any:
        output = call(*arguments, **options)
        half = keras.backend.standardize_dtype(output.dtype) in ("float16", "bfloat16")
        return ops.cast(output, "float32") if half else output

    return called


def _translated(
    generator: keras.Model, source: Any, target: Any, identity: Any, generate: Callable
) -> tuple:
    """Return translations and, where one call gives both, the outputs for the target domain."""
    if identity and can_go_together(generator, source, target):
        return together(generator, source, target, generate)
    return generate(generator, source), None


def _l1(expected: Any, found: Any) -> Any:
    return ops.mean(ops.abs(expected - ops.cast(found, expected.dtype)))
