"""Export of a network to SavedModel, ONNX or LiteRT, which run without this library."""

import os
from typing import Any

import keras
from keras import ops

from keras_mri_cyclegan import _checks, _extras

# File name ending of each format; a SavedModel is a folder.
ENDINGS = {"tf_saved_model": "", "onnx": ".onnx", "litert": ".tflite"}
# Endings of other formats, which are rejected as the name of a SavedModel.
OTHERS = (".keras", ".h5", ".hdf5", ".pb", ".pt", ".pth")
# Packages that Keras imports, and the extra that installs each.
PACKAGES = {
    ("tensorflow", "tf_saved_model"): {},
    ("tensorflow", "onnx"): {"tf2onnx": "export", "onnx": "export"},
    ("tensorflow", "litert"): {},
    ("jax", "tf_saved_model"): {"tensorflow": "tensorflow"},
    ("jax", "onnx"): {"jax2onnx": "export-jax"},
    ("torch", "onnx"): {"onnx": "export", "onnxscript": "export"},
    ("torch", "litert"): {"litert_torch": "export-torch"},
}
ON_TENSORFLOW = (
    'Save the network (`network.save("network.keras")`), and load and export it in a process with '
    "KERAS_BACKEND=tensorflow"
)


def export_network(
    network: keras.Model,
    filepath: str | os.PathLike,
    format: str | None = None,
    input_shape: tuple | None = None,
    batch_size: int | None = None,
    verbose: bool = False,
    **kwargs: Any,
) -> None:
    """Write a network to a file that runs without Keras and without this library.

    Keras' own `export` with the arguments that these networks need: it works before the network's
    first call, the exported network takes any number of images at once, and it is in float32
    whatever the dtype policy, since a runtime may not support half precision. If the backend cannot
    write the network, an error is raised before anything is written. The network is not changed.

    Args:
        network: A generator or discriminator: a functional `keras.Model` with one input.
        filepath: The file to write, `*.onnx` or `*.tflite`, or the folder of a SavedModel. An
            existing file or folder is replaced.
        format: `"tf_saved_model"` for `tf.saved_model.load`, `"onnx"` for ONNX Runtime, `"litert"`
            for LiteRT (TensorFlow Lite). Defaults to `None`: by the ending of `filepath`.
        input_shape: Shape of one image without the batch axis, to fix sizes that the network
            leaves open. Defaults to the network's own.
        batch_size: Integer, the fixed number of images per call, or `None` for any number.
            Defaults to `None`.
        verbose: Boolean, whether Keras reports its progress. Defaults to `False`.
        **kwargs: Further arguments of `keras.Model.export` for that format, such as
            `opset_version` for ONNX.

    Raises:
        ValueError: An argument is out of its range, or the current backend cannot write such a
            network in that format; the message says why and what to do instead.
        ImportError: A package is missing; the message names the extra that installs it.

    Example:
        >>> import keras_mri_cyclegan as kmc
        >>> from keras_mri_cyclegan.cyclegan.export import export_network
        >>> generator = kmc.unet_generator((32, 32, 1), depth=2, filters=4)
        >>> export_network(generator, "t1_to_t2.onnx")  # doctest: +SKIP
    """
    format = _checked_format(format, filepath)
    if "input_signature" in kwargs:
        raise ValueError(
            "`input_signature` follows from the network. Pass `input_shape` and `batch_size` to "
            f"fix open sizes. Received: input_signature={kwargs['input_signature']!r}."
        )
    if not isinstance(network, keras.Model) or not isinstance(network.input_shape, tuple):
        raise ValueError(f"`network` must be a `keras.Model` of one input. Received: {network!r}.")
    path = _checked_path(filepath, format)
    shape = _checked_shape(input_shape, network.input_shape[1:])
    if batch_size is not None:
        _checks.positive_int("batch_size", batch_size)
    backend = keras.backend.backend()
    _check_possible(backend, format, shape, batch_size)
    if (backend, format) == ("tensorflow", "onnx") and None in shape and _is_bare(network):
        raise ValueError(
            "tf2onnx sometimes adds an axis to the output of a network with open sizes that ends "
            f"in one channel without an activation. Received: {shape}. Fix the size, for example "
            f"`input_shape={_fixed(shape)}`."
        )
    for package, extra in PACKAGES[backend, format].items():
        _extras.require(package, extra)

    if (backend, format) == ("jax", "tf_saved_model"):
        # A translation needs no gradient, and the gradient for an open size cannot be written.
        kwargs["jax2tf_kwargs"] = {"with_gradient": False, **kwargs.get("jax2tf_kwargs", {})}
    # Keras infers the signature only for a network that has been called.
    name = network.inputs[0].name
    signature = [keras.InputSpec(shape=(batch_size, *shape), dtype="float32", name=name)]
    _for_export(network, format, shape).export(
        path, format=format, verbose=verbose, input_signature=signature, **kwargs
    )
    if (backend, format) == ("torch", "onnx"):
        _without_aliases(path)


