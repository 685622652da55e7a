"""Recorded files of Keras 2 load into networks of today, which then compute what was recorded."""

import os
import pathlib
import subprocess
import sys

import keras
import numpy as np
import old_files
import pytest

import keras_mri_cyclegan as kmc

TUTORIAL = ("generator_g", "generator_f", "discriminator_x", "discriminator_y")
EXAMPLE = ("gen_G", "gen_F", "disc_X", "disc_Y")
NETWORKS = ("generator_ab", "generator_ba", "discriminator_a", "discriminator_b")
EPSILON = {"unet": 1e-5, "patchgan": 1e-5, "resnet": 1e-3, "shallow": 1e-3}
WITHOUT_TENSORFLOW = [
    (name, kind)
    for name in ("unet", "patchgan", "resnet", "shallow")
    for kind in ("full.h5", "h5", "weights.h5", "keras")
]
WITH_TENSORFLOW = [
    ("patchgan", "saved"),
    ("shallow", "saved"),
    ("patchgan", "tf"),
    ("resnet", "tf"),
    ("shallow", "tf"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return old_files.unpack(tmp_path_factory.mktemp("legacy"))


def load(folder, name, kind):
    network = old_files.build(name)
    # These kinds do not tell the tutorial's layer from tensorflow-addons'.
    unknown = kind == "weights.h5" or (kind == "keras" and EPSILON[name] == 1e-5)
    report = kmc.legacy.load_tfa(
        network, folder / f"{name}.{kind}", epsilon=EPSILON[name] if unknown else None
    )
    return network, report


@pytest.mark.parametrize(("name", "kind"), WITHOUT_TENSORFLOW)
def test_hdf5_and_keras_files(folder, name, kind):
    network, report = load(folder, name, kind)
    old_files.check(network, folder, name)
    assert list(report) == [variable.path for variable in network.weights]
    assert len(set(report.values())) == len(network.weights)


@pytest.mark.parametrize(("name", "kind"), WITH_TENSORFLOW)
def test_tensorflow_files(folder, name, kind):
    pytest.importorskip("tensorflow")
    network, report = load(folder, name, kind)
    old_files.check(network, folder, name)
    assert sorted(report) == sorted(variable.path for variable in network.weights)


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("tutorial/ckpt-1", TUTORIAL),
        ("tutorial/ckpt-1.index", TUTORIAL),
        ("tutorial", TUTORIAL),
        ("example/ckpt", EXAMPLE),
        ("example.h5", EXAMPLE),
    ],
)
def test_whole_cyclegan(folder, path, names):
    """G makes B of A, X is A: each network has its own weights, not a sibling's."""
    if not path.endswith(".h5"):
        pytest.importorskip("tensorflow")
    model = old_files.cyclegan(names)
    report = kmc.legacy.load_tfa(model, folder / path)
    for network, name in zip(NETWORKS, names, strict=True):
        old_files.check(getattr(model, network), folder, name)
    assert len(report) == sum(len(getattr(model, network).weights) for network in NETWORKS)
    assert all(key.startswith(NETWORKS) for key in report)


def test_cyclegan_whose_networks_have_no_names(folder):
    model = old_files.cyclegan(EXAMPLE)
    path = folder / "example.weights.h5"
    with pytest.raises(kmc.legacy.LegacyError, match=r"It has: functional, functional_1"):
        kmc.legacy.load_tfa(model, path, epsilon=1e-3)
    keys = ("functional", "functional_1", "functional_2", "functional_3")
    kmc.legacy.load_tfa(model, path, part=dict(zip(NETWORKS, keys, strict=True)), epsilon=1e-3)
    for network, name in zip(NETWORKS, EXAMPLE, strict=True):
        old_files.check(getattr(model, network), folder, name)


def test_one_network_of_several(folder):
    network = old_files.build("disc_Y")
    kmc.legacy.load_tfa(network, folder / "example.h5", part="discriminator_Y")
    old_files.check(network, folder, "disc_Y")
    with pytest.raises(kmc.legacy.LegacyError, match=r"Say which is wanted"):
        kmc.legacy.load_tfa(network, folder / "example.h5")
    with pytest.raises(kmc.legacy.LegacyError, match=r"no network 'disc_Z'"):
        kmc.legacy.load_tfa(network, folder / "example.h5", part="disc_Z")


