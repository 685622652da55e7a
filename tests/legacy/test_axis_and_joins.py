"""What an old file records beside its weights is compared: axes of normalisations, sums, joins."""

import json

import h5py
import keras
import numpy as np
import pytest

import keras_mri_cyclegan as kmc

layers = keras.layers
Norm = kmc.layers.InstanceNormalization


def network(weights=True, joined=None, pool=None, batch=False):
    """A network of which one layer is `norm`."""
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(8, 3, padding="same", name="conv2d")(image)
    norm = layers.BatchNormalization if batch else Norm
    x = norm(name="norm", center=weights, scale=weights)(x)
    y = layers.Conv2D(8, 3, padding="same", name="conv2d_1")(x)
    y = getattr(layers, joined)(name="join")([x, y]) if joined else y
    y = getattr(layers, pool)(name="pool")(y) if pool else y
    return keras.Model(image, y)


@pytest.fixture
def old(tmp_path):
    """Return a function that writes a network as Keras 2 did, with another axis."""

    def write(old_network, package="Addons>", **changes):
        path = str(tmp_path / "old.h5")
        old_network.save(path)
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            for layer in config["config"]["layers"]:
                for key in ("module", "registered_name"):
                    layer.pop(key, None)
                if "Instance" in layer["class_name"]:
                    layer["class_name"] = f"{package}InstanceNormalization"
                    layer["config"]["groups"] = -1
                if layer["config"]["name"] == "norm":
                    layer["config"].update(changes)
                if isinstance(layer["config"].get("dtype"), dict):
                    layer["config"]["dtype"] = "float32"
            file.attrs["model_config"] = json.dumps(config)
            file.attrs["keras_version"] = "2.10.0"
        return path

    return write


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("axis", [-1, 3, [3]])
def test_the_same_axis_in_other_words(old, axis, weights):
    source, other = network(weights), network(weights)
    kmc.legacy.load_tfa(other, old(source, axis=axis))
    image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(other.predict(image, verbose=0), source.predict(image, verbose=0))


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("batch", [True, False])
@pytest.mark.parametrize("axis", [1, 2, None, [1, 3], "3"])
def test_another_axis_is_an_error_that_names_both(old, axis, batch, weights):
    other = network(weights, batch=batch)
    before = other.get_weights()
    with pytest.raises(kmc.legacy.LegacyError, match="would not compute") as error:
        kmc.legacy.load_tfa(other, old(network(weights, batch=batch), axis=axis))
    (line,) = [one for one in error.value.unmatched if "axis=" in one]
    assert line.startswith(f"norm has axis={axis}")
    assert line.endswith("norm has axis=-1")
    assert ("keras_contrib" in line) == (axis is None)
    for one, two in zip(before, other.get_weights(), strict=True):
        np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize("weights", [True, False])
@pytest.mark.parametrize("package", ["", "Addons>"])
def test_load_model_compares_the_axis_too(old, package, weights):
    """Keras leaves an axis of null out of the config, and the layer took its default."""
    custom = {f"{package}InstanceNormalization": Norm}
    source = network(weights)

    def load(axis):
        path = old(source, package, axis=axis)
        return keras.models.load_model(path, compile=False, custom_objects=custom)

    image = np.random.default_rng(0).uniform(-1, 1, (1, 8, 8, 1)).astype("float32")
    np.testing.assert_array_equal(
        load(-1).predict(image, verbose=0), source.predict(image, verbose=0)
    )
    for axis in (None, [1, 3]):
        with pytest.raises(ValueError, match=r"does not support `axis=None`.*keras_contrib"):
            load(axis)


@pytest.mark.parametrize(
    ("theirs", "ours", "line"),
    [
        ({"joined": "Add"}, {}, "the file has 1 x Add; the network 0"),
        ({}, {"joined": "Add"}, "the file has 0 x Add; the network 1"),
        ({"joined": "Add"}, {"joined": "Multiply"}, "the file has 0 x Multiply; the network 1"),
        ({"pool": "MaxPooling2D"}, {}, "the file has 1 x MaxPooling2D; the network 0"),
        ({"pool": "UpSampling2D"}, {}, "the file has 1 x UpSampling2D; the network 0"),
    ],
)
def test_other_joins_are_an_error_that_names_them(old, theirs, ours, line):
    path = old(network(**theirs))
    with pytest.raises(kmc.legacy.LegacyError, match="would not compute") as error:
        kmc.legacy.load_tfa(network(**ours), path)
    assert line in error.value.unmatched
    kmc.legacy.load_tfa(network(**theirs), path)


def test_groups_of_tensorflow_addons_constructor():
    assert Norm(groups=-1, name="n").get_config() == Norm(name="n").get_config()
    with pytest.warns(UserWarning, match=r"groups=4 has no effect.*GroupNormalization\(groups=4\)"):
        layer = Norm(groups=4)
    assert "groups" not in layer.get_config()
    with pytest.raises(ValueError, match="`groups`"):
        Norm(groups=0)


@pytest.mark.parametrize("given", [{"axis": None}, {"axis": None, "epsilon": 1e-5}])
def test_a_config_of_keras_contrib(given):
    with pytest.raises(ValueError, match="keras_contrib"):
        Norm.from_config(given)
    config = Norm(axis=1).get_config()
    del config["axis"]  # as Keras leaves it of an `.h5`
    with pytest.raises(ValueError, match="keras_contrib"):
        Norm.from_config(config)
    assert Norm.from_config({"epsilon": 1e-5}).axis == -1


def test_a_class_in_place_of_a_layer():
    with pytest.raises(ValueError, match=r"`normalization` must be one of .* or a layer, such as"):
        kmc.unet_generator((16, 16, 1), depth=2, filters=2, normalization=Norm)
