"""What JAX and torch need to convolve fast on a CPU: the results stay what they were."""

import keras
import numpy as np
import pytest
from keras import ops

import keras_mri_cyclegan as kmc

BACKEND = keras.backend.backend()
RNG = np.random.default_rng(0)


def model():
    """Return a CycleGAN with convolutions of every kind that the builders make."""
    shape = (16, 16, 1)
    made = kmc.CycleGAN(
        kmc.unet_generator(shape, depth=2, filters=4),
        kmc.resnet_generator(shape, blocks=1, filters=4),
        kmc.patchgan_discriminator(shape, layers=1, filters=4),
        kmc.patchgan_discriminator(shape, layers=1, filters=4),
        seed=0,
    )
    made.compile()
    return made


@pytest.mark.skipif(BACKEND != "jax", reason="what XLA is slow at")
@pytest.mark.parametrize("kind", [keras.layers.Conv2DTranspose, keras.layers.Conv3DTranspose])
@pytest.mark.parametrize("size", [2, 3, 4, 5])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_transposed_convolutions_differentiate_as_jax_does(kind, size, strides):
    import jax

    from keras_mri_cyclegan.cyclegan.backends import jax_transposed_convolution

    layer = kind(4, size, strides=strides, padding="same", activation="tanh")
    shape = (5, 6, 3) if kind is keras.layers.Conv2DTranspose else (3, 4, 5, 2)
    network = keras.Sequential([keras.Input(shape), layer])
    layer.bias.assign(RNG.normal(size=4))
    image = RNG.normal(size=(2, *shape)).astype("float32")

    def call(image, kernel, bias):
        return layer.stateless_call([kernel, bias], [], image)[0]

    arguments = image, layer.kernel.value, layer.bias.value
    expected, differentiate = jax.vjp(call, *arguments)
    cotangent = RNG.normal(size=expected.shape).astype("float32")
    expected_gradients = differentiate(cotangent)

    jax_transposed_convolution.install(network)
    found, differentiate = jax.vjp(call, *arguments)
    np.testing.assert_array_equal(found, expected)
    for one, other in zip(differentiate(cotangent), expected_gradients, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=2e-5)


@pytest.mark.skipif(BACKEND != "jax", reason="what XLA is slow at")
def test_every_transposed_convolution_of_a_model_is_one_of_them():
    layers = [
        layer
        for network in model().networks.values()
        for layer in network._flatten_layers()
        if isinstance(layer, keras.layers.Conv2DTranspose)
    ]
    assert len(layers) >= 3
    assert all("call" in vars(layer) for layer in layers)


@pytest.mark.skipif(BACKEND != "jax", reason="what XLA is slow at")
@pytest.mark.parametrize(
    "other", [{"padding": "valid"}, {"dilation_rate": 2}, {"output_padding": 1}]
)
def test_others_are_left_alone(other):
    from keras_mri_cyclegan.cyclegan.backends import jax_transposed_convolution

    strides = 1 if "dilation_rate" in other else 2
    layer = keras.layers.Conv2DTranspose(4, 3, strides=strides, **{"padding": "same", **other})
    jax_transposed_convolution.install(keras.Sequential([keras.Input((8, 8, 1)), layer]))
    assert "call" not in vars(layer)


def kernels_of(made):
    """Return the kernels and all that is kept for each of them."""
    networks = [v for network in made.networks.values() for v in network.variables]
    return [v for v in (*networks, *made.optimizer.variables) if len(v.shape) == 4]


@pytest.mark.skipif(BACKEND != "torch", reason="layouts are torch's")
def test_torch_need_not_copy_kernels(tmp_path):
    import torch

    made = model()
    images = RNG.uniform(-1, 1, (2, 16, 16, 1)).astype("float32")
    made.fit(images, images, epochs=1, verbose=0)
    made.save(tmp_path / "model.keras")
    for each in (made, keras.models.load_model(tmp_path / "model.keras")):
        assert len(kernels_of(each)) > 20
        for variable in kernels_of(each):
            seen = variable.value.permute(3, 2, 0, 1)
            assert seen.is_contiguous(memory_format=torch.channels_last), variable.path


@pytest.mark.skipif(BACKEND != "torch", reason="layouts are torch's")
def test_the_layout_changes_no_value():
    layer = keras.layers.Conv2D(5, 3)
    network = keras.Sequential([keras.Input((8, 8, 2)), layer])
    image = RNG.normal(size=(1, 8, 8, 2)).astype("float32")
    kernel, expected = layer.kernel.numpy(), ops.convert_to_numpy(network(image))
    from keras_mri_cyclegan.cyclegan import backends

    backends.prepare(network)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    np.testing.assert_allclose(ops.convert_to_numpy(network(image)), expected, atol=1e-6)
