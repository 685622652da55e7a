"""What an exported network computes in its own runtime is what the network computes."""

import keras
import numpy as np
import pytest
from small import cyclegan, images

import keras_mri_cyclegan as kmc
from keras_mri_cyclegan import _extras
from keras_mri_cyclegan.cyclegan.export import ENDINGS, PACKAGES, export_network

BACKEND = keras.backend.backend()
pytestmark = pytest.mark.compiled
IMAGE, VOLUME, OPEN = (16, 24, 1), (8, 8, 8, 1), (None, None, 1)
NETWORKS = {
    "unet": lambda shape, **k: kmc.unet_generator(shape, depth=2, filters=4, **k),
    "resnet": lambda shape, **k: kmc.resnet_generator(shape, blocks=1, filters=4, **k),
    "patchgan": lambda shape, **k: kmc.patchgan_discriminator(shape, layers=1, filters=4, **k),
}


@pytest.fixture
def float32_after():
    yield
    keras.config.set_dtype_policy("float32")


def network(kind, shape=IMAGE, **arguments):
    """Return a network with offsets and scales of its own, so that none can be lost unseen."""
    made = NETWORKS[kind](shape, **arguments)
    rng = np.random.default_rng(0)
    for variable in made.weights:
        if "seed" in variable.path or "vector_u" in variable.path:
            continue
        offset = "gamma" in variable.path or "moving_variance" in variable.path
        # Kernels as the builders draw them. Larger ones, in a volume that leaves a handful of
        # numbers to normalise, make a network whose own rounding is above 1e-5.
        width = 0.02 if "kernel" in variable.path else 0.1
        variable.assign((rng.normal(0, width, variable.shape) + offset).astype("float32"))
    return made


def need(format, backend=BACKEND):
    """Skip the test where a package that writes or runs the format is missing."""
    runtime = {"tf_saved_model": "tensorflow", "onnx": "onnxruntime", "litert": "ai_edge_litert"}
    for package in (runtime[format], *PACKAGES.get((backend, format), ())):
        pytest.importorskip(package, reason=f"{package} is not installed")


def run(path, format, batch):
    """Return what the file makes of a batch."""
    if format == "tf_saved_model":
        import tensorflow as tf

        loaded = tf.saved_model.load(path)  # Held, or its variables are gone.
        return np.asarray(loaded.serve(tf.constant(batch)))
    if format == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(path)
        return session.run(None, {session.get_inputs()[0].name: batch})[0]
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=path)
    entry = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(entry, batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(entry, batch)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def check(made, folder, format, shape=IMAGE, counts=(1, 3), reference=None, **arguments):
    """Export a network and compare batches of 1 and 3."""
    path = str(folder / f"network{ENDINGS[format]}")
    export_network(made, path, format=format, **arguments)
    for count in counts:
        batch = images(count, shape)
        wanted = keras.ops.convert_to_numpy((reference or made)(batch, training=False))
        found = run(path, format, batch)
        assert found.shape == wanted.shape
        np.testing.assert_allclose(found, wanted, atol=1e-5)


# What other packages write is tested each night; a short form of it runs by default.
CASES = [
    ("tf_saved_model", "unet", {}),
    ("tf_saved_model", "patchgan", {"spectral_normalization": True}),
    ("onnx", "unet", {"full_resolution": True}),
    *(
        pytest.param(*case, marks=pytest.mark.slow)
        for case in (
            ("tf_saved_model", "resnet", {"upsampling": "resize"}),
            ("onnx", "resnet", {}),
            ("onnx", "resnet", {"upsampling": "resize"}),
            ("onnx", "patchgan", {}),
            ("litert", "unet", {"normalization": "batch"}),
            ("litert", "resnet", {}),
            ("litert", "resnet", {"upsampling": "resize"}),
        )
    ),
]


@pytest.mark.parametrize(("format", "kind", "arguments"), CASES)
def test_any_number_of_images(format, kind, arguments, tmp_path):
    need(format)
    if (BACKEND, format) in (("torch", "tf_saved_model"), ("jax", "litert")):
        with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow"):
            export_network(network(kind), tmp_path / f"x{ENDINGS[format]}", format=format)
        return
    fixed = (BACKEND, format) == ("torch", "litert")
    options = {"batch_size": 1, "counts": (1,)} if fixed else {}
    check(network(kind, **arguments), tmp_path, format, **options)


@pytest.mark.slow
@pytest.mark.parametrize("format", list(ENDINGS))
@pytest.mark.parametrize("kind", ["unet", "resnet"])
def test_volumes(format, kind, tmp_path):
    need(format)
    made = network(kind, VOLUME)
    if BACKEND == "tensorflow" or (BACKEND, format) == ("jax", "tf_saved_model"):
        check(made, tmp_path, format, VOLUME)
    elif (BACKEND, format) == ("torch", "onnx"):
        with pytest.raises(ValueError, match="batch_size=1"):
            export_network(made, tmp_path / f"x{ENDINGS[format]}", format=format)
        check(made, tmp_path, format, VOLUME, counts=(3,), batch_size=3)
    else:
        with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow"):
            export_network(made, tmp_path / f"x{ENDINGS[format]}", format=format)


@pytest.mark.parametrize(
    "format",
    ["tf_saved_model", *(pytest.param(f, marks=pytest.mark.slow) for f in ("onnx", "litert"))],
)
@pytest.mark.parametrize("kind", ["unet", pytest.param("resnet", marks=pytest.mark.slow)])
def test_open_sizes(format, kind, tmp_path):
    if BACKEND == "tensorflow":
        need(format)
        check(network(kind, OPEN), tmp_path, format, (32, 16, 1))
        check(network(kind, OPEN, upsampling="resize"), tmp_path, format, IMAGE)
        return
    with pytest.raises(ValueError, match="KERAS_BACKEND=tensorflow"):
        export_network(network(kind, OPEN), tmp_path / f"x{ENDINGS[format]}", format=format)


@pytest.mark.slow
@pytest.mark.parametrize("kind", list(NETWORKS))
def test_open_sizes_can_be_fixed(kind, tmp_path):
    need("onnx")
    check(network(kind, OPEN), tmp_path, "onnx", input_shape=IMAGE)


@pytest.mark.slow
@pytest.mark.skipif(BACKEND != "tensorflow", reason="refused by size on the other backends")
def test_open_discriminator_is_refused_where_tf2onnx_adds_an_axis(tmp_path):
    with pytest.raises(ValueError, match="adds an axis"):
        export_network(network("patchgan", OPEN), tmp_path / "x.onnx", format="onnx")


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "tf_saved_model"])
def test_half_precision_is_written_in_float32(format, tmp_path, float32_after):
    if (BACKEND, format) == ("torch", "tf_saved_model"):
        pytest.skip("torch writes no SavedModel")
    need(format)
    exact = network("unet", upsampling="resize")
    keras.config.set_dtype_policy("mixed_bfloat16")
    mixed = network("unet", upsampling="resize")
    assert mixed.get_layer("down_0").compute_dtype == "bfloat16"
    check(mixed, tmp_path, format, reference=exact)
    assert mixed.get_layer("down_0").compute_dtype == "bfloat16"


