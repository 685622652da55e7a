"""Networks that torch plays from a record: they do what their layers do, in fewer words."""

import keras
import numpy as np
import pytest
from small import cyclegan, images

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.cyclegan import backends
from keras_mri_cyclegan.cyclegan.together import in_training

if keras.backend.backend() != "torch":
    pytest.skip("torch's", allow_module_level=True)

import torch

from keras_mri_cyclegan.cyclegan.backends import torch_graph
from keras_mri_cyclegan.cyclegan.backends.torch import _call
from keras_mri_cyclegan.cyclegan.backends.torch_graph import can_record

SHAPE = (16, 16, 1)
MAKERS = {
    "unet": lambda: kmc.unet_generator(SHAPE, depth=2, filters=4, dropout=0.0),
    "unet of volumes": lambda: kmc.unet_generator((8, 8, 8, 1), depth=2, filters=4, dropout=0.0),
    "resnet": lambda: kmc.resnet_generator(SHAPE, blocks=1, filters=4),
    "curve": lambda: kmc.curve_generator(SHAPE, np.linspace(-1, 1, 256), filters=4),
    "patchgan": lambda: kmc.patchgan_discriminator(SHAPE, layers=1, filters=4),
    "sequential": lambda: keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(1, 3)]),
}


@pytest.fixture
def policy():
    """Let a test set the policy of new layers."""
    before = keras.config.dtype_policy()
    yield keras.config.set_dtype_policy
    keras.config.set_dtype_policy(before)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("precision", ["float32", "mixed_bfloat16"])
def test_a_record_is_what_the_layers_do(name, precision, policy):
    policy(precision)
    network = MAKERS[name]()
    backends.prepare(network)
    assert can_record(network)
    policy("float32")  # that of layers that are made later
    scans = torch.from_numpy(images(3, network.input_shape[1:])).requires_grad_()
    inputs = [scans, *(variable.value for variable in network.variables)]

    def values(call):
        made = call(network, scans)
        return [made, *torch.autograd.grad((made.float() ** 2).sum(), inputs)]

    expected = values(in_training)
    for _ in range(2):  # recorded, and played
        for found, value in zip(values(_call), expected, strict=True):
            assert found.dtype == value.dtype
            np.testing.assert_array_equal(found.float().detach(), value.float().detach())


def test_each_size_and_batch_has_a_record():
    network = kmc.resnet_generator((None, None, 1), blocks=1, filters=4)
    backends.prepare(network)
    for count, size in ((1, 8), (2, 8), (2, 12), (1, 8)):
        scans = torch.from_numpy(images(count, (size, size, 1)))
        found, expected = _call(network, scans), in_training(network, scans)
        np.testing.assert_array_equal(found.detach(), expected.detach())


def test_old_records_are_forgotten(monkeypatch):
    monkeypatch.setattr(torch_graph, "MOST", 2)
    network = MAKERS["patchgan"]()
    backends.prepare(network)
    for count in (1, 2, 3, 4):
        _call(network, torch.from_numpy(images(count)))
    assert len(network._graph.records) == 2


def test_frozen_weights_get_no_gradient_and_images_do():
    network = MAKERS["patchgan"]()
    backends.prepare(network)
    scans = torch.from_numpy(images(2)).requires_grad_()
    _call(network, scans, frozen=True).sum().backward()
    assert scans.grad.abs().max() > 0
    assert all(variable.value.grad is None for variable in network.variables)


@pytest.mark.parametrize(
    "network",
    [
        lambda: kmc.unet_generator(SHAPE, depth=2, filters=4, dropout=0.5),
        lambda: kmc.patchgan_discriminator(SHAPE, layers=1, normalization="batch"),
        lambda: kmc.patchgan_discriminator(SHAPE, layers=1, spectral_normalization=True),
        lambda: keras.Sequential(
            [keras.Input(SHAPE), keras.layers.Conv2D(1, 3, activity_regularizer="l2")]
        ),
    ],
)
def test_what_is_not_the_same_each_time_is_not_recorded(network):
    assert not can_record(network())


def test_training_is_the_same_to_the_bit():
    models = [cyclegan(), cyclegan()]
    models[0].compile()
    models[1].compile(run_eagerly=True)  # whose calls are those of the layers
    for model in models:
        for k in range(3):
            model.train_on_batch(images(2, seed=k), images(2, seed=9 + k))
    assert models[0].generator_ab._graph.records
    assert not models[1].generator_ab._graph.records
    for one, other in zip(*(model.get_weights() for model in models), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_layer_that_is_frozen_between_steps_stays():
    model = cyclegan()
    model.compile()
    batch = images(2), images(2, seed=1)
    model.train_on_batch(*batch)
    layer = next(x for x in model.generator_ab.layers if isinstance(x, keras.layers.Conv2D))
    layer.trainable = False
    model.compile()
    before = [np.array(value) for value in layer.get_weights()]
    model.train_on_batch(*batch)
    for one, other in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_records_are_compiled_on_request(monkeypatch):
    compiled, compile_ = [], torch.compile

    def without_a_compiler(function, **options):
        compiled.append((function, options))
        return compile_(function, backend="aot_eager", **options)

    plain, model = cyclegan(), cyclegan()
    plain.compile()
    model.compile(jit_compile=True)
    monkeypatch.setattr(torch, "compile", without_a_compiler)
    batch = images(2), images(2, seed=1)
    found, expected = (one.train_on_batch(*batch, return_dict=True) for one in (model, plain))
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, err_msg=name)
    records = [one for one, _ in compiled if isinstance(one, torch.fx.GraphModule)]
    assert len(records) == 8  # each network joined and alone
    assert model.evaluate(*batch, verbose=0, return_dict=True).keys() >= {"psnr_ab"}