def test_a_compiled_cyclegan_trains_on(folder):
    model = old_files.cyclegan(EXAMPLE)
    model.compile(run_eagerly=keras.backend.backend() == "tensorflow")
    kmc.legacy.load_tfa(model, folder / "example.h5")
    images = np.zeros((1, 32, 32, 1), "float32") + old_files.image(32, 1)
    assert np.isfinite(model.train_on_batch(images, images, return_dict=True)["loss"])


@pytest.mark.parametrize(
    ("network", "path", "arguments", "message"),
    [
        ("a network", "shallow.h5", {}, r"`network` must be a `keras.Model`"),
        (None, "shallow.h5", {"epsilon": 0.0}, r"`epsilon` must be positive"),
        (None, "shallow.h5", {"epsilon": "small"}, r"`epsilon` must be"),
        (None, "shallow.h5", {"part": {"generator_ab": "g"}}, r"`part` must be a name"),
        (None, "nothing.h5", {}, r"no such file, folder or checkpoint"),
        (None, "patchgan.saved/variables", {}, r"none of these kinds"),
        (None, "shallow.npz", {}, r"0 entries 'config.json'"),
        (None, "checkpoint", {}, r"none of these kinds"),
    ],
)
def test_bad_arguments(folder, network, path, arguments, message):
    network = old_files.build("shallow") if network is None else network
    with pytest.raises(ValueError, match=message):
        kmc.legacy.load_tfa(network, folder / path, **arguments)


def test_bad_part_of_a_cyclegan(folder):
    model = old_files.cyclegan(EXAMPLE)
    with pytest.raises(ValueError, match=r"`part` must be a dictionary with the keys generator_ab"):
        kmc.legacy.load_tfa(model, folder / "example.h5", part="generator_G")
    with pytest.raises(kmc.legacy.LegacyError, match=r"needs four networks.*one network"):
        kmc.legacy.load_tfa(model, folder / "shallow.keras")


NO_TENSORFLOW = """
import sys
for name in ("tensorflow", "tensorflow_addons", "tf_keras"):
    sys.modules[name] = None
import pathlib
import old_files
from legacy.test_load_tfa import WITHOUT_TENSORFLOW, load
import keras_mri_cyclegan as kmc
folder = pathlib.Path(sys.argv[1])
for name, kind in WITHOUT_TENSORFLOW:
    if name == "shallow":
        old_files.check(load(folder, name, kind)[0], folder, name)
try:
    load(folder, "shallow", "saved")
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("backend", ["jax", pytest.param("torch", marks=pytest.mark.slow)])
def test_hdf5_needs_no_tensorflow(folder, backend):
    pytest.importorskip(backend)
    tests = str(pathlib.Path(old_files.__file__).parent)
    report = subprocess.run(
        [sys.executable, "-c", NO_TENSORFLOW, str(folder)],
        env={**os.environ, "KERAS_BACKEND": backend, "PYTHONPATH": tests},
        capture_output=True,
        text=True,
    )
    assert report.returncode == 0, report.stderr[-3000:]
    assert 'pip install "keras-mri-cyclegan[tensorflow]"' in report.stdout


def test_live_with_the_old_environment(tmp_path):
    """The same with files that tensorflow-addons writes here and now, its SavedModels whole."""
    python = os.environ.get("KMC_TFA_PYTHON")
    if not python:
        pytest.skip("KMC_TFA_PYTHON does not name the Python of an environment of Keras 2")
    script = old_files.PACKED.with_name("make_legacy.py")
    old = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS_", "PYTHONPATH"))}
    subprocess.run([python, str(script), str(tmp_path)], env=old, check=True, capture_output=True)
    for name, kind in WITHOUT_TENSORFLOW + WITH_TENSORFLOW:
        old_files.check(load(tmp_path, name, kind)[0], tmp_path, name)
    for path, names in [("tutorial", TUTORIAL), ("example/ckpt", EXAMPLE), ("example.h5", EXAMPLE)]:
        model = old_files.cyclegan(names)
        kmc.legacy.load_tfa(model, tmp_path / path)
        for network, name in zip(NETWORKS, names, strict=True):
            old_files.check(getattr(model, network), tmp_path, name)