def test_each_direction_of_a_cyclegan(tmp_path):
    need("onnx")
    model = cyclegan()
    for direction in ("ab", "ba"):
        path = tmp_path / f"{direction}.onnx"
        model.export(path, format="onnx", direction=direction)
        batch = images(3)
        found = run(str(path), "onnx", batch)
        np.testing.assert_allclose(found, model.translate(batch, direction), atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["unet", "resnet"])
def test_untrained_networks_whose_normalisations_are_equal(kind, tmp_path):
    need("onnx")
    arguments = {"full_resolution": True} if kind == "unet" else {}
    check(NETWORKS[kind](IMAGE, **arguments), tmp_path, "onnx")


@pytest.mark.slow
def test_a_generator_around_a_curve(tmp_path):
    need("onnx")
    made = kmc.curve_generator(IMAGE, curve=[-1.0, 0.3, 0.2, 1.0], filters=4)
    rng = np.random.default_rng(0)
    for variable in made.weights:
        value = keras.ops.convert_to_numpy(variable) + rng.normal(0, 0.02, variable.shape)
        variable.assign(value.astype("float32"))
    check(made, tmp_path, "onnx")


def test_bad_arguments_are_named(tmp_path):
    model = cyclegan()
    for arguments, message in (
        ({"direction": "a"}, "`direction` must be one of 'ab', 'ba'"),
        ({"format": "h5"}, "`format` must be one of"),
        ({"format": "onnx", "filepath": tmp_path / "x.pb"}, r"must end in '\.onnx'"),
        ({"filepath": tmp_path / "no" / "x"}, "folder that exists"),
        ({"input_shape": (8, 16, 1)}, "must fit what the network takes"),
        ({"batch_size": 0}, "`batch_size`"),
        ({"input_signature": []}, "`input_shape` and `batch_size`"),
    ):
        with pytest.raises(ValueError, match=message):
            model.export(**{"filepath": tmp_path / "x", **arguments})
    with pytest.raises(ValueError, match="one input"):
        export_network(keras.layers.Dense(1), tmp_path / "x")


def test_missing_package_names_the_extra(tmp_path, monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(_extras.importlib, "import_module", missing)
    extra = {"tensorflow": "export", "jax": "export-jax", "torch": "export"}[BACKEND]
    with pytest.raises(ImportError, match=rf"keras-mri-cyclegan\[{extra}\]"):
        export_network(network("unet"), tmp_path / "x.onnx", format="onnx")


@pytest.mark.parametrize(
    ("path", "format", "expected"),
    [
        ("x.onnx", None, "onnx"),
        ("x.tflite", None, "litert"),
        ("X.ONNX", "onnx", "must end in '.onnx'"),
        ("x", None, "tf_saved_model"),
        ("model.v2", None, "tf_saved_model"),
        ("x.onnx", "tf_saved_model", "must be a folder"),
        ("x.tflite", "tf_saved_model", "must be a folder"),
        ("x.tflite", "onnx", "must end in '.onnx'"),
        ("x.keras", None, "must end in .onnx or .tflite, or be the folder"),
        ("x.h5", None, "must end in .onnx or .tflite"),
        ("x.pt", None, "must end in .onnx or .tflite"),
        ("x.onnx", "savedmodel", "must be one of"),
    ],
)
def test_the_ending_decides(tmp_path, monkeypatch, path, format, expected):
    class WrittenError(Exception):
        pass

    def written(model, path, format, **arguments):
        raise WrittenError(format)

    monkeypatch.setattr(keras.Model, "export", written)
    monkeypatch.setattr(_extras, "require", lambda package, extra: None)
    monkeypatch.setattr("keras_mri_cyclegan.cyclegan.export._check_possible", lambda *a: None)
    for kind in ENDINGS:
        monkeypatch.setitem(PACKAGES, (BACKEND, kind), {})
    error = WrittenError if expected in ENDINGS else ValueError
    with pytest.raises(error, match=expected):
        kmc.CycleGAN.export(cyclegan(), str(tmp_path / path), format=format)
    assert not list(tmp_path.iterdir())
