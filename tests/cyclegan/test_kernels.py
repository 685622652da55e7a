"""What the backends need to convolve and update fast on a CPU: the results stay Keras'."""

import itertools

import keras
import numpy as np
import pytest
from cases import case
from gradients import gradients
from keras import ops

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan.cyclegan import backends
from keras_mri_cyclegan.cyclegan.backends import small_images

pytestmark = pytest.mark.compiled

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
@pytest.mark.parametrize(
    ("kind", "size", "strides"),
    [
        # Each size with one step, one of them with each; all of them are a minute of compilation.
        pytest.param(
            kind,
            size,
            strides,
            marks=()
            if strides == 2 or (kind is keras.layers.Conv2DTranspose and size == 4)
            else pytest.mark.slow,
        )
        for kind, sizes in (
            (keras.layers.Conv2DTranspose, (2, 3, 4, 5)),
            (keras.layers.Conv3DTranspose, (3, 4)),
        )
        for size in sizes
        for strides in (1, 2, 3)
    ],
)
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
    backends.prepare(network)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    np.testing.assert_allclose(ops.convert_to_numpy(network(image)), expected, atol=1e-6)


# === Small images ===


def values_and_gradients(network, image):
    """Return what a network makes of an image, and the gradients in the image and the weights."""
    image = keras.Variable(image)
    made = ops.convert_to_numpy(network(image.value))
    cotangent = ops.convert_to_tensor(np.random.default_rng(1).normal(size=made.shape), "float32")
    found = gradients(lambda: ops.sum(network(image.value) * cotangent), [image, *network.weights])
    return [made, *found]


@pytest.mark.parametrize("kind", small_images.KINDS)
@pytest.mark.parametrize(
    ("size", "use_bias"), [((2, 2), True), ((4, 4), False), ((8, 2), True), ((6, 10), False)]
)
def test_small_images_convolve_as_in_keras(kind, size, use_bias):
    layer = kind(256, 4, strides=2, padding="same", activation="tanh", use_bias=use_bias)
    network = keras.Sequential([keras.Input((*size, 256)), layer])
    if use_bias:
        layer.bias.assign(RNG.normal(size=256))
    image = RNG.normal(size=(3, *size, 256)).astype("float32")
    expected = values_and_gradients(network, image)
    small_images.install(network, patches=64, pixels=64)
    small_images.install(network, patches=64, pixels=64)  # as for a network of two CycleGANs
    assert "call" in vars(layer)
    layer.call.args[1].__self__.kernel_size = None  # the layer's own call would fail
    for one, other in zip(values_and_gradients(network, image), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5 * np.abs(other).max())


@pytest.mark.parametrize("size", [(7, 4), (4, 5), (32, 32)])
def test_odd_sizes_and_large_images_convolve_as_ever(size):
    layer = keras.layers.Conv2D(256, 4, strides=2, padding="same")
    network = keras.Sequential([keras.Input((None, None, 256)), layer])
    image = RNG.normal(size=(1, *size, 256)).astype("float32")
    expected = ops.convert_to_numpy(network(image))
    small_images.install(network, patches=64, pixels=64)
    np.testing.assert_array_equal(ops.convert_to_numpy(network(image)), expected)


@pytest.mark.parametrize(
    "other",
    [{"strides": 1}, {"kernel_size": 3}, {"padding": "valid"}, {"groups": 2}, {"filters": 128}],
)
def test_other_convolutions_are_left_alone(other):
    settings = {"filters": 256, "kernel_size": 4, "strides": 2, "padding": "same", **other}
    layer = keras.layers.Conv2D(**settings)
    small_images.install(keras.Sequential([keras.Input((8, 8, 256)), layer]), 64, 64)
    assert "call" not in vars(layer)


def test_half_precision_is_as_precise_as_in_keras():
    layer = keras.layers.Conv2DTranspose(
        256, 4, strides=2, padding="same", dtype="mixed_bfloat16", kernel_initializer="he_normal"
    )
    network = keras.Sequential([keras.Input((4, 4, 256)), layer])
    image = RNG.normal(size=(2, 4, 4, 256)).astype("float32")
    exact = keras.layers.Conv2DTranspose(256, 4, strides=2, padding="same")
    exact.build(image.shape)
    exact.set_weights(layer.get_weights())
    exact = ops.convert_to_numpy(exact(image))

    def error():
        made = network(image)
        assert keras.backend.standardize_dtype(made.dtype) == "bfloat16"
        return np.abs(ops.convert_to_numpy(ops.cast(made, "float32")) - exact).mean()

    before = error()
    small_images.install(network, patches=64, pixels=64)
    assert error() < 1.2 * before


