"""`translate_volumes` over a folder of scans, on the Keras backend that KERAS_BACKEND names."""

from pathlib import Path

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
first = Path(options.target)
targets = [first, *(first.with_name(f"{k}_{first.name}") for k in range(1, options.scans))]


def one():
    """Translate as many copies of the scan as there are targets."""
    translations = kmc.translate_volumes(
        generator,
        [options.scan] * len(targets),
        targets,
        preprocessing=preprocessing,
        intensities="source",
        batch_size=options.batch,
        overwrite=True,
        verbose=0,
    )
    for translation in translations:
        if translation.error:
            raise translation.error


one()
worker.serve(one)
