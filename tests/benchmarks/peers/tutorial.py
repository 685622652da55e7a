"""The step of TensorFlow's CycleGAN tutorial: one persistent tape, four gradients, no pool.

https://www.tensorflow.org/tutorials/generative/cyclegan, with least squares in place of
cross-entropy. In an environment with TensorFlow 2.15 and tensorflow-addons it runs with these, as
its users have it; else in Keras 3.
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


def l1(one, other):
    """Return the mean absolute error."""
    return tf.reduce_mean(tf.abs(one - other))


def judged(logits, target):
    """Return the least squares loss."""
    return tf.reduce_mean((logits - target) ** 2)


@tf.function(jit_compile=options.compiled)
def step(real_a, real_b):
    """Update every network once."""
    with tf.GradientTape(persistent=True) as tape:
        fake_b, fake_a = g(real_a, training=True), f(real_b, training=True)
        cycled_a, cycled_b = f(fake_b, training=True), g(fake_a, training=True)
        says_real_a, says_real_b = judge_a(real_a, training=True), judge_b(real_b, training=True)
        says_fake_a, says_fake_b = judge_a(fake_a, training=True), judge_b(fake_b, training=True)
        terms = {
            "adversarial_ab": judged(says_fake_b, 1),
            "adversarial_ba": judged(says_fake_a, 1),
            "cycle_a": l1(real_a, cycled_a),
            "cycle_b": l1(real_b, cycled_b),
            "discriminator_a": (judged(says_real_a, 1) + judged(says_fake_a, 0)) / 2,
            "discriminator_b": (judged(says_real_b, 1) + judged(says_fake_b, 0)) / 2,
        }
        cycle = worker.CYCLE_WEIGHT * (terms["cycle_a"] + terms["cycle_b"])
        loss_g = terms["adversarial_ab"] + cycle
        loss_f = terms["adversarial_ba"] + cycle
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


worker.serve(one, losses=one(), versions=tf.__version__)
