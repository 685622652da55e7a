"""What the machine can do at most: one large convolution alone, on TensorFlow.

4 x 4, stride 2, 128 to 256 channels on a map of a quarter of the size, forward and both gradients:
the middle of the U-Net, and with 64 filters in 256 x 256 about the best that its shapes allow.
"""

import tensorflow as tf
import worker

options = worker.arguments()
dtype = tf.float32 if options.precision == "float32" else tf.bfloat16
side, before, after = 64, 128, 256
x = tf.cast(tf.random.normal((4, side, side, before)), dtype)
# A kernel of its own for each, or TensorFlow would convolve once.
REPEATS = 10
kernels = [tf.cast(tf.random.normal((4, 4, before, after)), dtype) for _ in range(REPEATS)]
flop = 3 * 2 * 4 * (side // 2) ** 2 * 16 * before * after * REPEATS


@tf.function
def convolve():
    """Convolve, and differentiate in the image and in the kernel."""
    total = tf.constant(0.0)
    for kernel in kernels:
        with tf.GradientTape() as tape:
            tape.watch([x, kernel])
            y = tf.nn.conv2d(x, kernel, 2, "SAME")
        for gradient in tape.gradient(y, [x, kernel], y):
            total += tf.cast(tf.reduce_max(gradient), tf.float32)
    return total


def one():
    """Run it to its end."""
    return float(convolve())


one()
worker.serve(one, flop=flop)
