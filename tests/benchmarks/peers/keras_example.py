"""The step of the Keras CycleGAN example: each generator learns from its own half of the cycle.

https://keras.io/examples/generative/cyclegan, which is about a third less gradient work than the
paper's objective and not the same training.
"""

import tape_networks
import tensorflow as tf
import worker

options = worker.arguments()
if options.precision == "bfloat16":
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
g, f, judge_a, judge_b = tape_networks.all_four(options)
adams = tape_networks.optimizers(4)
real_a, real_b = (tf.constant(x) for x in worker.images(options))
l1 = tf.keras.losses.MeanAbsoluteError()
l2 = tf.keras.losses.MeanSquaredError()


@tf.function(jit_compile=options.compiled)
def step(real_a, real_b):
    """Update every network once."""
    with tf.GradientTape(persistent=True) as tape:
        fake_b, fake_a = g(real_a, training=True), f(real_b, training=True)
        cycled_a, cycled_b = f(fake_b, training=True), g(fake_a, training=True)
        says_real_a, says_fake_a = judge_a(real_a, training=True), judge_a(fake_a, training=True)
        says_real_b, says_fake_b = judge_b(real_b, training=True), judge_b(fake_b, training=True)
        ones, zeros = tf.ones_like(says_fake_a), tf.zeros_like(says_fake_a)
        terms = {
            "adversarial_ab": l2(ones, says_fake_b),
            "adversarial_ba": l2(ones, says_fake_a),
            "cycle_a": l1(real_a, cycled_a),
            "cycle_b": l1(real_b, cycled_b),
            "discriminator_a": (l2(ones, says_real_a) + l2(zeros, says_fake_a)) / 2,
            "discriminator_b": (l2(ones, says_real_b) + l2(zeros, says_fake_b)) / 2,
        }
        loss_g = terms["adversarial_ab"] + worker.CYCLE_WEIGHT * terms["cycle_b"]
        loss_f = terms["adversarial_ba"] + worker.CYCLE_WEIGHT * terms["cycle_a"]
        if not options.no_identity:
            terms["identity_a"] = l1(real_a, f(real_a, training=True))
            terms["identity_b"] = l1(real_b, g(real_b, training=True))
            loss_g += worker.IDENTITY_WEIGHT * terms["identity_b"]
            loss_f += worker.IDENTITY_WEIGHT * terms["identity_a"]
        losses = [loss_g, loss_f, terms["discriminator_a"], terms["discriminator_b"]]
    for network, adam, loss in zip((g, f, judge_a, judge_b), adams, losses, strict=True):
        gradients = tape.gradient(loss, network.trainable_variables)
        adam.apply_gradients(zip(gradients, network.trainable_variables, strict=True))
    return terms


def one():
    """Run a step to its end."""
    return {name: float(term) for name, term in step(real_a, real_b).items()}


worker.serve(one, losses=one())