@pytest.mark.skipif(BACKEND == "torch", reason="torch convolves small images well by itself")
def test_networks_are_exported_with_keras_layers():
    from keras_mri_cyclegan.cyclegan.export import _for_export

    network = kmc.unet_generator((16, 16, 1), depth=4, filters=64)
    backends.prepare(network)
    assert any("call" in vars(layer) for layer in network.layers)
    written = _for_export(network, "onnx", (16, 16, 1))
    assert not any("call" in vars(layer) for layer in written.layers)
    for one, other in zip(written.get_weights(), network.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


# === torch: convolutions without copies, Adam in one pass ===


@pytest.mark.skipif(BACKEND != "torch", reason="torch's")
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_torch_convolves_as_keras_says(rank, padding):
    kind = {2: keras.layers.Conv2D, 3: keras.layers.Conv3D}[rank]
    others = ({"strides": 2}, {"dilation_rate": 2}, {"groups": 2}, {})
    for other, size in itertools.product(others, (2, 3, 4)):
        with case(other, size):
            layer = kind(4, size, padding=padding, activation="tanh", **other)
            check_torch(layer, rank, known=True)


@pytest.mark.skipif(BACKEND != "torch", reason="torch's")
@pytest.mark.parametrize("rank", [2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
def test_torch_transposes_as_keras_says(rank, padding):
    kind = {2: keras.layers.Conv2DTranspose, 3: keras.layers.Conv3DTranspose}[rank]
    for strides, size in itertools.product((1, 2, 3), (1, 2, 3, 4, 5)):
        known = padding == "same" and size >= strides and (size - strides) % 2 == 0
        with case(strides, size):
            layer = kind(4, size, strides=strides, padding=padding, use_bias=False)
            check_torch(layer, rank, known)


def check_torch(layer, rank, known):
    """Compare a layer with itself after `install`, which changes it if it is of a known kind."""
    from keras_mri_cyclegan.cyclegan.backends import torch_convolution

    network = keras.Sequential([keras.Input((*(7, 8, 9)[:rank], 2)), layer])
    image = RNG.normal(size=(2, *network.input_shape[1:])).astype("float32")
    expected = values_and_gradients(network, image)
    torch_convolution.install(network)
    assert ("call" in vars(layer)) == known
    for one, other in zip(values_and_gradients(network, image), expected, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5 * max(1, np.abs(other).max()))


@pytest.mark.skipif(BACKEND != "torch", reason="torch's")
@pytest.mark.parametrize(
    "optimizer",
    [
        keras.optimizers.Adam(1e-2, beta_1=0.5),
        keras.optimizers.Adam(1e-2, epsilon=0.1, clipnorm=1.0),
        keras.optimizers.AdamW(keras.optimizers.schedules.CosineDecay(1e-2, 5), weight_decay=0.1),
        keras.optimizers.Adam(1e-2, amsgrad=True),
    ],
)
def test_adam_in_one_pass_is_adam(optimizer, monkeypatch):
    import torch

    from keras_mri_cyclegan.cyclegan.backends import torch_adam

    calls, in_one_pass = [], torch_adam.adam

    def counted(*args, **kwargs):
        calls.append(args)
        return in_one_pass(*args, **kwargs)

    monkeypatch.setattr(torch_adam, "adam", counted)
    found = []
    for ours in (False, True):
        one = type(optimizer).from_config(optimizer.get_config())
        rng = np.random.default_rng(0)
        variables = [
            keras.Variable(rng.normal(size=s), dtype="float32")
            for s in ((3, 3, 2, 4), (5,), (2, 6))
        ]
        backends._backend._lay_out(variables)
        one.build(variables)
        if ours:
            backends._backend._lay_out(one.variables)
            torch_adam.install(one)
        for _ in range(4):
            given = [torch.tensor(rng.normal(size=v.shape), dtype=torch.float32) for v in variables]
            given[0] = torch_adam.in_memory_order(given[0]).contiguous().movedim(0, -1)
            one.apply(given, variables)
        found.append([v.numpy() for v in (*variables, *one.variables)])
    assert len(calls) == (0 if optimizer.amsgrad else 4)
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-6, atol=2e-7)


@pytest.mark.skipif(BACKEND != "torch", reason="torch's")
def test_adam_of_a_gradient_that_lies_otherwise_is_adam():
    import torch

    from keras_mri_cyclegan.cyclegan.backends import torch_adam

    found = []
    for ours in (False, True):
        rng = np.random.default_rng(0)
        variable = keras.Variable(rng.normal(size=(3, 3, 2, 4)), dtype="float32")
        optimizer = keras.optimizers.Adam(1e-2)
        optimizer.build([variable])
        if ours:
            torch_adam.install(optimizer)
        gradient = torch.tensor(rng.normal(size=variable.shape), dtype=torch.float32)
        optimizer.apply([gradient], [variable])
        found.append(variable.numpy())
    np.testing.assert_array_equal(*found)
