"""Files that one backend has written open on the others, where it is not installed."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from small import compiled, cyclegan, images

import keras_mri_cyclegan as kmc

BACKEND = keras.backend.backend()
OTHERS = sorted({"tensorflow", "jax", "torch"} - {BACKEND})
A, B = images(3, seed=1), images(2, seed=2)

OPEN = """
import sys
sys.modules[{absent!r}] = None  # as if it were not installed

import keras
import numpy as np
import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.cyclegan import random_state
from test_saving_across_backends import everything, go_on

model = keras.models.load_model("model.keras", safe_mode=True)
loaded = everything(model)
generator = keras.models.load_model("generator.keras")
translated = generator.predict(np.load("images.npy"), verbose=0)
store = {{}}
random_state.save(model, store)
go_on(model)
np.savez({result!r}, *loaded, *everything(model), translated, store["random"])
"""


def everything(model):
    """Return all variables but the states of random numbers, whose type is the backend's."""
    variables = [*model.variables, *model.optimizer.variables]
    kept = [variable for variable in variables if variable.name != "seed_generator_state"]
    return [keras.ops.convert_to_numpy(variable) for variable in kept]


def go_on(model):
    """Train for an epoch in which nothing is random: the pools are not full, and no dropout."""
    if BACKEND == "jax":  # saved as it ran on TensorFlow: eagerly, which is slow on JAX
        model.run_eagerly, model.jit_compile = False, True
    model.fit(kmc.data.UnpairedDataset(A, B, seed=9), epochs=1, verbose=0)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved")
    model = compiled(
        cyclegan(dropout=0.0, pool_size=50),
        rate=1e-3,
        structure_loss=kmc.losses.BackgroundConsistency(0.2),
        structure_weight=kmc.losses.WarmUp(2.0, steps=5),
    )
    model.fit(kmc.data.UnpairedDataset(A, B, seed=3), epochs=1, verbose=0)
    model.save(folder / "model.keras")
    model.generator_ab.save(folder / "generator.keras")
    np.save(folder / "images.npy", A)
    before = everything(model)
    translated = model.translate(A)
    go_on(model)
    return folder, before, everything(model), translated


@pytest.mark.parametrize("other", OTHERS)
def test_another_backend_goes_on(saved, other):
    if importlib.util.find_spec(other) is None:
        pytest.skip(f"{other} is not installed")
    folder, before, after, translated = saved
    absent = BACKEND
    tests = Path(__file__).parents[1]
    subprocess.run(
        [sys.executable, "-c", OPEN.format(absent=absent, result=f"{other}.npz")],
        cwd=folder,
        env={
            **os.environ,
            "KERAS_BACKEND": other,
            "PYTHONPATH": os.pathsep.join([str(tests.parent), str(tests), str(tests / "cyclegan")]),
        },
        check=True,
        timeout=300,
    )
    with np.load(folder / f"{other}.npz") as file:
        found = [file[name] for name in file.files]
    for x, y in zip(before, found, strict=False):
        np.testing.assert_array_equal(x, y)
    for x, y in zip(after, found[len(before) :], strict=False):
        np.testing.assert_allclose(x, y, atol=1e-4)
    np.testing.assert_allclose(found[-2], translated, atol=1e-5)
    assert len(found) == 2 * len(before) + 2


def test_files_name_no_backend(saved):
    import zipfile

    folder, *_ = saved
    for name in ("model.keras", "generator.keras"):
        with zipfile.ZipFile(folder / name) as file:
            config = file.read("config.json").decode()
        assert json.loads(config)
        assert "backend" not in config
