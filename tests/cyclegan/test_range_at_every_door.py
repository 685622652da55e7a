"""Images in [0, 1] or [0, 255] are warned of wherever images come in, once in a call."""

import contextlib
import os
import re
import warnings

import keras
import numpy as np
import pytest
from small import SHAPE, compiled, images, tiny_cyclegan

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan._checks import RangeWarning
from keras_mri_cyclegan.recipes.measure_contrast import measure_contrast

QUICK = kmc.unpaired_curves.SearchEffort(starts=2, finalists=1, first_steps=2, steps=4)
A, B = images(3, seed=1), images(3, seed=2)


@pytest.fixture(scope="module")
def model():
    return compiled(tiny_cyclegan(dropout=0.0))


@pytest.fixture(scope="module")
def heads():
    t1, t2 = kmc.datasets.load_phantom(slices=2, size=32)
    return t1, t2


def pairs_of(a, b):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return a, b

    return Batches()


FIT = {"epochs": 2, "verbose": 0}
ARRAYS = {**FIT, "batch_size": 3}
DOORS = {
    "fit": lambda m, a, b: m.fit(a, b, **ARRAYS),
    "fit, a generator": lambda m, a, b: m.fit(iter([(a, b)] * 2), steps_per_epoch=1, **FIT),
    "fit, a PyDataset": lambda m, a, b: m.fit(pairs_of(a, b), **FIT),
    "fit, also in validation": lambda m, a, b: m.fit(a, b, validation_data=(a, b), **ARRAYS),
    "validation_data": lambda m, a, b: m.fit(A, B, validation_data=(a, b), **ARRAYS),
    "validation_data, a PyDataset": lambda m, a, b: m.fit(
        A, B, validation_data=pairs_of(a, b), **ARRAYS
    ),
    "model.evaluate": lambda m, a, b: m.evaluate(a, b, verbose=0),
    "model.evaluate, a PyDataset": lambda m, a, b: m.evaluate(pairs_of(a, b), verbose=0),
    "translate": lambda m, a, b: m.translate(a),
    "UnpairedDataset": lambda m, a, b: kmc.data.UnpairedDataset(a, b),
    "paired": lambda m, a, b: kmc.data.UnpairedDataset(A, B, paired=(a, b)),
    "TranslationMonitor": lambda m, a, b: kmc.callbacks.TranslationMonitor(a, b, "unused"),
}
HEAD_DOORS = {
    "BestTranslation": lambda a, b: kmc.callbacks.BestTranslation(a, b),
    "fit_curves": lambda a, b: kmc.unpaired_curves.fit_curves(a, b, searches=1, effort=QUICK),
    "paper": lambda a, b: kmc.recipes.paper(a, b, filters=4),
    "tutorial": lambda a, b: kmc.recipes.tutorial(a, b, filters=4),
    "small_data": lambda a, b: kmc.recipes.small_data(a, b, filters=4),
    "large": lambda a, b: kmc.recipes.large(a, b, filters=4),
    "measure_contrast": lambda a, b: measure_contrast(a, "t1"),
}
SCALES = {
    "[0, 1]": (lambda x: (x + 1) / 2, r"values in \[.*2 \* x - 1"),
    "[0, 255]": (lambda x: (x + 1) * 127.5, r"values in \[.*x / 127.5 - 1"),
}


def told(call, *arguments):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with contextlib.suppress(ValueError):  # what such images lead to later on
            call(*arguments)
    found = [warning for warning in caught if issubclass(warning.category, RangeWarning)]
    assert {os.path.basename(warning.filename) for warning in found} <= {os.path.basename(__file__)}
    return [str(warning.message) for warning in found]


@pytest.mark.parametrize("door", DOORS)
def test_said_once(model, door):
    for change, message in SCALES.values():
        (text,) = told(DOORS[door], model, change(A).astype("float32"), change(B).astype("float32"))
        assert re.search(message, text), text
    assert not told(DOORS[door], model, A, B)


@pytest.mark.parametrize("door", HEAD_DOORS)
def test_said_once_where_heads_come_in(small_networks, heads, door):
    scaled = [((side + 1) / 2).astype("float32") for side in heads]
    (text,) = told(HEAD_DOORS[door], *scaled)
    assert "2 * x - 1" in text
    assert not told(HEAD_DOORS[door], *heads)


@pytest.mark.parametrize(
    "row", [lambda m: m, lambda m: m.generator_ab, lambda m: {"ab": (A + 1) / 2}]
)
def test_said_once_by_the_table(model, row):
    a, b = ((side + 1) / 2 for side in (A, B))

    def evaluate(*sides, **arguments):
        return kmc.evaluate(row(model), *sides, metrics=("mae",), resamples=0, **arguments)

    (text,) = told(evaluate, a, b)
    assert "data_range=1.0" in text
    networks = not isinstance(row(model), dict)
    # For a table of [0, 1] only a network is not in its place.
    assert len(told(lambda: evaluate(a, b, data_range=1.0))) == networks
    assert not told(evaluate, A, B)


def test_an_image_without_contrast_or_with_little_is_not_one_from_0_to_1():
    for low, high in ((0, 0), (0.6, 0.6), (0.2, 0.53), (-0.5, 1)):
        image = np.linspace(low, high, 256, dtype="float32").reshape(1, *SHAPE)
        assert not told(kmc.data.UnpairedDataset, image, image)


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0.2, 0.53, False),  # a crop of tissue only
        (0.0, 0.4, True),
        (0.0, 4095 / 65535, True),  # 12 of 16 bits
        (-1.0, 0.4, False),
    ],
)
def test_what_seems_to_be_from_zero(low, high, expected):
    images_ = np.linspace(low, high, A.size, dtype="float32").reshape(A.shape)
    assert bool(told(kmc.data.UnpairedDataset, images_, images_)) is expected
