"""`translate_volume`, file to file, on the Keras backend that KERAS_BACKEND names."""

import keras
import our_networks
import worker

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.preprocessing import MinMax, Preprocessing

options = worker.arguments()
if options.precision == "bfloat16":
    keras.mixed_precision.set_global_policy("mixed_bfloat16")
generator = our_networks.networks(options)["generator_ab"]
preprocessing = Preprocessing([MinMax()])


def one():
    """Translate the scan."""
    kmc.translate_volume(
        generator,
        options.scan,
        options.target,
        preprocessing=preprocessing,
        intensities="source",
        batch_size=options.batch,
        overwrite=True,
        verbose=0,
    )


one()
worker.serve(one)
