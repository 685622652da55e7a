"""The generator's work on a scan's slices by itself: no files, no scaling, no putting together."""

import keras
import numpy as np
import our_networks
import worker

options = worker.arguments()
if options.precision == "bfloat16":
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
generator = our_networks.networks(options)["generator_ab"]
shape = (options.slices, options.size, options.size, 1)
slices = np.random.default_rng(0).uniform(-1, 1, shape)
slices = slices.astype("float32")


def one():
    """Translate all slices, batch by batch."""
    for start in range(0, len(slices), options.batch):
        np.asarray(generator.predict_on_batch(slices[start : start + options.batch]))


one()
worker.serve(one)
