import keras
import numpy as np
import pytest
from contracts import run_layer_contract

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan import layers

IMAGES, VOLUMES = (2, 7, 8, 2), (2, 4, 5, 6, 2)
NORMALIZATION = {
    "axis": -1,
    "epsilon": 1e-5,
    "center": True,
    "scale": True,
    "beta_initializer": keras.initializers.Constant(0.5),
    "gamma_initializer": keras.initializers.RandomNormal(1.0, 0.02, seed=3),
    "beta_regularizer": keras.regularizers.L2(0.25),
    "gamma_regularizer": keras.regularizers.L1(0.125),
    "beta_constraint": keras.constraints.MaxNorm(2.0),
    "gamma_constraint": keras.constraints.NonNeg(),
}
AUGMENTATIONS = [
    layers.DifferentiableAugmentation(0.3, seed=5),
    layers.DifferentiableAugmentation(0.0, False, intensity=0.2, seed=6),
]
SHIFTS = {"shift": 0.3, "flip": False, "cutout": 0.4, "intensity": 0.2, "seed": 4}
ADAPTIVE = {"augmentation": AUGMENTATIONS, "target": 0.5, "images": 10, "limit": 0.7, "seed": 3}
LATE = kmc.losses.WarmUp(1.0, steps=4, start=1)
SCHEDULED = {"probability": LATE, "augmentation": AUGMENTATIONS, "seed": 3}
CURVE = {"values": np.array([-1.0, 0.5, -0.25, 0.8, 0.1])}
SPECTRAL = {"layer": keras.layers.Conv2D(3, 2), "power_iterations": 8}
FIRST, LAST = {"data_format": "channels_first"}, {"data_format": "channels_last"}
FLOAT32 = {"dtype": "float32"}
OPEN, OPEN_FIRST = {"channels": -1}, {"channels": 1}

# Layer, all its arguments, shape of an input, and what is particular about it.
CASES = [
    (layers.AdaptiveAugmentation, ADAPTIVE, IMAGES, {}),
    (layers.DifferentiableAugmentation, SHIFTS, IMAGES, {}),
    (layers.Foreground, {"threshold": 0.3}, IMAGES, FLOAT32 | OPEN),
    (layers.Foreground, {"threshold": 0.3}, VOLUMES, FLOAT32),
    (layers.InstanceNormalization, NORMALIZATION, IMAGES, OPEN),
    (layers.InstanceNormalization, NORMALIZATION, (2, 9, 3), OPEN),
    (
        layers.InstanceNormalization,
        {**NORMALIZATION, "axis": 1, "center": False, "scale": False},
        (2, 3, 4, 5, 6),
        OPEN_FIRST,
    ),
    (layers.IntensityCurve, CURVE, IMAGES, FLOAT32 | OPEN),
    (layers.ReflectionPadding, {"padding": (1, 3), **LAST}, IMAGES, OPEN),
    (layers.ReflectionPadding, {"padding": [2, 1, 3], **FIRST}, (2, 2, 4, 5, 6), OPEN_FIRST),
    (layers.ReflectionPadding, {"padding": 2, **FIRST}, (1, 2, 4, 5), {}),
    (layers.ScheduledAugmentation, SCHEDULED, IMAGES, {}),
    (layers.SpectralNormalization, SPECTRAL, IMAGES, OPEN),
]


@pytest.mark.parametrize(
    ("layer", "arguments", "shape", "options"),
    CASES,
    ids=[f"{layer.__name__}-{len(shape) - 2}D" for layer, _, shape, _ in CASES],
)
def test_contract(layer, arguments, shape, options, tmp_path):
    run_layer_contract(layer, arguments, shape, tmp_path, **options)


def test_every_layer_has_a_contract():
    no_image_in_and_out = {"ConstantVector", "FeatureModulation"}  # test_feature_modulation.py
    assert {layer.__name__ for layer, *_ in CASES} | no_image_in_and_out == set(layers.__all__)
