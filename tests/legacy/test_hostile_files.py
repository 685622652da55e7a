"""Files that do not fit, are damaged or malicious: a `LegacyError`, and nothing changed."""

import importlib.util
import io
import json
import os
import shutil
import subprocess
import sys
import zipfile
import zlib

import h5py
import keras
import numpy as np
import old_files
import pytest

import keras_mri_cyclegan as kmc


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return old_files.unpack(tmp_path_factory.mktemp("legacy"))


@pytest.fixture
def shallow(folder, tmp_path):
    """A copy to be spoilt."""
    return copied(folder / "shallow.full.h5", tmp_path / "shallow.full.h5")


def copied(source, target):
    shutil.copyfile(source, target)
    return target


def refused(network, path, message, **arguments):
    """Check that loading is refused and leaves the network as it was; return the error."""
    before = [keras.ops.convert_to_numpy(weight).copy() for weight in network.weights]
    with pytest.raises(kmc.legacy.LegacyError, match=message) as info:
        kmc.legacy.load_tfa(network, path, **arguments)
    for weight, old in zip(network.weights, before, strict=True):
        np.testing.assert_array_equal(keras.ops.convert_to_numpy(weight), old)
    assert str(path) in str(info.value)
    return info.value


# === What does not match ===


def test_weights_of_pytorch_are_not_called_damaged(tmp_path):
    path = tmp_path / "g.pth"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("g/data.pkl", b"\x80\x02}.")
    network = kmc.patchgan_discriminator((32, 32, 1), layers=1, filters=2)
    error = refused(network, path, "weights of PyTorch")
    assert "damaged" not in str(error)


@pytest.mark.parametrize("kind", ["full.h5", "h5", "weights.h5", "keras"])
def test_wrong_depth_lists_both_sides(folder, kind):
    network = old_files.shallow_unet(filters=(2, 4, 4, 4))
    error = refused(network, folder / f"shallow.{kind}", "not those of the network", epsilon=1e-3)
    assert "15 weights in 10 layers in the file, 21 weights in 14 layers" in str(error)
    assert any("in the file: nothing; in the network: " in line for line in error.unmatched)


def test_wrong_depth_of_a_checkpoint(folder):
    pytest.importorskip("tensorflow")
    network = old_files.tutorial_unet((32, 32, 1), depth=3)
    error = refused(network, folder / "tutorial", "not those", part="generator_g")
    assert any("in the network: nothing" in line for line in error.unmatched)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"use_bias": True}, "in the network: down_0 (bias (2,), kernel (4, 4, 1, 2))"),
        ({"filters": (2, 4, 8)}, "in the network: down_2 (kernel (4, 4, 4, 8))"),
        ({"normalize_bottleneck": False}, "in the network: nothing"),
        ({"normalization": "batch"}, "moving_mean"),
        ({"normalization": kmc.layers.InstanceNormalization(center=False)}, "(gamma (4,))"),
    ],
)
def test_another_network(folder, arguments, line):
    error = refused(old_files.shallow_unet(**arguments), folder / "shallow.h5", "not those")
    assert any(line in unmatched for unmatched in error.unmatched), error


@pytest.mark.parametrize("kind", ["conv2d_", "instance_normalization_"])
def test_missing_layer(folder, tmp_path, kind):
    path = copied(folder / "shallow.h5", tmp_path / "x.h5")
    with h5py.File(path, "r+") as file:
        names = list(file.attrs["layer_names"])
        layer = [name for name in names if name.startswith(kind)][1]
        del file[layer]
        names.remove(layer)
        file.attrs["layer_names"] = names
    error = refused(old_files.shallow_unet(), path, "not those")
    assert len(error.unmatched) == 1
    assert "in the file: nothing" in error.unmatched[0]


def test_extra_layer(folder, tmp_path):
    path = copied(folder / "shallow.h5", tmp_path / "x.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["layer_names"] = [*file.attrs["layer_names"], "conv2d_99"]
        group = file.create_group("conv2d_99")
        group.attrs["weight_names"] = ["conv2d_99/kernel:0"]
        group["conv2d_99/kernel:0"] = np.zeros((1, 1, 1, 1), "float32")
    error = refused(old_files.shallow_unet(), path, "not those")
    assert error.unmatched == [
        "in the file: conv2d_99 (kernel (1, 1, 1, 1)); in the network: nothing"
    ]


@pytest.mark.parametrize("where", ["group", "weight"])
def test_weights_that_no_list_names(folder, tmp_path, where):
    path = copied(folder / "shallow.h5", tmp_path / "x.h5")
    with h5py.File(path, "r+") as file:
        name = next(name for name in file if name.startswith("conv2d"))
        file["hidden/kernel" if where == "group" else f"{name}/hidden"] = np.zeros(3, "float32")
    refused(old_files.shallow_unet(), path, "list of layers|holds 2 weights and lists 1")


# === What the weights do not show ===


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("full.h5", {"normalization": "instance"}, r"epsilon=0.001 \(in the file\)"),
        ("keras", {"normalization": "instance"}, r"epsilon=0.001 \(in the file\)"),
        ("h5", {"normalization": "instance"}, r"epsilon=0.001 \(by default"),
        ("full.h5", {"negative_slope": 0.3}, r"leaky ReLU of slope 0.2.*leaky ReLU of slope 0.3"),
        ("keras", {"negative_slope": 0.3}, r"leaky ReLU of slope 0.2.*leaky ReLU of slope 0.3"),
    ],
)
def test_settings(folder, kind, arguments, message):
    refused(old_files.shallow_unet(**arguments), folder / f"shallow.{kind}", f"(?s){message}")


