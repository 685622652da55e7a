"""The same networks in tf.keras: with tensorflow-addons on TensorFlow 2.15, else in Keras 3."""

import tensorflow as tf
import worker

try:
    from tensorflow_addons.layers import InstanceNormalization

    def norm():
        """Return tensorflow-addons' layer."""
        return InstanceNormalization(epsilon=worker.EPSILON)
except ImportError:

    def norm():
        """Return what Keras 3 has in its place."""
        return tf.keras.layers.GroupNormalization(groups=-1, epsilon=worker.EPSILON)


layers = tf.keras.layers


def leaky(x):
    """Apply a leaky ReLU, whose argument has two names."""
    return layers.Activation(lambda y: tf.nn.leaky_relu(y, worker.SLOPE))(x)


def unet(options):
    """Return the U-Net of pix2pix."""
    widths = worker.widths(options)
    deepest = len(widths) - 1
    x = image = tf.keras.Input((options.size, options.size, 1))
    skips = []
    for level, width in enumerate(widths):
        plain = level in (0, deepest)
        x = layers.Conv2D(width, 4, 2, "same", use_bias=plain)(x)
        x = leaky(x if plain else norm()(x))
        skips.append(x)
    x = skips.pop()
    for level in reversed(range(deepest)):
        x = layers.Conv2DTranspose(widths[level], 4, 2, "same", use_bias=False)(x)
        x = layers.Concatenate()([layers.ReLU()(norm()(x)), skips.pop()])
    x = layers.Conv2DTranspose(1, 4, 2, "same")(x)
    return tf.keras.Model(image, layers.Activation("tanh", dtype="float32")(x))


def patchgan(options):
    """Return the PatchGAN of 70 pixels."""
    x = image = tf.keras.Input((options.size, options.size, 1))
    for level, strides in ((0, 2), (1, 2), (2, 2), (3, 1)):
        x = layers.ZeroPadding2D(1)(x)
        x = layers.Conv2D(options.filters * 2**level, 4, strides, use_bias=level == 0)(x)
        x = leaky(norm()(x) if level else x)
    x = layers.Conv2D(1, 4)(layers.ZeroPadding2D(1)(x))
    return tf.keras.Model(image, layers.Activation("linear", dtype="float32")(x))


def all_four(options):
    """Return G: A to B, F: B to A, and the discriminators of A and of B."""
    networks = [unet(options), unet(options), patchgan(options), patchgan(options)]
    for seed, network in enumerate(networks):
        weights = [w for w in network.trainable_weights if len(w.shape) == 4]
        for weight, value in zip(
            weights, worker.kernels([tuple(w.shape) for w in weights], seed), strict=True
        ):
            weight.assign(value)
    return networks


def optimizers(count):
    """Return one Adam for each network."""
    return [tf.keras.optimizers.Adam(worker.RATE, beta_1=worker.BETA_1) for _ in range(count)]
