"""This library's networks, with the numbers that all contenders start from."""

import worker

import keras_mri_cyclegan as kmc

SEEDS = {"generator_ab": 0, "generator_ba": 1, "discriminator_a": 2, "discriminator_b": 3}


def networks(options):
    """Return the four networks by name, with the numbers that all contenders start from."""
    shape = (options.size, options.size, 1)
    unet = {"depth": options.depth, "filters": options.filters, "dropout": 0.0}
    made = {
        "generator_ab": kmc.unet_generator(shape, **unet),
        "generator_ba": kmc.unet_generator(shape, **unet),
        "discriminator_a": kmc.patchgan_discriminator(shape, filters=options.filters),
        "discriminator_b": kmc.patchgan_discriminator(shape, filters=options.filters),
    }
    for name, network in made.items():
        weights = [w for w in network.weights if w.path.endswith("kernel")]
        values = worker.kernels([tuple(w.shape) for w in weights], SEEDS[name])
        for weight, value in zip(weights, values, strict=True):
            weight.assign(value)
    return made