def test_settings_of_a_saved_model(folder):
    pytest.importorskip("tensorflow")
    network = old_files.shallow_unet(normalization="instance", negative_slope=0.1)
    error = refused(network, folder / "shallow.saved", r"epsilon=0.001 \(in the file\)")
    assert "slope 0.1" in error.unmatched[-1]


def test_epsilon_that_is_not_recorded(folder):
    network, path = old_files.shallow_unet(), folder / "shallow.weights.h5"
    refused(network, path, r"epsilon is not in the file.*`epsilon=1e-3`")
    refused(network, path, r"epsilon=1e-05 \(as you say\)", epsilon=1e-5)
    refused(network, folder / "shallow.keras", r"records epsilon=0.001", epsilon=1e-5)
    other = old_files.shallow_unet(normalization=kmc.layers.InstanceNormalization(epsilon=0.1))
    kmc.legacy.load_tfa(other, folder / "shallow.h5", epsilon=0.1)


def test_order_that_cannot_be_told(tmp_path):
    """A block and a layer of the same shape, which the file does not put into an order."""
    path = tmp_path / "x.weights.h5"
    with h5py.File(path, "w") as file:
        for name in ("layers/conv2d", "layers/sequential/layers/conv2d"):
            file[f"{name}/vars/0"] = np.zeros((1, 1, 1, 1), "float32")
    image = keras.Input((4, 4, 1))
    x = keras.layers.Conv2D(1, 1, use_bias=False)(image)
    network = keras.Model(image, keras.layers.Conv2D(1, 1, use_bias=False)(x))
    refused(network, path, "fits the network in more than one way")


# === Files that are after something ===


LAMBDA = {
    "class_name": "Lambda",
    "config": {"name": "lambda", "function": ["4wEAAAAA", None, None], "function_type": "lambda"},
}


def test_lambda_in_h5(shallow):
    with h5py.File(shallow, "r+") as file:
        config = json.loads(file.attrs["model_config"])
        config["config"]["layers"].append(LAMBDA)
        file.attrs["model_config"] = json.dumps(config)
    refused(old_files.shallow_unet(), shallow, "Lambda layer in it. Its code is not run")


def rewrite(source, target, **entries):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, entries.get(name.replace(".", "_"), old.read(name)))
    return target


def test_lambda_nested_in_keras_file(folder, tmp_path):
    with zipfile.ZipFile(folder / "shallow.keras") as file:
        config = json.loads(file.read("config.json"))
    nested = {"class_name": "Sequential", "config": {"name": "s", "layers": [LAMBDA]}}
    config["config"]["layers"].append(nested)
    path = rewrite(folder / "shallow.keras", tmp_path / "x.keras", config_json=json.dumps(config))
    refused(old_files.shallow_unet(), path, "Lambda")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("[" * 100_000, "config is damaged"),
        ("{", "config is damaged"),
        ("[]", "not that of a model"),
        (b"\xff\xfe\xfa", "config is damaged"),
    ],
)
def test_bad_config(folder, tmp_path, config, message):
    path = rewrite(folder / "shallow.keras", tmp_path / "x.keras", config_json=config)
    refused(old_files.shallow_unet(), path, message)


def test_zip_that_inflates(folder, tmp_path):
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", b" " * 2**27)
        file.writestr("model.weights.h5", b"")
    refused(old_files.shallow_unet(), path, "claims 134217728 bytes")