def _checked_format(format: str | None, filepath: str | os.PathLike) -> str:
    """Return the validated format, or the format of the file name's ending for `None`."""
    ending = os.path.splitext(os.fspath(filepath))[1].lower()
    by_ending = {given: name for name, given in ENDINGS.items() if given}
    if format is None:
        if ending in OTHERS:
            raise ValueError(
                f"`filepath` must end in {' or '.join(by_ending)}, or be the folder of a "
                f"SavedModel. Received: {os.fspath(filepath)!r}. `save` writes `.keras`."
            )
        return by_ending.get(ending, "tf_saved_model")
    return _checks.one_of("format", format, tuple(ENDINGS))


def _checked_path(filepath: str | os.PathLike, format: str) -> str:
    path, ending = os.fspath(filepath), ENDINGS[format]
    another = any(path.lower().endswith(other) for other in ENDINGS.values() if other)
    if not path.endswith(ending) or (not ending and another):
        expected = f"end in {ending!r}" if ending else "be a folder"
        raise ValueError(f"`filepath` must {expected} for format={format!r}. Received: {path!r}.")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ValueError(f"`filepath` must be in a folder that exists. Received: {path!r}.")
    return path


def _checked_shape(given: tuple | None, own: tuple) -> tuple:
    if given is None:
        return tuple(own)
    shape = _checks.input_shape(given)
    same_rank = len(shape) == len(own)
    if not same_rank or any(o not in (None, s) for s, o in zip(shape, own, strict=True)):
        raise ValueError(
            f"`input_shape` must fit what the network takes, {tuple(own)}. Received: {shape}."
        )
    return shape


def _check_possible(backend: str, format: str, shape: tuple, batch_size: int | None) -> None:
    """Raise a `ValueError` where a backend's exporter fails, or has not been tested."""
    open_sizes, volumes = None in shape, len(shape) == 4
    impossible = None
    if backend not in ("tensorflow", "jax", "torch"):
        impossible = "Networks are exported on TensorFlow, JAX and torch"
    elif (backend, format) == ("torch", "tf_saved_model"):
        # Keras 3.15 fails for an open batch size; a fixed one needs torch_xla (not tested).
        impossible = "A SavedModel is not written on torch"
    elif (backend, format) == ("jax", "litert"):
        impossible = "Keras exports no LiteRT from JAX"
    elif (backend, format) == ("jax", "onnx") and volumes:
        impossible = "jax2onnx has no channels-last convolution in three dimensions"
    elif (backend, format) == ("torch", "litert") and volumes:
        impossible = "litert-torch writes convolutions in three dimensions that LiteRT cannot run"
    if impossible:
        raise ValueError(f"{impossible}. Received: backend {backend}, {format=}. {ON_TENSORFLOW}.")
    if open_sizes and backend != "tensorflow":
        raise ValueError(
            f"Networks of open size are exported on TensorFlow only. Received: {shape} on "
            f"{backend}. Fix the size, for example `input_shape={_fixed(shape)}`. Or: "
            f"{ON_TENSORFLOW}."
        )
    if backend == "torch" and (format == "litert" or volumes) and batch_size is None:
        raise ValueError(
            f"On torch {format!r} takes {'volumes' if volumes else 'images'} of a fixed batch size "
            "only. Received: batch_size=None. Pass one, such as `batch_size=1`. Or: "
            f"{ON_TENSORFLOW}."
        )


