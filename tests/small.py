"""Small models and data for the tests."""

import keras
import numpy as np

import keras_mri_cyclegan as kmc

SHAPE = (16, 16, 1)
# TensorFlow takes seconds to trace a step that runs in a fraction of one.
EAGERLY = keras.backend.backend() == "tensorflow"
TERMS = {
    "loss",
    "adversarial_ab",
    "adversarial_ba",
    "cycle_a",
    "cycle_b",
    "identity_a",
    "identity_b",
    "discriminator_a",
    "discriminator_b",
}
SCORES = {f"{score}_{direction}" for score in ("psnr", "ssim", "mae") for direction in ("ab", "ba")}


def networks(shape_a=SHAPE, shape_b=None, dropout=0.0, discriminator=None, **arguments):
    """Return the four networks of a CycleGAN of a few thousand weights."""
    shape_b = shape_a if shape_b is None else shape_b
    generator = {"depth": 2, "filters": 4, "dropout": dropout, **arguments}
    discriminator = {"layers": 1, "filters": 4, **(discriminator or {})}
    return {
        "generator_ab": kmc.unet_generator(shape_a, output_channels=shape_b[-1], **generator),
        "generator_ba": kmc.unet_generator(shape_b, output_channels=shape_a[-1], **generator),
        "discriminator_a": kmc.patchgan_discriminator(shape_a, **discriminator),
        "discriminator_b": kmc.patchgan_discriminator(shape_b, **discriminator),
    }


def cyclegan(pool_size=4, seed=0, **arguments):
    """Return a small CycleGAN whose weights are the same on every backend."""
    model = kmc.CycleGAN(**networks(**arguments), pool_size=pool_size, seed=seed)
    set_weights(model)
    return model


def tiny_cyclegan(pool_size=4, dropout=0.5, seed=0, augmentation=None):
    """Return a CycleGAN of two layers a network, for tests of all but the networks."""

    def generator(name):
        image = keras.Input(SHAPE)
        x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, name="convolution")(image)
        x = keras.layers.ReLU()(kmc.layers.InstanceNormalization()(x))
        x = keras.layers.Dropout(dropout)(x)
        x = keras.layers.Conv2D(1, 3, padding="same", activation="tanh")(x)
        return keras.Model(image, x, name=name)

    def discriminator(name):
        image = keras.Input(SHAPE)
        x = keras.layers.Conv2D(4, 4, 2, padding="same", activation="leaky_relu")(image)
        return keras.Model(image, keras.layers.Conv2D(1, 3)(x), name=name)

    model = kmc.CycleGAN(
        generator("generator_ab"),
        generator("generator_ba"),
        discriminator("discriminator_a"),
        discriminator("discriminator_b"),
        pool_size=pool_size,
        augmentation=augmentation,
        seed=seed,
    )
    set_weights(model)
    return model


def set_weights(model, seed=0):
    """Draw every weight of the four networks from NumPy's generator: N(0, 0.2), gammas near 1."""
    rng = np.random.default_rng(seed)
    for network in model.networks.values():
        for variable in network.variables:
            if "seed" in variable.path:
                continue
            value = rng.normal(0, 0.2, variable.shape)
            variable.assign((value + ("gamma" in variable.path)).astype("float32"))


def images(count=4, shape=SHAPE, seed=0):
    """Return smooth random images in [-1, 1]."""
    rng = np.random.default_rng(seed)
    axes = np.meshgrid(*(np.linspace(-1, 1, size) for size in shape[:-1]), indexing="ij")
    waves = rng.normal(0, 3, (count, shape[-1], len(axes)))
    phases = rng.uniform(0, 6, (count, shape[-1], *[1] * len(axes)))
    values = np.sin(np.einsum("ncd,d...->nc...", waves, np.stack(axes)) + phases)
    return np.moveaxis(values, 1, -1).astype("float32")


def weights(model):
    """Return every variable of the four networks, as one list of arrays."""
    return [
        keras.ops.convert_to_numpy(variable.value)
        for network in model.networks.values()
        for variable in network.variables
    ]


def compiled(model=None, rate=1e-2, **arguments):
    """Return a CycleGAN, a tiny one unless given, that learns fast and runs eagerly."""
    model = tiny_cyclegan(dropout=0.0) if model is None else model
    if not arguments.get("jit_compile"):
        arguments.setdefault("run_eagerly", EAGERLY)
    model.compile(
        keras.optimizers.Adam(rate, beta_1=0.5),
        keras.optimizers.Adam(rate, beta_1=0.5),
        **arguments,
    )
    return model
