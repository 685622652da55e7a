"""The CycleGAN objective: every term of it, for both directions, from one batch of each domain."""

from typing import Any

import keras
from keras import ops


def objective(
    model: Any, real_a: Any, real_b: Any, pairs: tuple | None = None
) -> tuple[Any, dict[str, Any]]:
    """Return the loss to differentiate, and its terms, unweighted.

    One gradient of this loss gives every network its own: the generators are judged by
    discriminators whose weights stand still, the discriminators see fakes that are cut off from
    the generators. It equals the paper's order, generators first and then the discriminators on the
    fakes of that same step, since neither update reads what the other has changed.

    Args:
        model: A compiled `CycleGAN`.
        real_a: Scans of domain A, `(batch, height, width, channels)`.
        real_b: Scans of domain B, likewise.
        pairs: Scans of A and of B of which one is the truth for the other; `()` where `real_a` and
            `real_b` are that themselves. Defaults to `None`, no pairs.

    Returns:
        A scalar, and a dictionary from the terms' names to scalars.
    """
    fake_b = model.generator_ab(real_a, training=True)
    fake_a = model.generator_ba(real_b, training=True)
    terms = {}

    # === Generators: translations that pass for real ===
    adversarial = model.adversarial_loss
    terms["adversarial_ab"] = adversarial.generator(
        _frozen(model.discriminator_b, model.seen(fake_b))
    )
    terms["adversarial_ba"] = adversarial.generator(
        _frozen(model.discriminator_a, model.seen(fake_a))
    )
    loss = terms["adversarial_ab"] + terms["adversarial_ba"]

    # === Cycle consistency: there and back again is where we were ===
    # Each generator takes part in both cycles and learns from both.
    if model.cycle_weight:
        terms["cycle_a"] = _l1(real_a, model.generator_ba(fake_b, training=True))
        terms["cycle_b"] = _l1(real_b, model.generator_ab(fake_a, training=True))
        loss += model.cycle_weight * (terms["cycle_a"] + terms["cycle_b"])

    # === Identity mapping: what is of the target contrast already stays as it is ===
    if model.identity_weight:
        terms["identity_a"] = _l1(real_a, model.generator_ba(real_a, training=True))
        terms["identity_b"] = _l1(real_b, model.generator_ab(real_b, training=True))
        loss += model.identity_weight * (terms["identity_a"] + terms["identity_b"])

    # === Structure: the anatomy stays where it is, whatever its contrast ===
    for structure in model.structure:
        terms[f"{structure.name}_ab"] = structure.loss(real_a, fake_b)
        terms[f"{structure.name}_ba"] = structure.loss(real_b, fake_a)
        both = terms[f"{structure.name}_ab"] + terms[f"{structure.name}_ba"]
        loss += structure.weight(model.optimizer.iterations) * both

    # === Pairs: where the truth is known, the translation is to be the truth ===
    if pairs is not None:
        if pairs:
            truth_a, truth_b = pairs
            made_b = model.generator_ab(truth_a, training=True)
            made_a = model.generator_ba(truth_b, training=True)
        else:
            truth_a, truth_b, made_a, made_b = real_a, real_b, fake_a, fake_b
        terms["paired_ab"] = model.paired(truth_b, made_b)
        terms["paired_ba"] = model.paired(truth_a, made_a)
        both = terms["paired_ab"] + terms["paired_ba"]
        loss += model.paired.weight(model.optimizer.iterations) * both

    # === Discriminators: scans from translations, past and present ===
    terms["discriminator_a"] = adversarial.discriminator(
        model.discriminator_a(model.seen(real_a), training=True),
        model.discriminator_a(model.seen(model.pooled("a", fake_a)), training=True),
    )
    terms["discriminator_b"] = adversarial.discriminator(
        model.discriminator_b(model.seen(real_b), training=True),
        model.discriminator_b(model.seen(model.pooled("b", fake_b)), training=True),
    )
    loss += terms["discriminator_a"] + terms["discriminator_b"]

    # === Weight decay, where a network's layers ask for it ===
    if model.regularized:
        terms["regularization"] = sum(v.regularizer(v.value) for v in model.regularized)
        loss += terms["regularization"]

    return loss, terms


def _frozen(discriminator: keras.Model, images: Any) -> Any:
    """Judge `images` with weights that get no gradient, and leave no trace in the network."""
    weights = [ops.stop_gradient(v.value) for v in discriminator.trainable_variables]
    state = [v.value for v in discriminator.non_trainable_variables]
    logits, _ = discriminator.stateless_call(weights, state, images, training=True)
    return logits


def _l1(expected: Any, found: Any) -> Any:
    return ops.mean(ops.abs(expected - found))
