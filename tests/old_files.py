"""The recorded files of Keras 2, unpacked, and networks of today that are built like those in them.

`tests/fixtures/make_legacy.py` made the files.
"""

import pathlib
import tarfile

import keras
import numpy as np

import keras_mri_cyclegan as kmc

PACKED = pathlib.Path(__file__).parent / "fixtures" / "legacy.tar.xz"
SIZES = {"unet": 256}  # all others are of 32 pixels

TFA = kmc.layers.InstanceNormalization  # epsilon 1e-3


def tfa(**kwargs):
    """Return the Keras example's normalisation."""
    initializer = keras.initializers.RandomNormal(0.0, 0.02)
    return TFA(gamma_initializer=initializer, **kwargs)


def tutorial_unet(shape, depth, filters=1, **kwargs):
    arguments = {
        "normalize_bottleneck": True,
        "negative_slope": 0.3,
        "use_bias": False,
        **kwargs,
    }
    return kmc.unet_generator(shape, depth=depth, filters=filters, **arguments)


def tutorial_patchgan(shape, filters, **kwargs):
    arguments = {"negative_slope": 0.3, "use_bias": False, **kwargs}
    return kmc.patchgan_discriminator(shape, filters=filters, **arguments)


def shallow_unet(**kwargs):
    arguments = {
        "filters": (2, 4, 4),
        "normalization": TFA(),
        "normalize_bottleneck": True,
        "use_bias": False,
        **kwargs,
    }
    return kmc.unet_generator((32, 32, 1), **arguments)


def example_generator(channels, **kwargs):
    arguments = {"filters": 1, "normalization": tfa(), **kwargs}
    return kmc.resnet_generator((32, 32, channels), **arguments)


def example_discriminator():
    return kmc.patchgan_discriminator((32, 32, 1), filters=1, normalization=tfa(), padding="same")


BUILDERS = {
    "unet": lambda: tutorial_unet((256, 256, 3), depth=8),
    "patchgan": lambda: tutorial_patchgan((32, 32, 3), filters=2),
    "resnet": lambda: example_generator(3),
    "shallow": shallow_unet,
    "generator_g": lambda: tutorial_unet((32, 32, 1), depth=4),
    "generator_f": lambda: tutorial_unet((32, 32, 1), depth=4),
    "discriminator_x": lambda: tutorial_patchgan((32, 32, 1), filters=1),
    "discriminator_y": lambda: tutorial_patchgan((32, 32, 1), filters=1),
    "gen_G": lambda: example_generator(1, blocks=2),
    "gen_F": lambda: example_generator(1, blocks=2),
    "disc_X": example_discriminator,
    "disc_Y": example_discriminator,
}


def build(name):
    """Return a network like the recorded one of that name."""
    return BUILDERS[name]()


def cyclegan(names):
    """Return a CycleGAN of networks like the recorded ones of those names: g, f, x, y."""
    networks = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
    return kmc.CycleGAN(**{n: build(name) for n, name in zip(networks, names, strict=True)})


def unpack(folder):
    """Unpack the recorded files."""
    with tarfile.open(PACKED) as archive:
        archive.extractall(folder, filter="data")
    return folder


def image(size, channels):
    """The recorded input: as in `make_legacy.py`."""
    rows, columns = np.mgrid[:size, :size][..., None] / size
    waves = np.sin(9 * rows + np.arange(channels)) * np.cos(23 * columns * rows)
    return waves[None].astype("float32")


def check(network, folder, name):
    """Compare weights, one by one and in their place, and the output with those recorded."""
    with np.load(folder / f"{name}.npz") as recorded:
        weights = [recorded[key] for key in sorted(recorded) if key.startswith("weight_")]
        assert len(weights) == len(network.weights)
        for variable, weight in zip(network.weights, weights, strict=True):
            found = keras.ops.convert_to_numpy(variable)
            np.testing.assert_array_equal(found, weight, err_msg=variable.path)
        every = int(recorded["every"])
        given = image(int(recorded["size"]), network.input_shape[-1])
        np.testing.assert_allclose(given[:, ::every, ::every], recorded["input"], atol=1e-7)
        output = network.predict(given, verbose=0)[:, ::every, ::every]
        np.testing.assert_allclose(output, recorded["output"], rtol=0, atol=1e-5)