def spoil(path, how, secret):
    """Let the first kernel of a file lie elsewhere."""
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        layer = next(name for name in group.attrs["layer_names"] if name.startswith("conv2d"))
        name = f"{layer}/{layer}/kernel:0"
        shape = group[name].shape
        del group[name]
        if how == "external link":
            group[name] = h5py.ExternalLink(str(secret), "/secret")
        elif how == "soft link":
            group[name] = h5py.SoftLink("/elsewhere")
            file["elsewhere"] = np.zeros(shape, "float32")
        elif how == "external storage":
            group.create_dataset(
                name, shape, "float32", external=[(str(secret), 0, h5py.h5f.UNLIMITED)]
            )
        elif how == "virtual dataset":
            layout = h5py.VirtualLayout(shape, "float32")
            layout[...] = h5py.VirtualSource(str(secret), "/secret", shape)
            group.create_virtual_dataset(name, layout)
        elif how == "linked group":
            del group[layer]
            group[layer] = h5py.ExternalLink(str(secret), "/")
        elif how == "huge":
            group.create_dataset(name, (2**20, 2**10), "float32", chunks=(1024, 1024))
        elif how == "bomb":
            group.create_dataset(name, shape, "float32", chunks=shape, compression="gzip")
            group[name].id.write_direct_chunk((0,) * 4, zlib.compress(bytes(2**24)))
        elif how == "object":
            group.create_dataset(name, shape, h5py.string_dtype())
        elif how == "rounded":
            group.create_dataset(name, shape, "float64")
        elif how == "nan":
            group.create_dataset(name, data=np.full(shape, np.nan, "float32"))


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("external link", "link to another file"),
        ("soft link", "which is not followed"),
        ("external storage", "stored in other files"),
        ("virtual dataset", "stored in other files"),
        ("linked group", "links to another place"),
        ("huge", "not those of the network"),
        ("bomb", "holds more than"),
        ("object", "Expected an array of real numbers"),
        ("rounded", "it would round"),
        ("nan", "not of finite numbers"),
    ],
)
def test_weights_elsewhere_or_other_than_they_claim(shallow, tmp_path, how, message):
    secret = tmp_path / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["secret"] = np.ones((4, 4, 1, 2), "float32")
    spoil(shallow, how, secret)
    refused(old_files.shallow_unet(), shallow, message)


def test_checkpoint_that_leads_elsewhere(folder, tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "checkpoint").write_text(f'model_checkpoint_path: "{folder}/tutorial/ckpt-1"\n')
    refused(old_files.build("generator_g"), tmp_path, r"no `ckpt-1.index`", part="generator_g")


# === Damage ===

FUZZ = """
import pathlib, random, sys
import numpy as np
import keras, old_files
import keras_mri_cyclegan as kmc
folder, cases = pathlib.Path(sys.argv[1]), int(sys.argv[2])
target = folder / "fuzz"
target.mkdir()
network = old_files.shallow_unet()
for name in sys.argv[3:]:
    arguments = {"epsilon": 1e-3} if name.endswith("weights.h5") else {}
    files = [folder / name] if (folder / name).is_file() else sorted(folder.glob(f"{name}.*"))
    whole = {path: path.read_bytes() for path in files}
    random.seed(0)
    refused = 0
    for k in range(cases):
        spoilt = random.choice(files)
        for path, data in whole.items():
            data = bytearray(data)
            if path == spoilt and k % 3 == 0:
                del data[random.randrange(len(data)) :]
            elif path == spoilt:
                start = random.randrange(len(data))
                for at in range(start, min(start + random.choice([1, 4, 64]), len(data))):
                    data[at] ^= random.randrange(1, 256)
            (target / path.name).write_bytes(data)
        try:
            kmc.legacy.load_tfa(network, target / name, **arguments)
        except kmc.legacy.LegacyError:
            refused += 1
        else:
            if not name.endswith(".h5"):
                old_files.check(network, folder, "shallow")
    assert refused > cases // 4, (name, refused)
"""


@pytest.mark.parametrize("cases", [15, pytest.param(60, marks=pytest.mark.slow)])
def test_damage_is_refused_and_never_ends_the_process(folder, tmp_path, cases):
    """Cut off or flipped anywhere. Where there are checksums, what loads is what was kept."""
    names = ["shallow.full.h5", "shallow.weights.h5", "shallow.keras"]
    if importlib.util.find_spec("tensorflow"):
        names.append("shallow.tf")
    for path in folder.glob("shallow*"):
        if path.is_file():
            copied(path, tmp_path / path.name)
    tests = str(old_files.PACKED.parents[1])
    command = [sys.executable, "-c", FUZZ, str(tmp_path), str(cases), *names]
    report = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": tests}, capture_output=True, text=True
    )
    assert report.returncode == 0, report.stdout[-500:] + report.stderr[-3000:]


def test_empty_and_other_files(tmp_path):
    for content in (b"", b"PK\x03\x04", b"\x89HDF\r\n\x1a\n" + bytes(100), b"GIF89a" * 9):
        path = tmp_path / "x"
        path.write_bytes(content)
        refused(old_files.shallow_unet(), path, "cannot be read|none of these kinds")
    image = io.BytesIO()
    with h5py.File(image, "w") as file:
        file["volume"] = np.zeros(3)
    path.write_bytes(image.getvalue())
    refused(old_files.shallow_unet(), path, "not a group|no weights as Keras writes them")