def _fixed(shape: tuple) -> tuple:
    return tuple(256 if size is None else size for size in shape)


def _is_bare(network: keras.Model) -> bool:
    """Whether a network ends in one channel without an activation."""
    last = network.layers[-1].get_config()
    return network.output_shape[-1] == 1 and last.get("activation", "linear") == "linear"


def _without_aliases(path: str) -> None:
    """Replace aliases of weights in torch's ONNX file by the weights' own names.

    Of several equal weights, as in untrained normalisation layers, torch stores only one, and adds
    `Identity` nodes with the names of the others. ONNX Runtime (1.32) sometimes loses these nodes.
    """
    import onnx

    model = onnx.load(path)
    graph = model.graph
    if any(a.type in (a.GRAPH, a.GRAPHS) for node in graph.node for a in node.attribute):
        return  # a subgraph may use the names
    outputs = {value.name for value in graph.output}
    own = {value.name: value.name for value in graph.initializer}
    aliases = []
    for node in graph.node:
        if node.op_type == "Identity" and node.input[0] in own and node.output[0] not in outputs:
            own[node.output[0]] = own[node.input[0]]
            aliases.append(node)
    for node in aliases:
        graph.node.remove(node)
    for node in graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = own.get(name, name)
    if aliases:
        onnx.save(model, path)


# === Copy of the network for the export ===


def _for_export(network: keras.Model, format: str, shape: tuple) -> keras.Model:
    """Return the network to write: of the given size, in float32, with layers for the format."""
    layers = network._flatten_layers(include_self=False)
    half = any("float16" in layer.dtype_policy.name for layer in layers)
    on_tensorflow = keras.backend.backend() == "tensorflow"
    # For LiteRT only: tf2onnx takes Keras' layer, and fails on `_UpSampling2D` for open sizes.
    resized = (format == "litert" and on_tensorflow) and any(
        type(layer) is keras.layers.UpSampling2D for layer in network.layers
    )
    # Layers whose `call` a `CycleGAN` has replaced by a faster one are exported with Keras' `call`.
    own_way = any("call" in vars(layer) for layer in layers)
    if not (half or resized or own_way) and shape == network.input_shape[1:]:
        return network
    # With a mixed policy the weights are float32 already, so no precision is lost.
    config = _in_float32(network.get_config())
    for layer in config["layers"]:
        if layer["class_name"] == "InputLayer":
            layer["config"]["batch_shape"] = (None, *shape)
    copy = type(network).from_config(config)
    if resized:
        copy = keras.models.clone_model(copy, clone_function=_clone)
    copy.set_weights(network.get_weights())
    return copy


def _in_float32(config: Any) -> Any:
    """Return a config with float32 in place of every dtype policy."""
    if isinstance(config, dict):
        if config.get("class_name") == "DTypePolicy":
            return "float32"
        return {name: _in_float32(value) for name, value in config.items()}
    if isinstance(config, (list, tuple)):
        return type(config)(_in_float32(value) for value in config)
    return config


def _clone(layer: keras.layers.Layer) -> keras.layers.Layer:
    kind = _UpSampling2D if type(layer) is keras.layers.UpSampling2D else type(layer)
    return kind.from_config(layer.get_config())


class _UpSampling2D(keras.layers.UpSampling2D):
    """Keras' `UpSampling2D` with a static number of output channels.

    `tf.repeat` makes that number unknown, and LiteRT has no convolution of unknown channels.
    """

    def call(self, inputs: Any) -> Any:
        resized = super().call(inputs)
        axis = 1 if self.data_format == "channels_first" else 3
        sizes = [ops.shape(resized)[k] for k in range(4)]
        sizes[axis] = inputs.shape[axis]
        return ops.reshape(resized, sizes)
